"""Measure the cost of a step in hand-offs of a byte between two processes, and how its time is spent.

Every sample of the gate is taken next to a sample of one way of a byte through a pipe, and the
result is their ratio. It is reported and not compared: `scenario_cost` measures what is compared.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Generator
from typing import Any, ClassVar

import msgspec

from harness.explore.coordinator import Coordinator
from harness.explore.explorer import Explorer
from harness.explore.search_task import SearchTask
from harness.explore.work_item import WorkItem
from harness.scenario import Scenario

__all__ = ["GateBench", "Steps", "two_explorers"]

_WAYS = 4000
_ROUNDS = 7


class Steps(msgspec.Struct, frozen=True):
    """Medians over interleaved rounds, of one explorer on one core.

    Args:
        scenario, fence: that were run.
        hand_off_us: one byte one way through a pipe between two processes on one core.
        step_us: one step of the gate, everything included (plan, history, verdict).
        step_in_hand_offs: median of the ratio, round by round.
        steps_per_s, schedules_per_s: on the clock.
        steps_per_schedule: mean.
        shares: processor time of the explorer's parts and of its workers, per step.
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


class GateBench(msgspec.Struct, frozen=True):
    """Measure a scenario under one fence: work for an explorer process.

    Args:
        scenario, fence: to run.
        schedules: how many a round.
    """

    finds: ClassVar[Any] = float | Steps

    scenario: Scenario
    fence: str
    schedules: int

    def run(self, root: str) -> Generator[float | Steps, None, None]:
        """Measure the steps.

        Yields:
            After each round its hand-off, microseconds; the figures at the end.
        """
        rounds: list[tuple[float, float, int]] = []
        with contextlib.closing(Explorer(self.scenario, self.fence, "kernel", root)) as explorer:
            before = _cpu(explorer)
            for number in range(_ROUNDS + 1):
                way = _hand_off_us()
                started = time.perf_counter()
                job = WorkItem(self.scenario, self.fence, "kernel", "random", number, 0, 1, self.schedules)
                steps = sum(stats.steps for stats in explorer.explore(job))
                if number:
                    rounds.append((way, time.perf_counter() - started, steps))
                else:
                    before = _cpu(explorer)
                yield way
            after = _cpu(explorer)
        yield self._summed(rounds, {name: after[name] - before[name] for name in before})

    def _summed(self, rounds: list[tuple[float, float, int]], used: dict[str, float]) -> Steps:
        steps = sum(count for _, _, count in rounds)
        spent = statistics.median(seconds / count for _, seconds, count in rounds)
        per_schedule = steps / len(rounds) / self.schedules
        return Steps(
            scenario=self.scenario.name,
            fence=self.fence,
            hand_off_us=round(statistics.median(way for way, _, _ in rounds), 2),
            step_us=round(spent * 1e6, 2),
            step_in_hand_offs=round(
                statistics.median(seconds / count * 1e6 / way for way, seconds, count in rounds), 2
            ),
            steps_per_s=round(1 / spent),
            schedules_per_s=round(1 / spent / per_schedule),
            steps_per_schedule=round(per_schedule, 1),
            shares={name: round(seconds / steps * 1e6, 2) for name, seconds in used.items()},
        )


def _hand_off_us() -> float:
    """Return the time of one way through a pipe, microseconds: half of a round trip on this core."""
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


def two_explorers(
    two: Coordinator, one: Coordinator, scenario: Scenario, fence: str, schedules: int
) -> float:
    """Return the rate of two explorers over that of one; median of interleaved rounds.

    Args:
        two, one: coordinators of so many explorers.
        scenario, fence: to run.
        schedules: for each explorer and round.

    Returns:
        The ratio; 0 when the user interrupts.

    Raises:
        HarnessError: an explorer failed.
    """
    ratios = []
    for number in range(_ROUNDS):
        rates = []
        for campaign, share in ((one, 1), (two, 2)):
            task = SearchTask(scenario, fence, "kernel", "random", number, schedules * share)
            result = campaign.ask(task)
            if result.fault is not None:
                raise result.fault
            if campaign.interrupted or not result.wall_s:
                return 0.0
            rates.append(result.stats.schedules / result.wall_s)
        if number:
            ratios.append(rates[1] / rates[0])
    return round(statistics.median(ratios), 2)
