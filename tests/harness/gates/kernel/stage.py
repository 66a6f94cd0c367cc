"""A kernel gate with real workers, programs of words, and a strategy that follows a script.

A program is a list of words a lane. ``think:3`` and ``pause:50`` are what they say; any
other word names a method of the fence under test, which makes the system calls in question.
The value that the method returns comes back as the detail of its operation (see `words`).
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import inspect
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import ClassVar, Self

import psutil

from fence.protocol import Fence
from harness.explore.explorer import ticking
from harness.explore.schedule_runner import run_schedule
from harness.gates.kernel.gate import KernelGate
from harness.gates.kernel.quiescence import id_in_namespace
from harness.lanes import worker
from harness.model.gate import Candidate, Layout, Outcome
from harness.model.history import Change, End, Invoke, LaneInfo, LockEvent, Return, Step
from harness.model.program import Entry, Filesystem, LaneProgram, Op, Program
from harness.model.schedule import Schedule
from harness.strategies.strategy import Strategy
from tests.patience import GENEROUS_S

__all__ = ["INITIAL", "Out", "Scripted", "Seen", "Stage", "Until", "as_explorer", "program_of"]

INITIAL = b"aaaa\nbbbb\n"
START_NS = 1_000_000_000_000_000_000
_DEADLINE_S = 900.0
_STEPS_MAX = 2000
_PR_SET_CHILD_SUBREAPER = 36


@dataclasses.dataclass(frozen=True)
class Until:
    """Let a lane go on until it stands before a call."""

    lane: int
    call: str


@dataclasses.dataclass(frozen=True)
class Out:
    """Let a lane go on until it cannot."""

    lane: int


Script = Sequence[int | Until | Out]


class Scripted:
    """Follows a script, and does not switch once the script is over.

    A number in the script is a lane that takes one step; that lane must be able to go.
    """

    name: ClassVar[str] = "scripted"
    about: ClassVar[str] = "follows a script"
    sees_own_steps: ClassVar[bool] = True

    def __init__(self, script: Script = ()) -> None:
        self._script = script
        #: The lanes that could be picked, step by step.
        self.offered: list[list[Candidate]] = []

    def begin(self, rng: random.Random, lanes: int) -> None:
        self._left = list(self._script)
        self.offered = []

    def pick(self, candidates: Sequence[Candidate]) -> int:
        self.offered.append(list(candidates))
        places = {candidate.lane: place for place, candidate in enumerate(candidates)}
        while self._left:
            item = self._left[0]
            if isinstance(item, int):
                assert item in places, f"step {len(self.offered)}: lane {item} cannot go, only {candidates}"
                self._left.pop(0)
                return places[item]
            if item.lane in places and (
                isinstance(item, Out) or candidates[places[item.lane]].call != item.call
            ):
                return places[item.lane]
            self._left.pop(0)
        return 0

    def end(self, steps: int) -> None:
        assert all(isinstance(item, Out) for item in self._left), f"never came to {self._left}"


class Seen:
    """One schedule, ready to be asked about."""

    def __init__(self, outcome: Outcome, schedule: Schedule, strategy: Strategy) -> None:
        self.outcome = outcome
        self.schedule = schedule
        self.strategy = strategy
        self.events = outcome.events
        self.steps = [event for event in outcome.events if isinstance(event, Step)]
        self.end: End = outcome.end

    def calls(self, lane: int | None = None) -> list[str]:
        """``call path`` of each step."""
        return [f"{s.call} {s.path}".rstrip() for s in self.steps if lane is None or s.lane == lane]

    def said(self, lane: int = 0) -> list[str]:
        """Return the result of each word of a lane; a crash is an error of the test."""
        returns = [event for event in self.events if isinstance(event, Return) and event.lane == lane]
        assert all(event.outcome != "crash" for event in returns), returns
        return [event.detail for event in returns]

    def outcomes(self, lane: int = 0) -> list[str]:
        return [event.outcome for event in self.events if isinstance(event, Return) and event.lane == lane]

    def invoked(self) -> list[tuple[int, int]]:
        return [(event.lane, event.op) for event in self.events if isinstance(event, Invoke)]

    def changes(self) -> list[tuple[int, str, bytes | None]]:
        """Return lane, call, and the bytes that a reader finds afterwards, of each step with a change."""
        return [(step.lane, step.call, self.content(step.change)) for step in self.steps if step.change]

    def content(self, change: Change) -> bytes | None:
        after = change.after
        if after.file is None:
            return None
        content = self.outcome.blobs[after.content]
        assert len(content) == after.size
        return content

    def locks(self) -> list[tuple[int, LockEvent]]:
        return [(step.lane, step.lock) for step in self.steps if step.lock is not None]


def program_of(lanes: Sequence[LaneInfo], words: Sequence[Sequence[str]], **options: object) -> Program:
    """The program in which each lane does its words."""
    return Program(
        tuple(
            LaneProgram(lane.name, lane.role, lane.process, lane.participant, tuple(map(_op, lane_words)))
            for lane, lane_words in zip(lanes, words, strict=True)
        ),
        tuple(Entry(f"i{n}", "user", line.decode()) for n, line in enumerate(INITIAL.splitlines())),
        options.pop("filesystem", Filesystem()),  # type: ignore[arg-type]
        options.pop("clock_start_ns", START_NS),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )


def _op(word: str) -> Op:
    kind, _, number = word.partition(":")
    if kind == "think":
        return Op("think", steps=int(number))
    if kind == "pause":
        return Op("pause", duration_ms=int(number))
    return Op("append", entries=(Entry(word, "user", word),))


class Stage:
    """A started gate; leaving it stops all there is.

    Args:
        directory: an empty one; the session directory is made in it.
        fence: class under test.
        processes: the process of each lane, by name.
        wall_limit_s: see `KernelGate`.
        options: for the fence.
    """

    def __init__(
        self,
        directory: Path,
        fence: type[Fence],
        processes: Sequence[str] = ("p",),
        wall_limit_s: float = GENEROUS_S,
        **options: int | str | bool,
    ) -> None:
        self.directory = directory.resolve() / "session"
        self.directory.mkdir()
        self.path = self.directory / "transcript.jsonl"
        self.lanes = tuple(
            LaneInfo(f"lane{index}", "runner", process, True) for index, process in enumerate(processes)
        )
        reference = f"{inspect.getfile(fence)}:{fence.__name__}"
        self._layout = Layout(reference, self.lanes, options, fence.declared_locks())
        self._wall_limit_s = wall_limit_s
        # The one we are on: tests that run side by side shall not crowd on the first.
        self.core = ctypes.CDLL(None).sched_getcpu()

    def __enter__(self) -> Self:
        # Orphans of a worker's child come to us, as they come to an explorer.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._start()
        return self

    def _start(self) -> None:
        self.gate = KernelGate(str(self.directory), worker.main, self._wall_limit_s)
        with as_explorer(self.core):
            try:
                self.gate.start(self._layout)
            except BaseException:
                self.gate.close()
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.close()

    def restart(self) -> None:
        """Close the gate and start another."""
        self.gate.close()
        self._start()

    def pid_here(self, pid: int) -> int:
        """The id by which this process knows one of the stage's that has said its own; 0 when it is gone."""
        namespaces = {os.readlink(f"/proc/{worker}/ns/pid") for worker in self.gate.pids().values()}
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(OSError):
                if (
                    id_in_namespace(process.pid) == pid
                    and process.status() != psutil.STATUS_ZOMBIE
                    and os.readlink(f"/proc/{process.pid}/ns/pid") in namespaces
                ):
                    return int(process.pid)
        return 0

    def run(self, *words: Sequence[str], script: Script = (), **options: object) -> Seen:
        """One schedule in which lane *i* does ``words[i]``."""
        return self.play(program_of(self.lanes, words, **options), Scripted(script))

    def play(self, program: Program, strategy: Strategy, seed: int = 0) -> Seen:
        """One schedule under any strategy."""
        try:
            with as_explorer(self.core):
                rng = random.Random(seed)
                outcome, schedule = run_schedule(self.gate, program, strategy, rng, _STEPS_MAX)
        except BaseException:
            # The next test of the same stage shall not have to suffer for it.
            self.restart()
            raise
        return Seen(outcome, schedule, strategy)


@contextlib.contextmanager
def as_explorer(core: int) -> Iterator[None]:
    """Do as an explorer does for its gate: stay on one core, and tick.

    The timer and its handler are given back, for a test's own time-out uses them too.
    """
    deadline = time.monotonic() + _DEADLINE_S

    def tick(number: int, frame: FrameType | None) -> None:
        if time.monotonic() > deadline:
            raise AssertionError(f"no end within {_DEADLINE_S:.0f} s")

    cores = os.sched_getaffinity(0)
    timer = signal.getitimer(signal.ITIMER_REAL)
    os.sched_setaffinity(0, {core})
    try:
        with ticking():
            signal.signal(signal.SIGALRM, tick)
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        os.sched_setaffinity(0, cores)
