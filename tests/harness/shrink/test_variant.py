"""A program and its schedule are cut together."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.program import Entry, Filesystem, LaneProgram, LeftLock, Op, Program
from harness.model.schedule import Choice
from harness.shrink.variant import Size, Variant, cut, without_empty_lanes
from harness.strategies.switches import Switch
from tests.harness.shrink.stage import reproduction

LINE = Entry("a", "user", "{}")


def lane(name: str, *kinds: str, turn: int = -1, group: int = 1) -> LaneProgram:
    ops = tuple(Op(kind, turn, group, entries=(LINE,) if kind == "append" else ()) for kind in kinds)
    return LaneProgram(name, "cron", name, True, ops)


def program(*lanes: LaneProgram) -> Program:
    return Program(lanes, (LINE, LINE), Filesystem(), 0)


THREE = program(
    lane("a", "acquire", "append", "release", group=4), lane("b", "think"), lane("c", "begin_turn", turn=3)
)
CHOICES = (
    Choice(0, 0, 0),
    Choice(2, 0, 0),
    Choice(0, 1, 0),
    Choice(1, 0, 0),
    Choice(0, 2, 0),
    Choice(2, 0, 1),
)


def test_cutting_operations_removes_their_choices_and_renumbers_the_others() -> None:
    small = cut(Variant(THREE, CHOICES), [{0, 2}, set(), {0}])
    assert [op.kind for op in small.program.lanes[0].ops] == ["acquire", "release"]
    assert small.choices == (Choice(0, 0, 0), Choice(2, 0, 0), Choice(0, 1, 0), Choice(2, 0, 1))


def test_an_empty_lane_is_removed_from_program_and_schedule() -> None:
    small = without_empty_lanes(cut(Variant(THREE, CHOICES), [{0, 1, 2}, set(), {0}]))
    assert [one.name for one in small.program.lanes] == ["a", "c"]
    assert [choice.lane for choice in small.choices] == [0, 1, 0, 0, 1]


def test_the_start_of_a_process_that_comes_back_goes_with_its_empty_lane() -> None:
    idle = msgspec.structs.replace(THREE.lanes[1], ops=(), revives="a")
    revived = msgspec.structs.replace(THREE, lanes=(THREE.lanes[0], idle, THREE.lanes[2]))
    started = Choice(1, -1, 0)
    small = without_empty_lanes(Variant(revived, (CHOICES[0], started, CHOICES[1])))
    assert [one.name for one in small.program.lanes] == ["a", "c"]
    assert small.choices == (Choice(0, 0, 0), Choice(1, 0, 0))


@pytest.mark.parametrize(("process", "left"), [("b", ["b", "c"]), ("c", ["c"])])
def test_a_lane_of_the_process_with_the_dead_ones_id_stays(process: str, left: list[str]) -> None:
    locked = msgspec.structs.replace(THREE, left_lock=LeftLock(process, 5))
    small = without_empty_lanes(cut(Variant(locked, CHOICES), [set(), set(), {0}]))
    assert [one.name for one in small.program.lanes] == left
    assert {choice.lane for choice in small.choices} == {left.index("c")}


def test_turns_and_groups_are_numbered_from_the_start() -> None:
    small = without_empty_lanes(Variant(THREE, CHOICES))
    assert [op.group for op in small.program.lanes[0].ops] == [1, 1, 1]
    assert [op.turn for op in small.program.lanes[2].ops] == [0]


def test_a_size_counts_lanes_operations_steps_switches_and_lines() -> None:
    size = Size.of(THREE, CHOICES)
    assert (size.lanes, size.ops, size.steps, size.switches, size.lines) == (3, 5, 6, 5, 3)
    assert size.reading == 6 + 2 * 5


@pytest.mark.parametrize(
    "less",
    [
        Size.of(cut(Variant(THREE, CHOICES), [{0, 1, 2}, set(), {0}]).program, CHOICES),
        Size.of(THREE, CHOICES[:-1]),
        Size.of(THREE, sorted(CHOICES, key=lambda choice: choice.lane)),
    ],
    ids=["a lane less", "a step less", "fewer switches"],
)
def test_a_part_less_is_a_smaller_size(less: Size) -> None:
    assert less < Size.of(THREE, CHOICES)


def test_an_earlier_switch_is_smaller_but_the_same_story() -> None:
    early, late = (
        Size.of(THREE, [Choice(0, 0, 0)] * n + [Choice(1, 0, 0)] + [Choice(0, 1, 0)] * (4 - n))
        for n in (1, 3)
    )
    assert early < late
    assert early.story == late.story


def test_switches_are_where_another_lane_was_preferred() -> None:
    found = reproduction(THREE, CHOICES[:3])
    found = msgspec.structs.replace(found, picks=(1, 0, 2))
    assert found.switches() == (Switch(None, 0), Switch(CHOICES[1], 0))


def test_blocks_are_split_where_the_lane_changes() -> None:
    order = [Choice(0, 0, 0), Choice(0, 0, 1), Choice(1, 0, 0), Choice(0, 0, 2)]
    assert reproduction(THREE, order).blocks() == [order[:2], order[2:3], order[3:]]
