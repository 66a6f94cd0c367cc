"""For each control the story that a person would write down by hand."""

from __future__ import annotations

import random
from typing import NamedTuple

import msgspec

from harness import plan
from harness.actions import ACTIONS
from harness.entries import make
from harness.explorer import Job
from harness.program import LaneProgram, Op, Program
from harness.question import Question
from harness.replay import Rerun, Rerunning
from harness.scenario import Scenario, load
from harness.schedule import Choice, Schedule
from harness.shrink import Shrinking, Shrunk
from harness.tally import Tally
from harness.team import perform
from harness.witness import Witness

__all__ = ["MINIMA", "Minimum", "find", "run_by_hand", "shrink"]

_LAST = 999


class Minimum(NamedTuple):
    """A turn with one rogue action in it.

    Args:
        scenario: name of the file.
        action: what the rogue does.
        at: the runner has taken the step before this one of its operation then.
        writer: whether the runner's own writer appends first, and a second round follows.
    """

    scenario: str
    action: str
    at: tuple[int, int] = (3, 0)
    writer: bool = False


#: Steps of PR #84046: its snapshot looks at (2, 0), reads and looks again; its decision looks
#: at (6, 3), reads until (6, 7), looks, and appends.
MINIMA = {
    "birth-time": Minimum("guard-birth-time", "recreate-same-bytes"),
    "canonical-entries": Minimum("guard-canonical-entries", "append-user"),
    "dev-inode": Minimum("guard-dev-inode", "replace-same-bytes"),
    "prefix-hash": Minimum("guard-prefix-hash", "same-size-rewrite-mtime-restored"),
    "size": Minimum("guard-size", "append-user"),
    "snapshot-consistency": Minimum("guard-snapshot-consistency", "same-size-rewrite", (2, 1)),
    "slow-path-consistency": Minimum("guard-slow-path-consistency", "same-size-rewrite", (6, 7), writer=True),
}


def _scenario(control: str) -> Scenario:
    return load(f"scenarios/{MINIMA[control].scenario}.yaml")


def _fence(control: str) -> str:
    return f"pr-84046-without-{control}"


def _program(control: str) -> Program:
    minimum, drawn = MINIMA[control], plan.draw(_scenario(control), 1, 0)
    ops = [Op("begin_turn", 0, 1), Op("load", 0, 1), Op("release_for_prompt", 0, 1)]
    if minimum.writer:
        ops += [
            Op("acquire", 0, 2, "writer"),
            Op("append", 0, 2, "writer", (make("assistant", "w-1", 20),)),
            Op("release", 0, 2, "writer"),
            Op("guarded_write", 0, 1, entries=(make("assistant", "r-1", 20),)),
        ]
    ops += [Op("guarded_write", 0, 1, entries=(make("assistant", "r-2", 20),)), Op("end_turn", 0, 1)]
    args = ACTIONS[minimum.action].draw(random.Random(1)) | {"id": "e-1"}
    runner = msgspec.structs.replace(drawn.lanes[0], ops=tuple(ops))
    rogue: LaneProgram = msgspec.structs.replace(
        drawn.lanes[1], ops=(Op("action", group=1, how=minimum.action, args=args),)
    )
    return msgspec.structs.replace(drawn, lanes=(runner, rogue), initial=drawn.initial[:1])


def run_by_hand(control: str) -> tuple[int, bool]:
    """Steps of the story written by hand, and whether it shows the control's violation."""
    op, ordinal = MINIMA[control].at
    before = Choice(0, op, ordinal - 1) if ordinal else Choice(0, op - 1, _LAST)
    # The runner goes on to that place, then the rogue does all it has to do.
    schedule = Schedule((before, Choice(1, 0, _LAST)))
    work = Rerunning(
        _scenario(control),
        _fence(control),
        "kernel",
        _program(control),
        schedule,
        "missed_takeover",
        1,
        0,
        {},
    )
    rerun = next(found for found in perform(work) if isinstance(found, Rerun))
    return len(rerun.steps()), not rerun.neighbour and rerun.shows("missed_takeover")


def find(control: str) -> Witness:
    """The first witness of a search, as `run` would store it."""
    scenario = _scenario(control)
    question = Question(scenario, _fence(control), "kernel", "random", 1, scenario.schedules)
    job = Job(scenario, question.fence, "kernel", "random", 1, 0, 1, scenario.schedules)
    work = perform(job)
    for tally in work:
        assert isinstance(tally, Tally)
        if "missed_takeover" in tally.first:
            work.close()
            return question.witness(tally.first["missed_takeover"])
    raise AssertionError(f"{control} was not caught")


def shrink(witness: Witness, time_limit_s: float) -> Shrunk:
    """The last word of a shrinking."""
    found = [one for one in perform(Shrinking.of(witness, time_limit_s)) if isinstance(one, Shrunk)]
    return found[-1]
