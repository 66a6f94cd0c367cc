"""A witness is run again on real processes, also under a fence that has changed."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec
import pytest

from harness.explore.worker_pool import perform
from harness.model.history import Return, Step
from harness.model.schedule import Choice, Schedule
from harness.oracle import judge
from harness.results.witness import Witness
from harness.shrink.replay import Replayed, Rerun, RerunJob
from tests.harness.shrink.minima import find, shrink

pytestmark = [
    pytest.mark.requires("kernel-gate"),
    pytest.mark.xdist_group("shrink"),
]


@functools.cache
def small() -> Witness:
    witness = find("pr-84046-without-size")
    return shrink(witness, 120.0).witness(witness)


def rerun(work: RerunJob) -> Rerun:
    return next(found for found in perform(work) if isinstance(found, Rerun))


def moved(by: int) -> Schedule:
    """Return the schedule with the rogue's block so many steps later."""
    order = list(small().schedule.choices)
    first = next(at for at, choice in enumerate(order) if choice.lane != order[0].lane)
    block = [choice for choice in order if choice.lane != order[0].lane]
    assert order[first : first + len(block)] == block
    rest = [choice for choice in order if choice.lane == order[0].lane]
    return Schedule((*rest[: first + by], *block, *rest[first + by :]))


def decision() -> int:
    """Return how many steps later the rogue's block lies beside the decision."""
    order = [choice for choice in small().schedule.choices if choice.lane == 0]
    first = next(at for at, choice in enumerate(small().schedule.choices) if choice.lane == 1)
    return next(at for at, choice in enumerate(order) if choice.op == 3) - first + 1


def test_an_unchanged_witness_shows_as_recorded() -> None:
    found = Replayed.of(small(), rerun(RerunJob.of(small())))
    assert (found.shows, found.same_history, found.difference, found.asked) == ("as recorded", True, None, 0)
    assert found.followed == found.recorded == len(small().schedule.choices)


def test_a_moved_window_is_found_in_a_neighbouring_schedule() -> None:
    work = msgspec.structs.replace(RerunJob.of(small()), schedule=moved(decision()))
    found = Replayed.of(small(), rerun(work))
    assert found.shows == "elsewhere"
    assert "earlier" in found.neighbour
    assert found.asked > 0
    assert found.violation is not None


def test_every_neighbour_is_run_before_the_violation_is_gone() -> None:
    work = msgspec.structs.replace(RerunJob.of(small(), "ledger"), schedule=moved(decision()))
    found = Replayed.of(small(), rerun(work))
    assert (found.shows, found.violation, found.neighbour) == ("no", None, "")
    assert found.asked >= 4


BUSY = """\
import os

from fence.controls.without_snapshot_consistency import WithoutSnapshotConsistency


class Busy(WithoutSnapshotConsistency):
    def release_for_prompt(self):
        for _ in range(3):
            os.path.exists(f"{self.path}.x")
        super().release_for_prompt()
"""


def test_a_switch_stays_between_its_recorded_steps(tmp_path: Path) -> None:
    found = find("pr-84046-without-snapshot-consistency")
    witness = shrink(found, 120.0).witness(found)
    fences = tmp_path / "busy.py"
    fences.write_text(BUSY)

    def around(steps: list[Step]) -> tuple[str, str]:
        first = next(at for at, step in enumerate(steps) if step.lane == 1)
        behind = next(step for step in steps[first:] if step.lane == 0)
        return f"{steps[first - 1].call} {steps[first - 1].path}", f"{behind.call} {behind.path}"

    again = rerun(RerunJob.of(witness, f"{fences}:Busy"))
    assert around(again.steps()) == around(rerun(RerunJob.of(witness)).steps()) == ("statx T", "openat T")
    assert again.shows("missed_takeover")
    assert again.neighbour == ""


def test_choices_of_missing_steps_are_skipped() -> None:
    extra = (Choice(0, 0, 50), Choice(1, 0, 50))
    schedule = Schedule((*small().schedule.choices[:3], *extra, *small().schedule.choices[3:]))
    found = rerun(msgspec.structs.replace(RerunJob.of(small()), schedule=schedule, recorded={}))
    assert found.history.events
    assert found.followed <= len(small().schedule.choices)


def test_a_proved_violation_shows_in_an_inconclusive_history() -> None:
    history = rerun(RerunJob.of(small())).history
    first = next(at for at, event in enumerate(history.events) if isinstance(event, Return))
    crash = msgspec.structs.replace(history.events[first], outcome="crash", detail="KeyError")
    end = msgspec.structs.replace(history.events[-1], inconclusive="process gateway was killed by signal 9")
    cut = msgspec.structs.replace(history, events=(*history.events[:first], crash, end))
    found = Rerun(cut, False, 0, judgement=judge(cut))
    assert found.shows("crash") and not found.shows("missed_takeover")
