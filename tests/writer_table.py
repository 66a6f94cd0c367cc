"""Ways in which programs and libraries write a long JSON line, and the verdicts of the built-in fences.

    python -m tests.writer_table                      # all of scenarios/programs/writers, 20 schedules each
    python -m tests.writer_table --schedules 5 --only jq,jsonlines

Writes results/writers.json and results/writers.md. pip and npm fetch the libraries, of fixed versions, into a
temporary folder. A program that this machine lacks is named there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fence import FENCES
from harness.explore.explorer import Explorer, ticking
from harness.model.history import End, History
from harness.oracle import judge
from harness.scenario import Scenario, load
from harness.scenario.exec_program import PYTHON
from harness.strategies import make
from harness.system.janitor import place
from tests.patience import GENEROUS_S, WALL_LIMIT
from tests.scenarios.probe import is_control
from tests.writing import LOCKING, LONGEST, all_writers, measured, unlocked, writer_of

__all__ = ["LIBRARIES", "TABLE", "libraries", "main", "rows", "version_of"]

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "results" / "writers.json"
#: Packages by the scenarios that need them: the registry and the version.
LIBRARIES: Mapping[str, tuple[str, str]] = {
    "jsonlines": ("pypi", "jsonlines==4.0.0"),
    "structlog-print-logger": ("pypi", "structlog==26.1.0"),
    "pino": ("npm", "pino@10.4.0"),
}
#: How programs say their version, where it is not by `--version`.
_ASKING = {
    "busybox": "busybox",
    "dash": "dpkg-query -W dash",
    "mawk": "mawk -W version",
    "python3": f"{sys.executable} --version",
    "tclsh": "echo puts [info patchlevel] | tclsh",
}
#: Words of a command line that are the programs in question, beside its first one.
_WITHIN = ("jq", "grep", "tclsh")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_HEAD = """\
# Writers of long lines

Made by `python -m tests.writer_table`; do not edit. Each program of `scenarios/programs/writers` appends
one line of JSON; measured on {system}, on a file system with blocks of 4,096 bytes. *Cut from* is the
shortest line, in bytes with its newline, that takes several calls; a dash: none up to {longest:,} bytes
does. *In between* is what a reader finds at the end of the file before the last call.

Then a runner thinks beside it, in so many *schedules* for each fence. Without a lock the program is a rogue:
*missed*, the schedules in which the fence let its line in; *broken*, those after which a line is no JSON; a
dash: neither. *Under the lock*, that of every fence, it is lawful, in at least a quarter as many schedules:
what any fence did wrong, or a line that is broken; a dash: nothing.
"""


def main() -> None:
    """Measure each writer, try it beside each fence, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=20)
    parser.add_argument("--only", default="", help="names with commas; all without")
    asked = parser.parse_args()
    only = set(asked.only.split(",")) if asked.only else set()
    os.environ.setdefault(WALL_LIMIT, str(GENEROUS_S))
    found = []
    with libraries():
        for path in all_writers():
            if not only or path.stem in only:
                found.append(_row(path, asked.schedules))
                print(path.stem, json.dumps(found[-1]), flush=True)
    if not only:
        TABLE.write_text(json.dumps(found, indent=1) + "\n")
        TABLE.with_suffix(".md").write_text("\n".join(rows(found)) + "\n")


@contextlib.contextmanager
def libraries(registries: tuple[str, ...] = ("pypi", "npm")) -> Iterator[None]:
    """Let `python3` and `node` of PATH find the libraries, fetched into a temporary folder.

    Args:
        registries: those to fetch from.
    """
    before = os.environ["PATH"]
    with tempfile.TemporaryDirectory() as folder:
        # Programs run as another user.
        os.chmod(folder, 0o755)
        wanted = {name: sorted({v for r, v in LIBRARIES.values() if r == name}) for name in registries}
        if wanted.get("pypi"):
            _run([sys.executable, "-m", "venv", f"{folder}/venv"])
            _run([f"{folder}/venv/bin/python", "-m", "pip", "install", "--quiet", *wanted["pypi"]])
        node = shutil.which("node")
        if wanted.get("npm") and node is not None:
            # With --prefix npm would not read the machine's own settings.
            Path(folder, "package.json").write_text("{}")
            _run(["npm", "install", "--silent", "--no-audit", *wanted["npm"]], folder)
            shim = Path(folder, "node")
            shim.write_text(f'#!/bin/sh\nNODE_PATH={folder}/node_modules exec {node} "$@"\n')
            shim.chmod(0o755)
        os.environ["PATH"] = f"{folder}/venv/bin:{folder}:{before}"
        try:
            yield
        finally:
            os.environ["PATH"] = before


def version_of(path: Path) -> str:
    """Return the name and the version of what writes in a scenario; empty where this machine lacks it."""
    argv = tuple(word.replace(PYTHON, "python3") for word in writer_of(load(str(path))).argv[LOCKING:])
    words = " ".join(argv).split()
    program = next((name for name in _WITHIN if name in words), argv[0])
    if shutil.which(program) is None or shutil.which(argv[0]) is None:
        return ""
    said = _VERSION.search(_said(_ASKING.get(program, f"{program} --version")))
    version = f"{program} {said[0]}" if said else program
    library = LIBRARIES.get(path.stem)
    if library is None:
        return version
    name, _, wanted = library[1].replace("==", "@").partition("@")
    ask = f"python3 -c 'import importlib.metadata as m; print(m.version(\"{name}\"))'"
    found = _said(ask if library[0] == "pypi" else f"node -p \"require('{name}/package.json').version\"")
    return f"{name} {wanted}, {version}" if found.strip() == wanted else ""


def rows(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the document."""
    system = os.uname()
    name = f"{system.sysname} {system.release.partition('-')[0]}"
    yield _HEAD.format(system=name, longest=LONGEST)
    fences = _fences()
    columns = ("writer", "version", "cut from", "how", "in between", "schedules", "under the lock", *fences)
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * (len(fences) + 7)
    for row in found:
        if not row["version"]:
            yield f"| {row['writer']} | not on this machine |{' |' * (len(fences) + 5)}"
            continue
        cut = f"{row['cut_from']:,}" if row["cut_from"] else "-"
        cells = [_cell(row["unlocked"][fence]) for fence in fences]
        first = (row["writer"], row["version"], cut, row["how"], row["between"], str(row["schedules"]))
        parts = (*first, _cell(row["locked"]), *cells)
        yield f"| {' | '.join(parts)} |"


def _row(path: Path, schedules: int) -> dict[str, Any]:
    row: dict[str, Any] = {"writer": path.stem, "version": version_of(path), "schedules": schedules}
    if not row["version"]:
        return row
    found = measured(path)
    row["cut_from"] = 0 if found.shortest is None else found.shortest.bytes
    row |= {"how": found.how, "between": found.long.found}
    scenario = load(str(path))
    locked = Counter[str]()
    for fence in _fences():
        locked += _tried(scenario, fence, _of_locked(schedules))
    row["locked"] = dict(sorted(locked.items()))
    free = unlocked(scenario)
    row["unlocked"] = {fence: dict(sorted(_tried(free, fence, schedules).items())) for fence in _fences()}
    return row


def _tried(scenario: Scenario, fence: str, schedules: int) -> Counter[str]:
    """Return the number of schedules that showed each kind."""
    shown = Counter[str]()
    explorer = Explorer(scenario, fence, "kernel", place(None, real=False))
    with ticking():
        try:
            for index in range(schedules):
                history, _, _ = explorer.run(explorer.program(1, index), make("random"), 1, index)
                judgement = judge(history)
                kinds = {violation.kind for violation in judgement.violations}
                shown.update({*kinds, *(["inconclusive"] if judgement.inconclusive else [])})
                shown["broken"] += _is_broken(history)
        finally:
            explorer.close()
    return +shown


def _of_locked(schedules: int) -> int:
    """Return how many schedules a writer gets under the lock, which costs more than the line."""
    return -(-schedules // 4)


def _is_broken(history: History) -> bool:
    """Return whether a line of the transcript is no JSON at the end."""
    end = history.events[-1]
    assert isinstance(end, End)
    for line in history.blobs[end.final.content].splitlines():
        try:
            json.loads(line)
        except ValueError:
            return True
    return False


def _cell(shown: Mapping[str, int]) -> str:
    words = {"missed_takeover": "missed"}
    return ", ".join(f"{words.get(kind, kind)} {count}" for kind, count in shown.items()) or "-"


def _fences() -> list[str]:
    return [name for name in FENCES if not is_control(name)]


def _run(command: list[str], folder: str | None = None) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, cwd=folder)


def _said(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
