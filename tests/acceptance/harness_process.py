"""The command line as real processes, and their leftovers.

Every process that a test starts carries a mark of its own in its environment, so
that each process it starts is found again, wherever that has gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

__all__ = [
    "ROGUE",
    "ROOT",
    "SCENARIO",
    "Ended",
    "Harness",
    "Running",
    "command_line",
    "eventually",
    "name_of",
    "write_fence",
    "write_scenario",
]

ROOT = Path(__file__).parents[2]

_MARK = "HARNESS_ACCEPTANCE_TEST"
#: These end a hang, and are no expectation: a machine may be as slow as it likes.
_PATIENCE_S = 600.0
_LEFT_S = 120.0
_LOOK_EVERY_S = 0.05

SCENARIO = """\
about: A heartbeat appends under the lock while the runner waits for its model.
source: acceptance test
policy: coordinated
lanes:
  - role: runner
    process: gateway
    think_steps: 2
  - role: heartbeat
    process: other
schedules: 20
expect: {}
"""


#: `none` lets the editor's bytes in; a fence that looks does not.
ROGUE = SCENARIO.replace(
    "- role: heartbeat\n    process: other", "- role: editor\n    actions: [append-user]"
)


def is_first_of_namespace(pid: int) -> bool:
    """Whether a process is the first one of a PID namespace, which an explorer has beside its workers."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("NSpid:"):
                return line.split()[2:] == ["1"]
    return False


class Ended(NamedTuple):
    """A command that is over."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as JSON, one object a line and nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> dict[str, Any]:
        """The only object on standard output."""
        (found,) = self.objects
        return found


class Running:
    """A command under way; a context manager that leaves nothing of it."""

    def __init__(self, process: subprocess.Popen[str], mark: str) -> None:
        self.process = process
        self._mark = mark

    def family(self) -> list[psutil.Process]:
        """Every living process that descends from the command, itself included."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(_MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def explorers(self) -> list[psutil.Process]:
        """Processes that explore."""
        return [
            one for one in _children(self.process.pid) if "harness.explore.worker_pool" in command_line(one)
        ]

    def workers(self) -> list[psutil.Process]:
        """Processes of the scenario."""
        children = [child for explorer in self.explorers() for child in _children(explorer.pid)]
        return [child for child in children if not is_first_of_namespace(child.pid)]

    def worker_named(self, name: str) -> psutil.Process | None:
        """A worker that calls itself `name` (as the fences of these tests do)."""
        with contextlib.suppress(psutil.Error):
            return next((worker for worker in self.workers() if worker.name() == name), None)
        return None

    def end(self, timeout_s: float = _PATIENCE_S) -> Ended:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=timeout_s)
        return Ended(self.process.returncode, out, err)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ValueError):
            self.process.communicate(timeout=_PATIENCE_S)


class Harness:
    """Starts commands that share a folder for results and one for session directories.

    Args:
        folder: private to the test.
    """

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.session_root = folder / "sessions"
        self.session_root.mkdir()
        self._mark = uuid.uuid4().hex

    def start(
        self,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
        before: Callable[[], None] | None = None,
        **popen: Any,
    ) -> Running:
        """Start a command.

        Args:
            arguments: of the command line, turned into text.
            environment: variables on top of ours.
            within: a command that ends by becoming its arguments.
            before: called in the child before it becomes the harness.
            popen: anything else for `subprocess.Popen`.
        """
        command = [*within, sys.executable, "-m", "harness", *map(str, arguments)]
        options: dict[str, Any] = {
            "cwd": ROOT,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "start_new_session": True,
            **popen,
        }
        # Where these tests run on GitHub, their runs belong to no step summary.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
        variables = {**ours, "PYTHONPATH": str(ROOT), _MARK: self._mark, **(environment or {})}
        # No threads here that a call before exec could meet.
        process = subprocess.Popen(command, env=variables, preexec_fn=before, **options)  # noqa: PLW1509
        return Running(process, self._mark)

    def start_run(self, *arguments: object, **more: Any) -> Running:
        """Start ``run`` with one explorer and this test's folders."""
        return self.start("run", *self._folders(arguments), **more)

    def call(self, *arguments: object, **more: Any) -> Ended:
        """Carry a command out to its end, and see that nothing of it is left."""
        with self.start(*arguments, **more) as running:
            ended = running.end()
            self.assert_nothing_left(running)
        return ended

    def run(self, *arguments: object, **more: Any) -> Ended:
        """``run`` with one explorer and this test's folders, to its end."""
        return self.call("run", *self._folders(arguments), **more)

    def _folders(self, arguments: Sequence[object]) -> list[object]:
        defaults = {"--session-root": self.session_root, "--out": self.out, "--explorers": 1}
        missing = [item for option in defaults.items() if option[0] not in arguments for item in option]
        # Runs of one test follow each other in its folder.
        return [*arguments, *missing, "--force"]

    def assert_nothing_left(self, running: Running, within_s: float = _LEFT_S) -> None:
        """No process, no session directory, no half file."""
        eventually(lambda: not running.family(), within_s, running.family)
        eventually(lambda: not self.sessions(), within_s, self.sessions)
        assert not list(self.out.rglob("*.tmp"))

    def sessions(self) -> list[str]:
        """Return the names in the session root."""
        return os.listdir(self.session_root)

    def verdicts(self) -> list[dict[str, Any]]:
        """The stored verdicts."""
        return [json.loads(line) for line in (self.out / "verdicts.jsonl").read_text().splitlines()]

    def witnesses(self) -> list[Path]:
        """The stored witnesses, as they were found."""
        apart = (".history.jsonl", ".shrunk.json")
        return sorted(path for path in (self.out / "witnesses").iterdir() if not path.name.endswith(apart))


def command_line(process: psutil.Process) -> str:
    """Its words; none when it has ended since it was found, waited for or not."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def name_of(process: psutil.Process) -> str:
    """Its name; empty when it has ended since it was found."""
    with contextlib.suppress(psutil.Error):
        return str(process.name())
    return ""


def _children(pid: int) -> list[psutil.Process]:
    # psutil would read the whole of /proc for this.
    with contextlib.suppress(OSError, psutil.Error):
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        return [psutil.Process(int(child)) for child in " ".join(lists).split()]
    return []


def eventually(
    holds: Callable[[], object], within_s: float = _PATIENCE_S, seen: Callable[[], object] = lambda: ""
) -> None:
    """Wait until something holds.

    Args:
        holds: looked at again and again.
        within_s: fails after so long.
        seen: what to show when it fails.
    """
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s: {seen()}"
        time.sleep(_LOOK_EVERY_S)


def write_scenario(folder: Path, text: str = SCENARIO, name: str = "small.yaml") -> Path:
    """A scenario file."""
    path = folder / name
    path.write_text(text)
    return path


def write_fence(folder: Path, body: str, name: str = "fences.py") -> Path:
    """A file of fences; the imports that they need are there already."""
    path = folder / name
    head = (
        "import ctypes, os, signal, subprocess, sys, threading, time\n"
        "from fence.protocol import Fence\n"
        "from fence.transcript import append_lines\n"
    )
    path.write_text(f"{head}\n\n{body}")
    return path
