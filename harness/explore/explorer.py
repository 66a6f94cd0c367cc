"""One explorer: runs schedules, one after the other, and judges them.

It owns a gate and its workers. A `harness.explore.work_item.WorkItem` says what to run, and the results
come as `Stats`, batch by batch (`harness.explore.stats_batcher`). The process that an explorer lives in
is the business of `harness.explore.worker_pool`.
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

import msgspec

from fence.external import PREFIX
from fence.locks import KINDS
from harness.explore import kept_state
from harness.explore.calibration import Calibration, calibrate
from harness.explore.gate_choice import limit_s, make_gate
from harness.explore.invariant_loading import load_invariants
from harness.explore.repetition import difference
from harness.explore.schedule_runner import run_schedule
from harness.explore.stats_batcher import StatsBatcher
from harness.lanes.clock_patches import find_clocks
from harness.model.debug_spec import DebugSpec
from harness.model.errors import Shortage, UsageError
from harness.model.gate import Layout, Outcome
from harness.model.history import NO_LOCK, Header, History, LaneInfo
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.oracle import judge
from harness.results.stats import Stats
from harness.scenario import plan
from harness.scenario.definition import Scenario
from harness.scenario.fence_reference import resolve
from harness.strategies import make as make_strategy
from harness.strategies.strategy import Strategy
from harness.system.machine_limits import OutOfMemory
from harness.system.peak_memory import family_peak_bytes, peak_bytes
from harness.system.private_directories import PrivateDirectories
from harness.system.tree_removal import remove_tree

__all__ = ["Explorer", "Wanted", "strategy_seed", "ticking"]

_REPEAT_EVERY = 64
_TICK_S = 0.02
#: A fence that hangs costs the gate's whole patience each time; so many times in a row are enough. Where no
#: schedule has come to its end yet, one is.
_HANGS_MAX = 3
#: A schedule without a known end hung if it took that share of the gate's limit.
_HANG_SHARE = 0.5
_MASK = (1 << 64) - 1
#: How often a schedule is run again after another program has disturbed it.
_AGAIN_MAX = 4


class Wanted(Protocol):
    """The schedules to run, see `harness.explore.work_item.WorkItem`."""

    @property
    def strategy(self) -> str:
        """Name."""

    @property
    def seed(self) -> int:
        """Of the run."""

    @property
    def until(self) -> str:
        """Kind of violation after which nothing more is run."""

    @property
    def each(self) -> bool:
        """Return whether the statistics say of each schedule what it shows."""

    @property
    def indices(self) -> Iterator[int]:
        """Indices of its schedules, in order."""


def _check_transcripts(scenario: Scenario, fence: str, only_one: bool) -> None:
    if only_one and any(lane.transcript for lane in scenario.lanes):
        raise UsageError(
            f"scenario {scenario.name}: {fence} has one adapter for all lanes of a process, and that knows "
            "one transcript; leave the scenario out, or write an adapter that serves a lane"
        )


def strategy_seed(seed: int, index: int) -> int:
    """Return the seed of one schedule's strategy: splitmix64 over the run's seed and the index."""
    z = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Explorer:
    """Runs schedules of one scenario under one fence, one after the other.

    Args:
        scenario: what to run.
        fence: reference.
        gate: name of the gate.
        root: where to make the session directory.
        example: a program with the lanes to run; None for those of the scenario.
        traces_code: whether outcomes say what the code of the lanes did; only the kernel gate can tell.
        debug: where lanes stop for a debugger, under the kernel gate; None for nowhere.

    Attributes:
        voided: how many runs of a schedule were void and repeated, see `run`.
        claims: policies under which the fence claims to be right.
    """

    def __init__(
        self,
        scenario: Scenario,
        fence: str,
        gate: str,
        root: str | None = None,
        example: Program | None = None,
        traces_code: bool = False,
        debug: DebugSpec | None = None,
    ) -> None:
        self.scenario = scenario
        self.fence = fence
        self.voided = 0
        #: Whether a lane of the last schedule did not stop.
        self._stuck = False
        self._memory = OutOfMemory()
        self._policy = scenario.resolved_policy()
        self._rules: dict[str, Any] = {name: answer for name, answer in self._policy.rules.items()}
        self._directory = os.path.realpath(tempfile.mkdtemp(prefix="harness-session-", dir=root))
        self._private = PrivateDirectories(root)
        self.gate = make_gate(gate, self._directory, self._private, traces_code, debug)
        # Real inode numbers come from an allocator that the whole machine shares.
        self._repeatable = gate == "kernel" and scenario.filesystem.inode_reuse != "real"
        #: Of which it is asked whether the fence keeps something over schedules.
        self._examples = [example] if example else [plan.draw(scenario, 0, index) for index in (0, 1)]
        example = self._examples[0]
        #: Whether it has to be found out yet if the fence keeps something over schedules.
        self._may_keep_state = self._repeatable and fence.startswith(PREFIX)
        self.lanes = tuple(
            LaneInfo(
                lane.name, lane.role, lane.process, lane.participant, lane.pid_namespace, lane.transcript
            )
            for lane in example.lanes
        )
        try:
            found = resolve(fence)
            _check_transcripts(scenario, fence, getattr(found, "one_transcript", False))
            layout = Layout(fence, self.lanes, dict(scenario.fence_options), found.declared_locks())
            lock_kind = layout.locks[0].kind
            self._lock_kind = lock_kind if gate == "free" or lock_kind == NO_LOCK else ""
            self._leaves_lock = KINDS[lock_kind].left_behind is not None
            self._invariants = load_invariants(scenario, fence, found)
            timeout_ms = layout.options.get("lock_timeout_ms")
            self._lock_timeout_ms = timeout_ms if isinstance(timeout_ms, int) else -1
            self.claims = tuple(found.sound_under)
            find_clocks()
            self.gate.start(layout)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the workers and remove the session directory."""
        self.gate.close()
        remove_tree(self._directory)
        self._private.close()

    def program(self, seed: int, index: int) -> Program:
        """Return what the lanes do in one schedule."""
        return plan.draw(self.scenario, seed, index)

    def run(
        self, program: Program, strategy: Strategy, seed: int, index: int
    ) -> tuple[History, Schedule, Outcome]:
        """Run one schedule, and return its history, its choices and what the gate saw.

        A schedule that another program disturbed is void: it is run again, and inconclusive only if that
        happens time after time.

        Raises:
            Shortage: memory ran out, and that may be what disturbed it.
        """
        if self._may_keep_state:
            self._may_keep_state = False
            self.gate.starts_anew = kept_state.shows(
                self._examples, lambda one, strategy: self._run_once(one, strategy, 0, 0)[0]
            )
        for again in range(_AGAIN_MAX + 1):
            outcome, schedule = self._run_once(program, strategy, seed, index)
            if not outcome.disturbed:
                break
            if why := self._memory.why():
                raise Shortage(why)
            self.voided += again < _AGAIN_MAX
        header = Header(
            self.scenario.name,
            self.fence,
            self.gate.name,
            strategy.name,
            self._policy.name,
            self._rules,
            seed,
            index,
            self._lanes_of(program),
            outcome.initial,
            lock_kind=self._lock_kind,
            lines={entry.id: entry.line for lane in program.lanes for op in lane.ops for entry in op.entries},
            lock_timeout_ms=self._lock_timeout_ms,
            step_ms=self.scenario.step_ms,
            invariants=self._invariants,
            left_lock=program.left_lock is not None and self._leaves_lock,
            file_clock=program.filesystem.clock.told() if program.filesystem.clock is not None else "",
        )
        return History(header, outcome.events, outcome.blobs), schedule, outcome

    def _run_once(
        self, program: Program, strategy: Strategy, seed: int, index: int
    ) -> tuple[Outcome, Schedule]:
        rng = random.Random(strategy_seed(seed, index))
        return run_schedule(self.gate, program, strategy, rng, self.scenario.steps_max)

    def _lanes_of(self, program: Program) -> tuple[LaneInfo, ...]:
        """Return the lanes as a history has them, with the clocks that were drawn."""
        if all(lane.clock is None for lane in program.lanes):
            return self.lanes
        return tuple(
            msgspec.structs.replace(lane, clock=own.clock.told() if own.clock is not None else "")
            for lane, own in zip(self.lanes, program.lanes, strict=True)
        )

    def explore(self, item: Wanted) -> Iterator[Stats]:
        """Run the schedules of a work item.

        Yields:
            Statistics in batches, see `StatsBatcher`. The last batch says in addition what the
            workers use.
        """
        strategy = make_strategy(item.strategy)
        batcher = StatsBatcher(item.each, _peak)
        calibration: Calibration | None = None
        hung, hang_s, any_ended = 0, limit_s(self.gate.name) * _HANG_SHARE, False
        for index in item.indices:
            for earlier in self._missing(strategy, index):
                # Its schedule is counted elsewhere, or was; here only the strategy learns from it.
                part = strategy.part(earlier)
                self.run(self._program_of(part, item.seed, earlier), part, item.seed, earlier)
                if batcher.due():
                    yield batcher.flush_in_turn()
            started = time.monotonic()
            part = strategy.part(index)
            if calibration is None and part.uses_forecast:
                # Not earlier: a strategy that uses no forecast may show something at once.
                calibration = self._calibrate(item.seed)
                if calibration is not None and calibration.doubt:
                    # Of schedule 0 in every explorer, since all of them learn the same.
                    batcher.stats.doubt(0, calibration.doubt, 0)
                if calibration is not None and calibration.hung and not any_ended:
                    break
            self._stuck = False
            history = self._run_and_judge(batcher.stats, part, calibration, item.seed, index)
            self._count_voided(batcher.stats)
            found = item.until in batcher.stats.violations
            if found:
                # Before the schedule runs a second time, which takes as long again.
                yield batcher.flush()
            if history is not None and index % _REPEAT_EVERY == 0 and self._repeatable:
                self._repeat(batcher.stats, part, item.seed, index, history)
                self._count_voided(batcher.stats)
            if found:
                break
            any_ended = any_ended or history is not None
            took_long = self._stuck or time.monotonic() - started > hang_s
            hung = hung + 1 if history is None and took_long else 0
            if hung and (hung == _HANGS_MAX or not any_ended):
                batcher.stats.doubt(index, f"given up: schedule {index} did not come to an end")
                break
            if batcher.due():
                yield batcher.flush_in_turn()
        # Before the usage is measured, which costs as much as a schedule or two.
        yield batcher.flush()
        yield batcher.flush_last(self._usage())

    def _calibrate(self, seed: int) -> Calibration | None:
        """Learn how long operations are; None under a gate that lets no strategy choose."""
        if self.gate.name != "kernel":
            return None
        return calibrate(
            lambda index: self.program(seed, index),
            lambda index, program, strategy: self.run(program, strategy, seed, index)[2],
        )

    def _missing(self, strategy: Strategy, index: int) -> range:
        """Return the schedules that a strategy has to have run before this one; the free gate asks none."""
        return strategy.missing(index) if self.gate.name == "kernel" else range(0)

    def _program_of(self, strategy: Strategy, seed: int, index: int) -> Program:
        """Return the program of a schedule: that of its family, where the gate asks a strategy."""
        learns = self.gate.name == "kernel"
        return self.program(seed, strategy.family(index).start if learns else index)

    def _run_and_judge(
        self, stats: Stats, strategy: Strategy, calibration: Calibration | None, seed: int, index: int
    ) -> History | None:
        """Run and judge one schedule, and return its history; None where its truth is not known."""
        program = self._program_of(strategy, seed, index)
        if calibration is not None and strategy.uses_forecast:
            strategy.set_forecast(calibration.forecast(program))
        history, schedule, outcome = self.run(program, strategy, seed, index)
        judgement = judge(history)
        self._stuck = bool(outcome.stuck)
        if outcome.stuck:
            # Not in the history, which is the same each time.
            why = f"{judgement.inconclusive}; {outcome.stuck}"
            judgement = msgspec.structs.replace(judgement, inconclusive=why)
        stats.add(index, program, schedule, history, judgement)
        stats.inode_reused += outcome.end.inode_reused
        stats.started_anew += self.gate.starts_anew
        return None if judgement.inconclusive else history

    def _repeat(self, stats: Stats, strategy: Strategy, seed: int, index: int, first: History) -> None:
        """Run a schedule once more; a difference is nondeterminism that the harness does not control."""
        again, _, outcome = self.run(self._program_of(strategy, seed, index), strategy, seed, index)
        if outcome.disturbed:
            return
        stats.repeated += 1
        found = difference(first, again, self.gate.has_own_ids)
        if found:
            stats.doubt(index, found)

    def _count_voided(self, stats: Stats) -> None:
        stats.voided += self.voided
        self.voided = 0

    def _usage(self) -> dict[str, dict[str, int]]:
        """Return what each worker process uses, by its name."""
        import psutil

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
    """Interrupt blocking waits regularly, so that a gate can check its limits."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _TICK_S, _TICK_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
