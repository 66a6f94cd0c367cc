"""What a step costs, measured against this machine in the same run.

Absolute times on shared machines say little. Every sample of the gate is taken
next to a sample of the cheapest thing that two processes on one core can do, one
way of a byte through a pipe, and the ratio of the two is what counts.
"""

from __future__ import annotations

import os
import statistics
import time

import msgspec

from harness.campaign import Campaign
from harness.explorer import Explorer, ticking
from harness.job import Job
from harness.question import Question
from harness.scenario import Scenario

__all__ = ["GateBench", "measure"]

_WAYS = 4000
_ROUNDS = 7


class GateBench(msgspec.Struct, frozen=True):
    """Medians over interleaved rounds.

    Args:
        scenario, fence: what was run.
        hand_off_us: one byte one way through a pipe between two processes on one core.
        step_us: one step of the gate, everything included (plan, history, verdict).
        step_in_hand_offs: median of the ratio, round by round.
        steps_per_s, schedules_per_s: one explorer on one core.
        steps_per_schedule: mean.
        shares: processor time of the explorer's parts and of its workers, per step.
        two_explorers: rate of two explorers over the rate of one, median of rounds; 0
            on a machine with one core.
    """

    scenario: str
    fence: str
    hand_off_us: float
    step_us: float
    step_in_hand_offs: float
    steps_per_s: float
    schedules_per_s: float
    steps_per_schedule: float
    shares: dict[str, float]
    two_explorers: float


def _hand_off_us() -> float:
    """One way through a pipe, microseconds: half of a round trip on the current core."""
    there, here = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        for _ in range(_WAYS):
            os.read(there[0], 1)
            os.write(here[1], b"x")
        os._exit(0)
    started = time.perf_counter()
    for _ in range(_WAYS):
        os.write(there[1], b"x")
        os.read(here[0], 1)
    spent = time.perf_counter() - started
    os.waitpid(pid, 0)
    for fd in (*there, *here):
        os.close(fd)
    return spent / _WAYS / 2 * 1e6


def measure(scenario: Scenario, fence: str, schedules: int, root: str | None = None) -> GateBench:
    """Measure the kernel gate on one scenario.

    Args:
        scenario: what to run.
        fence: reference.
        schedules: how many a round.
        root: where session directories are made.
    """
    cores = sorted(os.sched_getaffinity(0))
    rounds = _one_core(scenario, fence, schedules, cores[0], root)
    os.sched_setaffinity(0, cores)
    steps = sum(count for _, _, count in rounds)
    spent = statistics.median(seconds / count for _, seconds, count in rounds)
    per_schedule = steps / len(rounds) / schedules
    return GateBench(
        scenario=scenario.name,
        fence=fence,
        hand_off_us=round(statistics.median(way for way, _, _ in rounds), 2),
        step_us=round(spent * 1e6, 2),
        step_in_hand_offs=round(
            statistics.median(seconds / count * 1e6 / way for way, seconds, count in rounds), 2
        ),
        steps_per_s=round(1 / spent),
        schedules_per_s=round(1 / spent / per_schedule),
        steps_per_schedule=round(per_schedule, 1),
        shares=_shares(scenario, fence, schedules, cores[0], root),
        two_explorers=_two_explorers(scenario, fence, schedules, root) if len(cores) > 1 else 0.0,
    )


def _one_core(
    scenario: Scenario, fence: str, schedules: int, core: int, root: str | None
) -> list[tuple[float, float, int]]:
    """Rounds of (one way in us, seconds, steps)."""
    os.sched_setaffinity(0, {core})
    rounds = []
    with ticking():
        explorer = Explorer(scenario, fence, "kernel", root)
        try:
            for number in range(_ROUNDS + 1):
                way = _hand_off_us()
                job = Job(scenario, fence, "kernel", "random", number, 0, 1, schedules)
                started = time.perf_counter()
                steps = sum(tally.steps for tally in explorer.explore(job))
                rounds.append((way, time.perf_counter() - started, steps))
        finally:
            explorer.close()
    return rounds[1:]


def _shares(scenario: Scenario, fence: str, schedules: int, core: int, root: str | None) -> dict[str, float]:
    """Microseconds of processor time a step: user and system, of explorer and workers."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with ticking():
            explorer = Explorer(scenario, fence, "kernel", root)
            try:
                job = Job(scenario, fence, "kernel", "random", 1, 0, 1, schedules)
                before = _cpu(explorer)
                steps = sum(tally.steps for tally in explorer.explore(job))
                after = _cpu(explorer)
            finally:
                explorer.close()
    finally:
        os.sched_setaffinity(0, cores)
    return {name: round((after[name] - before[name]) / steps * 1e6, 2) for name in before}


def _cpu(explorer: Explorer) -> dict[str, float]:
    own = os.times()
    result = {"explorer_user_us": own.user, "explorer_system_us": own.system}
    for pid in explorer.gate.pids().values():
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        tick = os.sysconf("SC_CLK_TCK")
        for name, field in (("workers_user_us", 11), ("workers_system_us", 12)):
            result[name] = result.get(name, 0.0) + int(fields[field]) / tick
    return result


def _two_explorers(scenario: Scenario, fence: str, schedules: int, root: str | None) -> float:
    """Schedules a second of two explorers over those of one, interleaved."""
    ratios = []
    with Campaign(2, root) as two, Campaign(1, root) as one:
        for number in range(_ROUNDS):
            rates = []
            for campaign, share in ((one, 1), (two, 2)):
                question = Question(scenario, fence, "kernel", "random", number, schedules * share * 4)
                result = campaign.ask(question)
                if result.fault is not None:
                    raise result.fault
                rates.append(result.tally.schedules / result.wall_s)
            if number:
                ratios.append(rates[1] / rates[0])
    return round(statistics.median(ratios), 2)
