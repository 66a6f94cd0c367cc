"""Finds the command blocks of the documents, and makes a folder in which they can be run.

A block is a run of indented lines, or a fenced block of shell, that begins a line with a program. Documents
speak of files of the reader (``my.yaml``, ``my_fence.py``, ``WITNESS``); `make_folder` writes them. A search
in a document has thousands of schedules; `reduced` gives it few, by its own options.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "DOCUMENTS",
    "RUN",
    "RUN_OF_MINE",
    "Block",
    "blocks",
    "make_folder",
    "make_programs",
    "ready",
    "reduced",
    "run",
]

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    *("README.md", "ARCHITECTURE.md", "tests/README.md", "findings/README.md"),
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
)
#: A run of the README's scenario, under the name that a document has for a run that was cut short; and one
#: with the README's fence.
RUN, RUN_OF_MINE = "results/runs/20261124T120000Z-4711", "results/runs/mine"
_PROGRAMS = "docker|git|make|node|npm|pip|pytest|python|python3|takeover-harness"
_COMMAND = re.compile(rf"(?:\$ )?((?:{_PROGRAMS}) .*)$")
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
#: By command: the replaced options, each by a number at most, or by a text.
_SMALL: dict[str, dict[str, int | str]] = {
    "run": {"--schedules": 4},
    "matrix": {"--schedules": 3},
    "fuzz": {"--time-limit-s": 2},
    "controls": {"--schedules": 20, "--only": "ledger-look-before-lock"},
    "bench": {"--parts": "scenarios", "--rounds": 2, "--schedules": 1},
}
#: A strategy that has another size than schedules.
_TO_THE_END = "exhaustive"


class Block(NamedTuple):
    """Commands that stand together in a document.

    Attributes:
        document: path below the root.
        commands: lines of shell, without comments at their ends.
        output: the fenced text that follows; empty where none does.
    """

    document: str
    commands: tuple[str, ...]
    output: str


def blocks(document: str) -> list[Block]:
    """Return the command blocks of a document, in their order."""
    text = (ROOT / document).read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = list(_FENCED.finditer(text))
    found = [(one.start(), one.end(), one[2]) for one in fenced if one[1] in ("sh", "bash", "console")]
    outside = text
    for one in fenced:
        outside = outside[: one.start()] + re.sub(r"[^\n]", ".", one[0]) + outside[one.end() :]
    found += [(one.start(), one.end(), one[0]) for one in _INDENTED.finditer(outside)]
    made = []
    for _, end, part in sorted(found):
        commands = tuple(_commands(part))
        after = next((one for one in fenced if one.start() >= end), None)
        follows = after is not None and after[1] == "" and not text[end : after.start()].strip()
        if commands:
            made.append(Block(document, commands, after[2] if follows and after is not None else ""))
    return made


def _commands(part: str) -> Iterator[str]:
    for line in part.splitlines():
        match = _COMMAND.match(line.strip())
        if match:
            yield re.sub(r"\s+#.*$", "", match[1])


def reduced(command: str, whole: bool = False) -> str:
    """Return a command of the harness as a test runs it; commands of other programs as they are.

    Args:
        command: the line.
        whole: with all schedules; a story is made small for as long as it takes in either case, because
            no test may depend on speed.
    """
    head, words = ready(command)
    if not words or words[0] not in _SMALL:
        return command
    small = {} if whole else dict(_SMALL[words[0]])
    if words[0] in ("run", "matrix"):
        small["--shrink-limit-s"] = 600
    if _TO_THE_END in words:
        small = {"--time-limit-s": 3}
    elif "--resume" in words or "--confidence" in words:
        small.pop("--schedules", None)
    until = next((at for at, word in enumerate(words) if word in (">", "|")), len(words))
    kept, rest = words[:until], words[until:]
    for option, least in small.items():
        if option not in kept:
            kept += [option, str(least)]
            continue
        at = kept.index(option) + 1
        kept[at] = least if isinstance(least, str) else str(min(least, int(kept[at])))
    piped = [word if word in (">", "|") else shlex.quote(word) for word in rest]
    return " ".join([head, *map(shlex.quote, kept), *piped])


def ready(command: str) -> tuple[str, list[str]]:
    """Return how the harness is called and with which words; no words for another program."""
    for head in ("python -m harness", "takeover-harness"):
        if command.startswith(f"{head} "):
            return head, shlex.split(command.removeprefix(head))
    return "", []


def make_folder(folder: Path) -> None:
    """Write what the commands of a document may name: a clone with fewer scenarios, and files of a reader."""
    for name in ("examples", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    for path in _scenarios():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    (folder / "results" / "runs").mkdir(parents=True)
    for name in ("openclaw", "openclaw.tar.xz"):
        (folder / "results" / name).symlink_to(ROOT / "results" / name)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (folder / "my.yaml").write_text(_shown(readme, "yaml", "about: "))
    fence = _shown(readme, "python", "import hashlib")
    (folder / "my_fence.py").write_text(fence)
    for name in ("old_fence.py", "new_fence.py"):
        (folder / name).write_text(
            fence.replace("class MyFence(Fence)", "class Fence(Base)").replace(
                "import Fence,", "import Fence as Base,"
            )
        )
    node = folder / "examples" / "node"
    shutil.copy(node / "stat.mjs", folder / "adapter.mjs")
    shutil.copy(node / "host.mjs", folder / "host.mjs")
    make_programs(folder / "bin")


def _scenarios() -> list[str]:
    """Return the scenarios that a document names by their path, and one of each folder that one names."""
    named = {
        f"scenarios/{name}.yaml" for name in ("quickstart", "programs/catalogue/cp", "locks/lock-of-the-dead")
    }
    for document in DOCUMENTS:
        for block in blocks(document):
            named |= set(re.findall(r"scenarios/[\w/-]+\.yaml", " ".join(block.commands)))
    return sorted(named)


def _shown(text: str, language: str, begin: str) -> str:
    (found,) = re.findall(rf"^```{language}\n({begin}.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found)


def make_programs(folder: Path) -> None:
    """Write `python`, and `takeover-harness` as an installation would have it."""
    folder.mkdir()
    scripts = {
        "python": f'exec {shlex.quote(sys.executable)} "$@"',
        "pytest": f'exec {shlex.quote(sys.executable)} -m pytest "$@"',
        "takeover-harness": f'exec {shlex.quote(sys.executable)} -m takeover_harness "$@"',
    }
    for name, line in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)


def run(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a document in such a folder, as a shell would; a debugger is told to go on.

    Args:
        command: the line.
        folder: in which it runs.
        more: variables of its environment.
    """
    ours = ("GITHUB_", "PYTEST_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env={**environment, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", **more},
        input="c\n",
        capture_output=True,
        text=True,
        timeout=1000,
        check=False,
        preexec_fn=_on_one_core,
    )


def _on_one_core() -> None:
    # One explorer for each search, because the start of one costs most here.
    usable: Sequence[int] = sorted(os.sched_getaffinity(0))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.sched_setaffinity(0, {usable[int(worker) % len(usable)]})
