"""One explorer: runs schedules, one after the other, and judges them.

It owns a gate and its workers. What to run is said by a `harness.explore.work_item.WorkItem`, what was found
comes as a `Stats` a batch. The process that an explorer lives in is the business of
`harness.explore.worker_pool`.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from typing import Any, Protocol

import psutil

from harness.explore.calibration import Calibration, calibrate
from harness.explore.schedule_runner import run_schedule
from harness.gates.free.gate import FreeGate
from harness.gates.kernel.gate import KernelGate
from harness.lanes import worker
from harness.lanes.clock_patches import find_clocks
from harness.model.gate import Gate, Layout, Outcome
from harness.model.history import Header, History, LaneInfo
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.oracle import judge
from harness.results.stats import Stats
from harness.scenario import plan
from harness.scenario.definition import Scenario
from harness.scenario.fence_reference import resolve
from harness.strategies import make as make_strategy
from harness.strategies.forecast import Foresighted
from harness.strategies.portfolio import Portfolio
from harness.strategies.strategy import Strategy
from harness.system.janitor import remove_tree
from harness.system.peak_memory import family_peak_bytes, peak_bytes

__all__ = ["Explorer", "Wanted", "mix", "ticking"]

_BATCH_S = 0.1
_PEAK_EVERY_S = 2.0
_REPEAT_EVERY = 64
_TICK_S = 0.02
#: A fence that hangs costs the gate's whole patience each time; so many times are enough.
_ENDLESS_MAX = 3
_ENDLESS_S = 5.0
_MASK = (1 << 64) - 1


class Wanted(Protocol):
    """Which schedules to run, see `harness.explore.work_item.WorkItem`."""

    @property
    def strategy(self) -> str:
        """Name."""

    @property
    def seed(self) -> int:
        """Of the run."""

    @property
    def until(self) -> str:
        """Kind of violation that ends it."""

    @property
    def each(self) -> bool:
        """Whether it is to be said of each schedule what it shows."""

    @property
    def indices(self) -> Iterator[int]:
        """Of its schedules, in order."""


def mix(seed: int, index: int) -> int:
    """Seed of one schedule's strategy: splitmix64 over the run's seed and the index."""
    z = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _make_gate(name: str, directory: str) -> Gate:
    if name == "kernel":
        return KernelGate(directory, worker.main)
    assert name == "free", name
    return FreeGate(directory, worker.main_free)


class Explorer:
    """Runs schedules of one scenario under one fence, one after the other.

    Args:
        scenario: what to run.
        fence: reference.
        gate: name of the gate.
        root: where to make the session directory.
        example: a program with the lanes to run; None for those of the scenario.
    """

    def __init__(
        self,
        scenario: Scenario,
        fence: str,
        gate: str,
        root: str | None = None,
        example: Program | None = None,
    ) -> None:
        self.scenario = scenario
        self.fence = fence
        self._policy = scenario.resolved_policy()
        self._rules: dict[str, Any] = {name: answer for name, answer in self._policy.rules.items()}
        self._directory = os.path.realpath(tempfile.mkdtemp(prefix="harness-session-", dir=root))
        self.gate = _make_gate(gate, self._directory)
        # Real inode numbers come from an allocator that everybody on the machine shares.
        self._repeatable = gate == "kernel" and scenario.filesystem.inode_reuse != "real"
        example = example or plan.draw(scenario, 0, 0)
        self.lanes = tuple(
            LaneInfo(lane.name, lane.role, lane.process, lane.participant, lane.pid_namespace)
            for lane in example.lanes
        )
        try:
            layout = Layout(fence, self.lanes, dict(scenario.fence_options), resolve(fence).lock_kind)
            self._lock_kind = layout.lock_kind if gate == "free" else ""
            find_clocks()
            self.gate.start(layout)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the workers and remove the session directory."""
        self.gate.close()
        remove_tree(self._directory)

    def program(self, seed: int, index: int) -> Program:
        """What the lanes do in one schedule."""
        return plan.draw(self.scenario, seed, index)

    def run(
        self, program: Program, strategy: Strategy, seed: int, index: int
    ) -> tuple[History, Schedule, Outcome]:
        """Run one schedule."""
        rng = random.Random(mix(seed, index))
        outcome, schedule = run_schedule(self.gate, program, strategy, rng, self.scenario.steps_max)
        header = Header(
            self.scenario.name,
            self.fence,
            self.gate.name,
            strategy.name,
            self._policy.name,
            self._rules,
            seed,
            index,
            self.lanes,
            outcome.initial,
            lock_kind=self._lock_kind,
        )
        return History(header, outcome.events, outcome.blobs), schedule, outcome

    def explore(self, job: Wanted) -> Iterator[Stats]:
        """Run a job's schedules.

        Yields:
            A tally after the first schedule, soon again, then about every tenth of a
            second, and one at the end: who kills an explorer that hangs loses at most a
            tenth of a second and at most half of what it has done.
        """
        strategy = make_strategy(job.strategy)
        tally = Stats(each={} if job.each else None)
        calibration: Calibration | None = None
        began = due = time.monotonic()
        peak_due = began + _BATCH_S
        endless = 0
        for index in job.indices:
            started = time.monotonic()
            part = strategy.part(index) if isinstance(strategy, Portfolio) else strategy
            if calibration is None and isinstance(part, Foresighted):
                # Not before somebody asks: what needs no forecast may show something at once.
                calibration = self._calibrate(job.seed)
                if calibration is not None and calibration.doubt:
                    # Whoever learns first: it is the same for all.
                    tally.doubt(0, calibration.doubt, 0)
            history = self._one(tally, part, calibration, job.seed, index)
            found = job.until in tally.violations
            if found:
                # At once: to run it a second time takes as long again.
                yield tally
                tally = Stats(each={} if job.each else None)
            if history is not None and index % _REPEAT_EVERY == 0 and self._repeatable:
                self._repeat(tally, part, job.seed, index, history)
            if found:
                break
            now = time.monotonic()
            endless = endless + 1 if history is None and now - started > _ENDLESS_S else 0
            if endless == _ENDLESS_MAX:
                tally.doubt(index, f"given up: {endless} schedules in a row did not come to an end")
                break
            if now >= due:
                if now >= peak_due:
                    tally.peak_bytes = _peak()
                    peak_due = now + _PEAK_EVERY_S
                yield tally
                tally = Stats(each={} if job.each else None)
                due = now + min(_BATCH_S, now - began)
        # What was found first: to add up what it took costs as much as a schedule or two.
        yield tally
        tally = Stats(each={} if job.each else None)
        tally.workers = self._usage()
        tally.peak_bytes = _peak()
        yield tally

    def _calibrate(self, seed: int) -> Calibration | None:
        """Learn how long operations are; None where the gate lets nobody choose anyway."""
        if self.gate.name != "kernel":
            return None
        return calibrate(
            lambda index: self.program(seed, index),
            lambda index, program, strategy: self.run(program, strategy, seed, index)[2],
        )

    def _one(
        self, tally: Stats, strategy: Strategy, calibration: Calibration | None, seed: int, index: int
    ) -> History | None:
        """Run and judge one schedule; None where its truth is not known."""
        program = self.program(seed, index)
        if calibration is not None and isinstance(strategy, Foresighted):
            strategy.foresee(calibration.forecast(program))
        history, schedule, outcome = self.run(program, strategy, seed, index)
        judgement = judge(history)
        tally.add(index, program, schedule, history, judgement)
        tally.inode_reused += outcome.end.inode_reused
        return None if judgement.inconclusive else history

    def _repeat(self, tally: Stats, strategy: Strategy, seed: int, index: int, first: History) -> None:
        """Run a schedule once more: what differs is nondeterminism that nobody controls."""
        again, _, _ = self.run(self.program(seed, index), strategy, seed, index)
        tally.repeated += 1
        if again.events == first.events:
            return
        pairs = zip(first.events, again.events, strict=False)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first.events), len(again.events)))
        shown = [
            repr(events[at]) if at < len(events) else "nothing" for events in (first.events, again.events)
        ]
        tally.doubt(
            index, f"run twice, it differs from event {at} on: {shown[0]}, then {shown[1]}; nondeterminism"
        )

    def _usage(self) -> dict[str, dict[str, int]]:
        result = {}
        for name, pid in self.gate.pids().items():
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    result[name] = {
                        "rss_bytes": process.memory_info().rss,
                        "descriptors": process.num_fds(),
                        "threads": process.num_threads(),
                        "children": len(process.children()),
                    }
            except psutil.Error:
                continue
        return result


def _peak() -> dict[str, int]:
    return {"explorer": peak_bytes(), "workers": family_peak_bytes()}


@contextlib.contextmanager
def ticking() -> Iterator[None]:
    """Interrupt blocking waits from time to time, so that a gate can look around."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _TICK_S, _TICK_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
