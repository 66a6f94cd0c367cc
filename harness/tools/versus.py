"""Measure how soon a broken fence is caught: search under the kernel gate against blind stress.

Each control's scenario is run under both gates until the violation that must catch the
control shows, or the limit is reached; a scenario with faults under the kernel gate alone, for the free
gate injects none. Rounds are interleaved, kernel gate first, with
the same explorers on the same cores, and a seed of its own for each round.

The kernel gate's time is virtual and the free gate's pauses are real: that makes the difference,
and seconds are wall-clock seconds for both. `COUNTED` says what the figures count, and is stored
with them. `harness.tools.controls` asks whether controls are caught at all; `harness.tools.bench`
measures what a step costs.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import msgspec

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import SearchTask
from harness.report.versus_table import Attempt, Contest, Row, Totals, row_of
from harness.results.stats import Stats
from harness.scenario import Scenario
from harness.scenario.filesystems import FilesystemSettings
from harness.strategies.portfolio import Portfolio
from harness.system.machine import Facts
from harness.tools.chosen_controls import chosen_controls, control_scenarios

__all__ = [
    "COUNTED",
    "Course",
    "Versus",
    "courses",
    "measure",
]

COUNTED = (
    "seconds from the question to the first report of a schedule that shows the violation, calibration "
    "under the kernel gate with it; started: each attempt starts its workers first (start_s); standing: "
    "those of the attempt before serve, as they do from a fence's second question on; not the explorers' own "
    "start, nor the stopping of the others; schedules up to and with the lowest that shows it, without "
    "calibration"
)

#: More than any run reaches within its limit.
_SCHEDULES_MAX = 1 << 40


class Course(msgspec.Struct, frozen=True):
    """One control and the scenario that it runs in.

    Args:
        control: its name.
        caught_by: kind of violation that both gates search.
        scenario: that both run.
    """

    control: str
    caught_by: str
    scenario: Scenario

    @property
    def barred(self) -> str:
        """Return why the free gate can never show the violation; empty when it might."""
        if self.scenario.faulty:
            return "its scenario has faults or a kept lock, and the free gate makes nothing go wrong"
        return ""

    @property
    def emulated(self) -> bool:
        """Return whether the kernel gate gives lanes stamps that the real files may not have."""
        settings = self.scenario.filesystem
        plain = FilesystemSettings(like=settings.like, inode_reuse=settings.inode_reuse)
        return settings != plain

    def task(self, gate: str, seed: int, schedules: int, limit_s: float, *, keep: bool) -> SearchTask:
        """Return the search task for one gate; the free gate does not use its strategy."""
        return SearchTask(
            self.scenario,
            self.control,
            gate,
            Portfolio.name,
            seed,
            schedules,
            limit_s,
            self.caught_by,
            keep=keep,
        )


class Versus(msgspec.Struct, frozen=True):
    """The whole benchmark as it is stored.

    Args:
        machine: facts of the machine, see `harness.system.machine`.
        counted: what the figures count.
        rounds, limit_s, explorers, seed: how it was measured; round r has seed + r.
        totals: of the controls that the free gate could show.
        totals_real: of those controls whose scenario emulates no stamps.
        totals_all: of all controls; those that the free gate cannot show count as not found.
        out_of_reach: why the free gate cannot show a control, by name.
        rows: one a control.
    """

    machine: Facts
    counted: str
    rounds: int
    limit_s: float
    explorers: int
    seed: int
    totals: Totals
    totals_real: Totals
    totals_all: Totals
    out_of_reach: dict[str, str]
    rows: tuple[Row, ...]


def courses(names: Sequence[str], folder: str, extensions: Sequence[str] = ()) -> list[Course]:
    """Return the controls with their scenarios.

    Args:
        names: of controls; empty for all.
        folder: where the scenarios are.
        extensions: files of the user's that this process has loaded; every scenario has them.

    Raises:
        UsageError: a name is not that of a control.
        ScenarioError: a scenario is missing or faulty.
    """
    chosen = chosen_controls(names, "--controls")
    scenarios = control_scenarios(chosen.values(), folder, extensions)
    return [Course(name, control.caught_by, scenarios[control.scenario]) for name, control in chosen.items()]


def measure(
    campaign: Coordinator, course: Course, rounds: int, limit_s: float, seed: int, explorers: int
) -> Row | None:
    """Run one control under both gates, round by round, and return its row.

    Args:
        campaign: runs the search tasks.
        course: the control.
        rounds: how many.
        limit_s: seconds after which a gate gives up.
        seed: of the first round.
        explorers: number of explorers; as many schedules warm up each gate, unmeasured.

    Returns:
        The row; None when the user interrupts.

    Raises:
        HarnessError: an explorer failed.
    """
    gates = ("kernel",) if course.barred else ("kernel", "free")
    for gate in gates:
        _attempt(campaign, course.task(gate, seed, explorers, limit_s, keep=False))
    attempts: dict[tuple[bool, str], list[Attempt]] = {}
    # An attempt that starts its workers keeps them, and they serve the next attempt of that gate.
    for number, started, gate in itertools.product(range(rounds), (True, False), gates):
        task = course.task(gate, seed + number, _SCHEDULES_MAX, limit_s, keep=started)
        attempts.setdefault((started, gate), []).append(_attempt(campaign, task))
        if campaign.interrupted:
            return None
    contests = (
        Contest.of(attempts[started, "kernel"], attempts.get((started, "free"), ()), limit_s)
        for started in (True, False)
    )
    return row_of(
        course.control,
        course.scenario.name,
        course.caught_by,
        *contests,
        emulated=course.emulated,
        why_not_run=course.barred,
    )


def _attempt(campaign: Coordinator, task: SearchTask) -> Attempt:
    """Run a search task and return the time until the first report that shows the violation."""
    started = time.monotonic()
    stood: list[float] = []
    shown: list[float] = []

    def note_time(stats: Stats) -> None:
        seconds = time.monotonic() - started
        stood.append(seconds)
        if task.until in stats.violations:
            shown.append(seconds)

    result = campaign.ask(task, note_time)
    if result.fault is not None:
        raise result.fault
    stats, found = result.stats, result.sought
    # Time beyond the limit does not count; an attempt that gave up earlier took less.
    in_vain = min(time.monotonic() - started, task.time_limit_s)
    return Attempt(
        seconds=round(shown[0] if shown else in_vain, 4),
        schedules=stats.schedules if found is None else found.schedule_index + 1,
        found=found is not None,
        inconclusive=stats.inconclusive,
        start_s=round(stood[0] if stood else 0.0, 4),
    )
