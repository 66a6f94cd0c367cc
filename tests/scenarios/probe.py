"""Tries scenarios on every fence that they name.

A program of its own, since an explorer needs a thing that a test runner lacks: a light
process without threads, one core, and the alarm clock. It reads the path of a scenario a
line, and answers each by a line of JSON: the findings on each fence.

    python -m tests.scenarios.probe CORE
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from fence import load
from fence.controls import CONTROLS
from fence.controls.control import Control
from harness.explore.explorer import Explorer, ticking
from harness.explore.work_item import WorkItem
from harness.results.stats import Stats
from harness.scenario import Scenario, load_all

__all__ = [
    "ENOUGH",
    "LONG",
    "Found",
    "asked",
    "control",
    "is_control",
    "main",
    "only_shown_by",
    "quick",
    "runs_programs",
]

#: Schedules that a fence gets even when everything that must be found has been; `make stress` asks for 1,000.
ENOUGH = 5
#: The same where a control is compared with its original: more where fewer do not tell them apart.
ENOUGH_TO_COMPARE = (10, 30, 60, 120)
#: The same of a control without its original.
ENOUGH_ALONE = 20
_BATCH = 5
#: Variable of the environment that is set where long questions are asked as well.
LONG = "HARNESS_LONG"
#: The fences that a scenario is asked of, and one with programs, where a schedule costs far more.
STAND_FOR_ALL = {"none", "stat-2026.5.17", "pr-84046", "ledger"}
STAND_FOR_ALL_DEAR = {"none", "ledger"}


class Found(msgspec.Struct, frozen=True):
    """The result of one fence.

    Args:
        fence: its name.
        schedules: how many were run.
        violations: schedules by kind of violation that they show.
        shown: by kind the schedules that show it.
        decisions: verdicts that were counted.
        inconclusive: why the truth of some schedule is not known; empty when it is.
    """

    fence: str
    schedules: int
    violations: dict[str, int]
    shown: dict[str, list[int]]
    decisions: int
    inconclusive: str


def is_control(fence: str) -> bool:
    """Whether a name is that of a fence that is broken on purpose."""
    return fence in CONTROLS


def control(name: str) -> type[Control]:
    """The class of a control."""
    found = load(name)
    assert issubclass(found, Control)
    return found


def _probe(scenario: Scenario, fence: str, enough: int) -> Found:
    must = set(scenario.expectation(fence).must)
    total, done = Stats(), 0
    explorer = Explorer(scenario, fence, "kernel")
    try:
        while done < scenario.schedules and not (
            done >= enough and must <= set(total.violations) and any(total.verdicts.values())
        ):
            job = WorkItem(scenario, fence, "kernel", "random", 1, done, 1, done + _BATCH, each=True)
            for stats in explorer.explore(job):
                total.merge(stats)
            done += _BATCH
    finally:
        explorer.close()
    shown: dict[str, list[int]] = {}
    for index, kinds in (total.each or {}).items():
        for kind in kinds:
            shown.setdefault(kind, []).append(index)
    why = "" if total.why_inconclusive is None else total.why_inconclusive[1]
    decisions = sum(total.verdicts.values())
    return Found(fence, total.schedules, total.violations, shown, decisions, why)


def only_shown_by(name: str, found: Mapping[str, Found]) -> set[int]:
    """Return the schedules in which a control shows the verdict that catches it, and its original does not.

    Args:
        name: of the control.
        found: by fence; the same index is the same program and the same draws.
    """
    broken, original = found[name], found[control(name).original]
    common, kind = min(broken.schedules, original.schedules), control(name).caught_by
    shown = {index for index in broken.shown.get(kind, ()) if index < common}
    return shown - set(original.shown.get(kind, ()))


def runs_programs(scenario: Scenario) -> bool:
    """Whether a lane of a scenario is a program of its own."""
    return any(lane.role == "program" for lane in scenario.lanes)


def asked(scenario: Scenario) -> list[str]:
    """Return the fences that are probed: those that stand for all, in `make test-long` all."""
    return list(scenario.expect) if os.environ.get(LONG) else quick(scenario)


def quick(scenario: Scenario) -> list[str]:
    """Return the fences of a scenario that stand for all: some, and controls with their originals."""
    some = STAND_FOR_ALL_DEAR if runs_programs(scenario) else STAND_FOR_ALL
    originals = {control(fence).original for fence in scenario.expect if is_control(fence)}
    return [fence for fence in scenario.expect if is_control(fence) or fence in originals | some]


def _all(scenario: Scenario) -> list[Found]:
    fences = asked(scenario)
    found = {fence: _probe(scenario, fence, ENOUGH) for fence in fences if not is_control(fence)}
    for name in filter(is_control, fences):
        original = control(name).original
        if original not in fences:
            found[name] = _probe(scenario, name, ENOUGH_ALONE)
            continue
        for enough in ENOUGH_TO_COMPARE:
            if found[original].schedules < enough:
                found[original] = _probe(scenario, original, enough)
            found[name] = _probe(scenario, name, enough)
            if only_shown_by(name, found):
                break
    return [found[fence] for fence in fences]


def main(core: int) -> None:
    """Probe the scenarios whose paths come in, on one core."""
    os.sched_setaffinity(0, {core})
    for line in sys.stdin:
        (scenario,) = load_all([Path(line.rstrip("\n"))])
        with ticking():
            found = _all(scenario)
        print(msgspec.json.encode(found).decode(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
