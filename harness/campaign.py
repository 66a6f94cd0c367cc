"""Many explorers on one question: deal the schedules out, add the tallies up.

Schedule i is a function of (scenario, seed, i), so the sum does not depend on how
many explorers there are. Explorers are fresh interpreters with a fixed hash
seed, one pinned to each core; a janitor removes what they would leave behind
if all of us were killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import msgspec
import multiprocess
from multiprocess.connection import wait

from harness import explorer
from harness.errors import HarnessError
from harness.explorer import Job
from harness.scenario.model import Scenario
from harness.tally import Tally

__all__ = ["Bug", "Campaign", "Question", "Result"]

_STOP_S = 10.0


class Bug(HarnessError):
    """Something inside an explorer broke that should not; the message is its traceback."""


class Question(msgspec.Struct, frozen=True):
    """One scenario under one fence.

    Args:
        scenario: what to run.
        fence: reference.
        gate, strategy: names.
        seed: of the run.
        schedules: how many.
        time_limit_s: stop after so long; 0 for no limit.
    """

    scenario: Scenario
    fence: str
    gate: str
    strategy: str
    seed: int
    schedules: int
    time_limit_s: float = 0.0


class Result(msgspec.Struct):
    """What came of a question.

    Args:
        question: what was asked.
        tally: the sum.
        wall_s: seconds from first job to last tally.
        explorers: how many worked on it.
        interrupted: stopped by the user before all schedules were run.
        timed_out: stopped by the time limit.
    """

    question: Question
    tally: Tally
    wall_s: float
    explorers: int
    interrupted: bool = False
    timed_out: bool = False


class _Explorer:
    def __init__(self, process: Any, connection: Any) -> None:
        self.process = process
        self.connection = connection
        self.busy = False


class Campaign:
    """A set of explorers, started when first needed. Use as a context manager.

    Args:
        explorers: how many, at most one a core.
        root: directory under which session directories are made; None for the
            system's temporary directory.
    """

    def __init__(self, explorers: int, root: str | None = None) -> None:
        self._wanted = explorers
        self._parent_root = root
        self._root = ""
        self._explorers: list[_Explorer] = []
        self._janitor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Campaign:
        self._root = os.path.realpath(tempfile.mkdtemp(prefix="harness-", dir=self._parent_root))
        self._janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", os.path.join(os.path.dirname(__file__), "janitor.py"), self._root],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._explorers:
            self._dismiss(one)
        shutil.rmtree(self._root, ignore_errors=True)
        assert self._janitor is not None and self._janitor.stdin is not None
        self._janitor.stdin.close()
        self._janitor.wait(_STOP_S)

    @property
    def root(self) -> str:
        """Where the session directories are."""
        return self._root

    def pids(self) -> list[int]:
        """Process ids of the explorers."""
        return [one.process.pid for one in self._explorers]

    def _hire(self, count: int) -> list[_Explorer]:
        cores = sorted(os.sched_getaffinity(0))
        context = multiprocess.get_context("spawn")
        while len(self._explorers) < count:
            ours, theirs = context.Pipe()
            core = cores[len(self._explorers) % len(cores)]
            process = context.Process(target=explorer.main, args=(theirs, core, self._root, os.getpid()))
            with _hash_seed():
                process.start()
            theirs.close()
            self._explorers.append(_Explorer(process, ours))
        return self._explorers[:count]

    def _dismiss(self, one: _Explorer) -> None:
        with contextlib.suppress(OSError):
            one.connection.send(None)
        one.process.join(_STOP_S)
        if one.process.is_alive():
            os.kill(one.process.pid, signal.SIGKILL)
            one.process.join(_STOP_S)
        one.connection.close()

    def ask(self, question: Question, progress: Callable[[Tally], None] = lambda _: None) -> Result:
        """Run a question to its end, its time limit, or the user's interrupt.

        Args:
            question: what to run.
            progress: called with the sum so far, at most ten times a second an explorer.

        Raises:
            HarnessError: nothing could be run at all.
            Bug: an explorer broke.
        """
        count = max(1, min(self._wanted, question.schedules))
        team = self._hire(count)
        started = time.monotonic()
        result = Result(question, Tally(), 0.0, count)
        for number, one in enumerate(team):
            one.connection.send(self._job(question, number, count))
            one.busy = True
        try:
            self._collect(team, result, progress, started)
        except KeyboardInterrupt:
            result.interrupted = True
            self._halt(team)
            self._collect(team, result, progress, started)
        result.wall_s = time.monotonic() - started
        return result

    def _job(self, question: Question, number: int, count: int) -> Job:
        return Job(
            question.scenario,
            question.fence,
            question.gate,
            question.strategy,
            question.seed,
            number,
            count,
            question.schedules,
        )

    def _halt(self, team: list[_Explorer]) -> None:
        for one in team:
            if one.busy:
                with contextlib.suppress(OSError):
                    one.connection.send(explorer.STOP)

    def _collect(
        self, team: list[_Explorer], result: Result, progress: Callable[[Tally], None], started: float
    ) -> None:
        limit = result.question.time_limit_s
        errors: list[HarnessError] = []
        while busy := [one for one in team if one.busy]:
            patience = max(0.0, limit - (time.monotonic() - started)) if limit else None
            if result.timed_out or result.interrupted:
                patience = _STOP_S
            ready = wait([one.connection for one in busy], patience)
            if not ready:
                if result.timed_out or result.interrupted:
                    self._abandon(busy, result)
                    break
                result.timed_out = True
                self._halt(team)
                continue
            for one in busy:
                if one.connection in ready:
                    self._receive(one, result, errors)
            progress(result.tally)
        if errors:
            raise errors[0]

    def _receive(self, one: _Explorer, result: Result, errors: list[HarnessError]) -> None:
        try:
            kind, value = one.connection.recv()
        except (EOFError, OSError):
            one.process.join(_STOP_S)
            self._explorers.remove(one)
            one.busy = False
            result.tally.doubt(-1, f"an explorer ended with status {one.process.exitcode}")
            return
        if kind == "tally":
            result.tally.merge(value)
            return
        one.busy = False
        if kind == "error":
            errors.append(value)
        elif kind == "bug":
            errors.append(Bug(value))

    def _abandon(self, busy: list[_Explorer], result: Result) -> None:
        for one in busy:
            os.kill(one.process.pid, signal.SIGKILL)
            one.process.join(_STOP_S)
            self._explorers.remove(one)
            result.tally.doubt(-1, "an explorer did not stop when it was told to")


@contextlib.contextmanager
def _hash_seed() -> Any:
    """A fixed hash seed for the interpreters that are started meanwhile: set order is a choice, too."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = before
