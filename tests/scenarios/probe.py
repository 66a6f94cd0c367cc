"""Tries one scenario on every fence that it names; what was found goes out as JSON Lines.

A program of its own, since an explorer wants what a test runner cannot give it: a light
process without threads, one core, and the alarm clock.

    python -m tests.scenarios.probe SCENARIO.yaml CORE
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fence import load
from fence.controls import CONTROLS
from fence.controls.control import Control
from harness.explore.explorer import Explorer, ticking
from harness.explore.work_item import WorkItem
from harness.results.stats import Stats
from harness.scenario import Scenario, load_all

__all__ = ["Found", "control", "is_control", "main"]

#: Schedules that a fence gets even when everything that must be found has been.
ENOUGH = 30
#: The same where fences are compared schedule by schedule.
ENOUGH_TO_COMPARE = 60
_BATCH = 10


class Found(msgspec.Struct, frozen=True):
    """What became of one fence.

    Args:
        fence: its name.
        schedules: how many were run.
        violations: schedules by kind of violation that they show.
        shown: by kind the schedules that show it, where fences are compared.
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


def _probe(scenario: Scenario, fence: str, compared: bool) -> Found:
    must = set(scenario.expectation(fence).must)
    enough = ENOUGH_TO_COMPARE if compared else ENOUGH
    batch = 1 if compared else _BATCH
    total, done = Stats(), 0
    shown: dict[str, list[int]] = {}
    explorer = Explorer(scenario, fence, "kernel")
    try:
        while done < scenario.schedules and not (done >= enough and must <= set(total.violations)):
            job = WorkItem(scenario, fence, "kernel", "random", 1, done, 1, done + batch)
            for tally in explorer.explore(job):
                for kind in tally.violations if compared else ():
                    shown.setdefault(kind, []).append(done)
                total.merge(tally)
            done += batch
    finally:
        explorer.close()
    why = "" if total.why_inconclusive is None else total.why_inconclusive[1]
    decisions = sum(total.verdicts.values())
    return Found(fence, total.schedules, total.violations, shown, decisions, why)


def _all(scenario: Scenario) -> Iterator[Found]:
    controls = [fence for fence in scenario.expect if is_control(fence)]
    originals = {control(fence).original for fence in controls}
    for fence in scenario.expect:
        yield _probe(scenario, fence, fence in controls or fence in originals)


def main(path: str, core: int) -> None:
    """Probe the scenario in a file, on one core."""
    os.sched_setaffinity(0, {core})
    (scenario,) = load_all([Path(path)])
    with ticking():
        for found in _all(scenario):
            print(msgspec.json.encode(found).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
