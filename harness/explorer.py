"""One explorer: a light process on one core that runs schedules and judges them.

It owns a gate and its workers. What to run comes in as a `Job`, what was found
goes out as a `Tally` a batch; between batches it looks whether it is to stop.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from multiprocess.connection import Connection

import msgspec
import psutil

from harness import plan, policy, worker
from harness.errors import HarnessError
from harness.fences import resolve
from harness.gates.free import FreeGate
from harness.gates.kernel.gate import KernelGate
from harness.gates.protocol import Gate, Layout, Outcome
from harness.history import Header, History, LaneInfo
from harness.oracle import judge
from harness.program import Program
from harness.runner import run_schedule
from harness.scenario.model import Scenario
from harness.schedule import Schedule
from harness.strategies import make as make_strategy
from harness.strategies.protocol import Strategy
from harness.tally import Tally

__all__ = ["STOP", "Explorer", "Job", "main", "mix", "settle_in", "ticking"]

_BATCH_S = 0.1
_REPEAT_EVERY = 64
_TICK_S = 0.02
#: Ends the current job; comes too late when the job is over already.
STOP = "stop"
_MASK = (1 << 64) - 1


class Job(msgspec.Struct, frozen=True):
    """Schedules of one scenario under one fence.

    Args:
        scenario: pickled by the pipe as it is.
        fence: reference.
        gate, strategy: names.
        seed: of the run.
        first, stride, stop: schedule indices ``range(first, stop, stride)``.
    """

    scenario: Scenario
    fence: str
    gate: str
    strategy: str
    seed: int
    first: int
    stride: int
    stop: int


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
    """

    def __init__(self, scenario: Scenario, fence: str, gate: str, root: str | None = None) -> None:
        self.scenario = scenario
        self.fence = fence
        self._rules = dict(policy.resolve(scenario.policy).rules)
        self._policy_name = policy.resolve(scenario.policy).name
        self._directory = os.path.realpath(tempfile.mkdtemp(prefix="harness-session-", dir=root))
        self.gate = _make_gate(gate, self._directory)
        example = plan.draw(scenario, 0, 0)
        self.lanes = tuple(
            LaneInfo(lane.name, lane.role, lane.process, lane.participant) for lane in example.lanes
        )
        try:
            layout = Layout(fence, self.lanes, dict(scenario.fence_options), resolve(fence).lock_kind)
            self.gate.start(layout)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the workers and remove the session directory."""
        self.gate.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def program(self, seed: int, index: int) -> Program:
        """What the lanes do in one schedule."""
        return plan.draw(self.scenario, seed, index)

    def run(self, program: Program, strategy: Strategy, seed: int, index: int) -> tuple[History, Schedule, Outcome]:
        """Run one schedule."""
        rng = random.Random(mix(seed, index))
        outcome, schedule = run_schedule(self.gate, program, strategy, rng, self.scenario.steps_max)
        header = Header(
            self.scenario.name,
            self.fence,
            self.gate.name,
            strategy.name,
            self._policy_name,
            self._rules,
            seed,
            index,
            self.lanes,
            outcome.initial,
        )
        return History(header, outcome.events, outcome.blobs), schedule, outcome

    def explore(self, job: Job) -> Iterator[Tally]:
        """Run a job's schedules.

        Yields:
            A tally about every tenth of a second, and one at the end.
        """
        strategy = make_strategy(job.strategy)
        tally = Tally()
        due = time.monotonic() + _BATCH_S
        for index in range(job.first, job.stop, job.stride):
            program = self.program(job.seed, index)
            history, schedule, outcome = self.run(program, strategy, job.seed, index)
            judgement = judge(history)
            tally.add(index, program, schedule, history, judgement)
            tally.inode_reused += outcome.end.inode_reused
            if index % _REPEAT_EVERY == 0 and not judgement.inconclusive and self.gate.name == "kernel":
                self._repeat(tally, program, strategy, job.seed, index, history)
            if time.monotonic() >= due:
                yield tally
                tally = Tally()
                due = time.monotonic() + _BATCH_S
        tally.workers = self._usage()
        yield tally

    def _repeat(
        self, tally: Tally, program: Program, strategy: Strategy, seed: int, index: int, first: History
    ) -> None:
        """Run a schedule once more: what differs is nondeterminism that nobody controls."""
        again, _, _ = self.run(program, strategy, seed, index)
        tally.repeated += 1
        if again.events == first.events:
            return
        pairs = zip(first.events, again.events, strict=False)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first.events), len(again.events)))
        shown = [repr(events[at]) if at < len(events) else "nothing" for events in (first.events, again.events)]
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


def settle_in(parent: int, core: int | None) -> None:
    """Make this process an explorer's: pinned, and dying with its parent.

    Args:
        parent: process id that must be alive.
        core: processor to stay on; None for the one we are on.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    libc.prctl(36, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if core is not None:
        os.sched_setaffinity(0, {core})


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


def main(connection: Connection, core: int, root: str, parent: int) -> None:
    """Body of an explorer process: jobs in, tallies out, until the pipe is closed.

    Args:
        connection: pipe to the campaign. In: `Job`, `STOP` to end a job early, None to
            end. Out: ``("tally",
            Tally)``, ``("done", None)`` after a job, ``("error", exception)``.
        core: processor to stay on.
        root: where session directories are made.
        parent: process id of the campaign.
    """
    settle_in(parent, core)
    with ticking():
        _serve(connection, root)


def _serve(connection: Connection, root: str) -> None:
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        if job is None:
            return
        if job == STOP:
            continue
        try:
            _work(connection, job, root)
        except HarnessError as error:
            connection.send(("error", error))
        except Exception as error:  # ours, whatever it is: the campaign reports it as a bug
            connection.send(("bug", _trace(error)))


def _trace(error: Exception) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def _work(connection: Connection, job: Job, root: str) -> None:
    explorer = Explorer(job.scenario, job.fence, job.gate, root)
    try:
        for tally in explorer.explore(job):
            connection.send(("tally", tally))
            if connection.poll():
                connection.recv()
                break
        connection.send(("done", None))
    finally:
        explorer.close()

