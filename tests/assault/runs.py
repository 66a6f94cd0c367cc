"""Runs of the harness that `kills` disturbs: their setups, their processes, their leftovers.

Each run has a temporary directory of its own. A process with the mark of a session root in there, or with the
environment variable of the run, belongs to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from harness.cli.checkpoint import unsealed
from harness.model.errors import HarnessError
from harness.model.history_text import decode as decode_history
from harness.model.unreadable import UNREADABLE
from harness.results import witness
from harness.system.session_roots import MARK
from tests.fence.external.adapters import command as adapter

__all__ = ["SETUPS", "Run", "Setup", "apart", "shortened"]

_ROOT = Path(__file__).parents[2]
_OWN = "HARNESS_ASSAULT"
#: Ends a hang, and is no expectation: a machine may be slow.
PATIENCE_S = 300.0
#: Fields in which a run may differ each time.
_APART = frozenset(
    {"wall_s", "steps_per_s", "workers", "peak_bytes", "explorers", "voided", "first_violation", "shrunk"}
)

_SCENARIO = """\
about: A heartbeat and an editor write while the runner waits for its model.
source: assault
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 4}
  - {role: heartbeat, process: other}
  - {role: editor, actions: [append-user, truncate]}
expect:
  none: [missed_takeover, lost_entry, altered_entry, dead_end]
"""
_PROGRAM = """\
about: A shell and its children write while the runner waits for its model.
source: assault
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 4}
  - {role: program, argv: [bash, -c, "(echo more; sleep 0.01) | cat >> {transcript}"], delay_steps: 0}
expect:
  none: [missed_takeover, lost_entry, altered_entry]
"""


class Setup(NamedTuple):
    """A run that is to be disturbed.

    Args:
        name: for the figures.
        scenario: text of the scenario file.
        arguments: of the command line.
    """

    name: str
    scenario: str
    arguments: tuple[str, ...]


SETUPS = {
    "plain": Setup(
        "plain",
        _SCENARIO,
        ("--fence", "ledger", "--fence", "none", "--schedules", "300", "--explorers", "2", "--no-shrink"),
    ),
    "shrinking": Setup(
        "shrinking",
        _SCENARIO.replace("none: [missed_takeover, lost_entry, altered_entry, dead_end]", "none: []"),
        ("--fence", "none", "--schedules", "150", "--explorers", "1", "--shrink-limit-s", "1"),
    ),
    "program": Setup(
        "program",
        _PROGRAM,
        ("--fence", "ledger", "--allow-programs", "--schedules", "40", "--explorers", "1", "--no-shrink"),
    ),
    "adapter": Setup(
        "adapter",
        _SCENARIO,
        ("--fence", f"exec:{adapter()}", "--schedules", "70", "--explorers", "1", "--no-shrink"),
    ),
}


def shortened(setup: Setup, percent: int) -> Setup:
    """Return a setup with a share of its schedules."""
    words = list(setup.arguments)
    at = words.index("--schedules") + 1
    words[at] = str(max(1, int(words[at]) * percent // 100))
    return setup._replace(arguments=tuple(words))


def apart(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the fields in which two summaries differ and should not."""
    return sorted(name for name in one if name not in _APART and one[name] != other.get(name))


class Run:
    """One run of a setup in folders of its own. A context manager that leaves nothing of it.

    Args:
        folder: does not exist yet.
        setup: what to run.
    """

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.setup = setup
        self.folder = folder
        self.out = folder / "out"
        self.temporary = folder / "tmp"
        self._mark = uuid.uuid4().hex

    def __enter__(self) -> Run:
        self.temporary.mkdir(parents=True)
        (self.folder / "small.yaml").write_text(self.setup.scenario)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.left():
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Commands

    def start(self) -> subprocess.Popen[str]:
        """Start it."""
        scenario = str(self.folder / "small.yaml")
        return self._popen("run", scenario, *self.setup.arguments, "--out", str(self.out), "--json")

    def resume(self) -> subprocess.Popen[str]:
        """Go on with it."""
        # The plan names the program or the adapter, and a file starts nothing that the user has not named.
        return self._popen("run", "--resume", str(self.out), "--json", "--allow-programs")

    def clean(self) -> subprocess.Popen[str]:
        """Start ``doctor --clean``."""
        return self._popen("doctor", "--clean", "--json")

    def _popen(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
        environment |= {_OWN: self._mark, "TMPDIR": str(self.temporary), "PYTHONPATH": str(_ROOT)}
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *arguments],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    # Processes

    def targets(self, kind: str, harness: int) -> list[psutil.Process]:
        """Return the processes of a kind that there are now.

        Args:
            kind: ``harness``, ``janitor``, ``explorer``, ``worker``, ``program`` or ``adapter``.
            harness: its process id.
        """
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(harness)
            if kind == "harness":
                return [top]
            children = {one: _words(one) for one in top.children()}
            if kind == "janitor":
                return [one for one, words in children.items() if words[3:4] and "janitor.py" in words[3]]
            explorers = [one for one, words in children.items() if "worker_pool" in " ".join(words)]
            if kind == "explorer":
                return explorers
            workers = [one for explorer in explorers for one in explorer.children()]
            workers = [one for one in workers if "worker_pool" in " ".join(_words(one))]
            if kind == "worker":
                return workers
            started = [one for worker in workers for one in worker.children(recursive=True)]
            return [one for one in started if "worker_pool" not in " ".join(_words(one))]
        return []

    def left(self) -> list[psutil.Process]:
        """Return the processes of the run that are there, its own and those that are marked."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                environment = process.environ()
                root = environment.get(MARK, "")
                mine = environment.get(_OWN) == self._mark or root.startswith(f"{self.temporary}/")
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    # Its stored files

    def leftovers(self, patience_s: float) -> list[str]:
        """Return what is left of it after a time of grace, in words."""
        deadline = time.monotonic() + patience_s
        while True:
            found = [f"process {one.pid} {' '.join(_words(one))[:80]}" for one in self.left()]
            found += [f"in TMPDIR: {name}" for name in sorted(os.listdir(self.temporary))]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def damaged(self) -> list[str]:
        """Return the stored files that are not whole, in words."""
        return [] if not self.out.exists() else [fault for fault in self._faults() if fault]

    def _faults(self) -> Iterator[str]:
        for path in sorted(self.out.rglob("*")):
            try:
                if path.name == "plan.json":
                    json.loads(path.read_bytes())
                elif path.name == "verdicts.jsonl":
                    for line in path.read_text().splitlines():
                        json.loads(line)
                elif path.name.endswith(".history.jsonl"):
                    decode_history(path.read_bytes(), path.name)
                elif path.parent.name == "witnesses" and path.suffix == ".json":
                    found = witness.decode(path.read_bytes(), path.name)
                    decode_history(found.history.encode(), path.name)
                    if not path.with_name(f"{path.stem}.history.jsonl").exists():
                        yield f"{path.name} has no history beside it"
                elif path.parent.name == "progress" and path.suffix == ".msgpack":
                    unsealed(path.read_bytes())
                elif path.name == "report.html" and not path.read_text().rstrip().endswith("</html>"):
                    yield "report.html is cut"
            except (HarnessError, ValueError, *UNREADABLE, OSError) as error:
                yield f"{path.name}: {error}"

    def unfinished(self) -> list[str]:
        """Return files that were not put in their place."""
        return [str(path.relative_to(self.out)) for path in self.out.rglob("*.tmp*")]


def _words(process: psutil.Process) -> Sequence[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []
