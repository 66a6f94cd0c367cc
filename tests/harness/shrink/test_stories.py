"""Every control has a story by hand that its scenario might draw."""

from __future__ import annotations

from collections import Counter

import pytest

from fence.controls import CONTROLS
from harness.model.program import Op
from harness.scenario import plan
from harness.scenario.roles.participant import LockedSettings
from tests.harness.shrink.stage import is_lawful
from tests.harness.shrink.stories import STORIES
from tests.harness.shrink.words import control_of, program_of, scenario_of

#: Draws that show everything that a scenario's lanes may do.
_DRAWS = 100

each_control = pytest.mark.parametrize("control", sorted(CONTROLS))


def _words(ops: tuple[Op, ...]) -> Counter[str]:
    """Return how often a lane makes each kind of call; an action counts by its name."""
    return Counter(op.how if op.kind == "action" else f"{op.kind} {op.route}" for op in ops)


def test_every_control_has_a_story() -> None:
    assert set(STORIES) == set(CONTROLS)


@each_control
def test_a_story_is_a_lawful_caller(control: str) -> None:
    lanes = [lane for lane in scenario_of(control).lanes if isinstance(lane, LockedSettings)]
    keepers = [lane.name or lane.role for lane in lanes if not lane.release]
    assert is_lawful(program_of(control), keepers)


@each_control
def test_a_story_does_nothing_that_its_scenario_cannot_draw(control: str) -> None:
    scenario = scenario_of(control)
    drawn = [plan.draw(scenario, 1, index) for index in range(_DRAWS)]
    for number, lane in enumerate(program_of(control).lanes):
        most: Counter[str] = Counter()
        for program in drawn:
            most |= _words(program.lanes[number].ops)
        assert _words(lane.ops) <= most, lane.name


@each_control
def test_a_story_has_the_least_rogue_actions_of_its_control(control: str) -> None:
    actions = [op for lane in program_of(control).lanes for op in lane.ops if op.kind == "action"]
    assert len(actions) == control_of(control).rogue_actions_min


def test_a_word_can_name_the_line_to_change() -> None:
    (action,) = program_of("pr-84046-hash-of-first-4-kib").lanes[1].ops
    assert action.args["where"] == 960
