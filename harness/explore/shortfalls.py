"""Say what a search that found nothing did not exercise, so that it is no pass.

Each reason is one line. A lane that may leave the transcript alone, as one whose actions only touch
metadata, is not asked for a change.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from harness.results.exercise import LaneExercise
from harness.results.stats import Stats
from harness.scenario.actions import ACTIONS
from harness.scenario.definition import FaultSettings, Scenario
from harness.scenario.faults import recorded_name
from harness.scenario.plan import draw
from harness.scenario.roles import LaneSettings, role_of
from harness.scenario.roles.editor import EditorSettings
from harness.scenario.roles.program import ProgramSettings

__all__ = ["Least", "least_of", "schedules_for", "shortfalls"]

_HALF = 0.5
#: How many programs are looked at to learn what a role asks of a lane.
_PROGRAMS = 16
_WRITING = frozenset(("append", "guarded_write", "rewrite"))


class Least:
    """The number of schedules that a pass needs.

    Args:
        count: so many, at any number asked for; 0 for a share of that.
        share: of what was asked for, 0 to 1.
    """

    def __init__(self, count: int = 0, share: float = _HALF) -> None:
        self.count = count
        self.share = share

    def of(self, asked: int) -> int:
        """Return the number for a task that asks for `asked` schedules."""
        return min(asked, self.count) if self.count else math.ceil(asked * self.share)


def least_of(text: str) -> Least:
    """Return what ``N`` or ``P%`` asks for.

    Raises:
        ValueError: it is neither.
    """
    if text.endswith("%"):
        share = float(text[:-1]) / 100
        if not 0 <= share <= 1:
            raise ValueError(text)
        return Least(share=share)
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return Least(count)


def schedules_for(rate: float) -> int:
    """Return how many schedules without a violation say with 95 % confidence that fewer violate."""
    return math.ceil(math.log(0.05) / math.log(1 - rate))


def shortfalls(
    scenario: Scenario, gate: str, stats: Stats, asked: int = 0, least: Least | None = None
) -> tuple[str, ...]:
    """Return the reasons why a search that found nothing is no pass; empty if it is one.

    Args:
        scenario: what was run.
        gate: name of the gate.
        stats: of all schedules.
        asked: how many schedules were asked for, where not all of them were run.
        least: how many of those a pass needs.
    """
    if not stats.schedules or stats.violations:
        return ()
    reasons = list(_exercise(scenario, gate, stats))
    if asked and least is not None and stats.schedules < least.of(asked):
        reasons.insert(
            0,
            f"{stats.schedules} schedules were run, {asked} were asked for and a pass needs "
            f"{least.of(asked)} (--min-schedules)",
        )
    return tuple(reasons)


def _exercise(scenario: Scenario, gate: str, stats: Stats) -> Iterator[str]:
    done = stats.exercise
    asked = _asked(scenario)
    if any("guarded_write" in kinds for kinds in asked.values()) and not done.decisions:
        yield "the fence decided nothing: no guarded write was admitted and no call refused"
    if gate == "kernel" and done.taken and not done.locked:
        others = ", ".join(sorted(done.touched, key=lambda path: -done.touched[path])[:3])
        hint = f"; lanes locked {others}: declare what they lock there" if others else ""
        yield f"{done.taken} calls took the lock and returned, but the watched lock was never taken{hint}"
    if gate == "kernel" and done.locked:
        for kind, count in sorted(done.took.items()):
            if count and not done.had.get(kind):
                yield f"none of {count} calls of {kind} that returned took the watched lock"
    if done.recovered and set(done.recovered) == {"unsupported"}:
        yield f"none of {done.recovered['unsupported']} calls of recover was supported by the fence"
    for lane in scenario.lanes:
        for name in () if lane.transcript else lane.names():
            struck = any(key.startswith(f"{name}:") for key in done.struck)
            yield from _lane(lane, name, done.lanes.get(name, LaneExercise()), struck, asked[name])
        for name in lane.names_again() if gate == "kernel" else ():
            if name not in done.lanes:
                yield f"{name} was never started: no fault has killed its process"
    if gate == "kernel":
        for number, fault in enumerate(scenario.faults, 1):
            yield from _fault(scenario, stats, number, fault)


def _asked(scenario: Scenario) -> dict[str, set[str]]:
    """Return the kinds of operation that each lane has in the first programs."""
    kinds: dict[str, set[str]] = {}
    for index in range(_PROGRAMS):
        for lane in draw(scenario, 0, index).lanes:
            kinds.setdefault(lane.name, set()).update(op.kind for op in lane.ops)
    return kinds


def _lane(
    lane: LaneSettings, name: str, done: LaneExercise, struck: bool, asked: Collection[str]
) -> Iterator[str]:
    if role_of(lane).participant:
        idle = not _WRITING.intersection(asked)
        # Where a fault made each of its calls fail, that is what the scenario asked for.
        hindered = struck and 0 < done.acted == done.failed
        if "guarded_write" not in asked and not done.changed and not idle and not hindered:
            yield f"{name} never wrote"
    elif isinstance(lane, ProgramSettings):
        if done.acted and done.failed == done.acted:
            yield f"{name} failed each time: {done.last}"
        elif not done.changed and not done.kept:
            ended = "it ended without an error" if done.acted else "it was not started"
            yield f"{name} never changed the transcript: {done.last or ended}"
    elif not done.changed and _changes(lane):
        yield f"{name} never changed the transcript in {done.acted} actions"


def _changes(lane: LaneSettings) -> bool:
    """Return whether a rogue is to change what a reader sees."""
    if not isinstance(lane, EditorSettings) or lane.actions == "all":
        return True
    return any(ACTIONS[name].effect != "none" for name in lane.actions)


def _fault(scenario: Scenario, stats: Stats, number: int, fault: FaultSettings) -> Iterator[str]:
    label, words = _label(fault)
    names = [
        name
        for lane in scenario.lanes
        for name in lane.names()
        if fault.lane in (name, lane.role_name) or fault.lane == lane.name
    ]
    if not any(stats.exercise.struck.get(f"{name}:{label}") for name in names):
        yield f"fault {number} ({fault.lane}: {words}) never struck"


def _label(fault: FaultSettings) -> tuple[str, str]:
    """Return how the history names the fault's step, and the fault in words."""
    for kind in fault.kinds:
        if kind.key in fault.process_faults:
            return kind.name, kind.name
    call = fault.call or "a step"
    if fault.error is not None:
        return recorded_name(fault.error), f"{call} fails with {fault.error}"
    return "short", f"{call} is cut short"
