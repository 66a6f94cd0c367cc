"""A recorded schedule is translated to the steps of a fence that has changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.model.history import End, Event, Header, History, Invoke, LaneInfo, Return, State, Step
from harness.model.schedule import Choice
from harness.results.schedule_rebase import Difference, first_difference, labels_of, neighbours, translated

STATE = State("f0", "x", 1)
LANES = (LaneInfo("runner", "runner", "p", True), LaneInfo("editor", "editor", "e"))


def history(*events: Event) -> History:
    header = Header("s", "f", "kernel", "random", "p", {}, 0, 0, LANES, STATE)
    return History(header, (*events, End(STATE)))


def choices(*lanes: int) -> tuple[Choice, ...]:
    taken = [0, 0, 0]
    result = []
    for lane in lanes:
        result.append(Choice(lane, 0, taken[lane]))
        taken[lane] += 1
    return tuple(result)


RECORDED = {(0, 0): ["open L", "stat T", "read T", "close L"], (1, 0): ["write T"]}
SCHEDULE = choices(0, 0, 1, 0, 0)


def test_an_inserted_step_moves_those_behind_it() -> None:
    now = RECORDED | {(0, 0): ["stat T", "open L", "stat T", "read T", "close L"]}
    assert translated(SCHEDULE, RECORDED, now) == (
        Choice(0, 0, 1), Choice(0, 0, 2), Choice(1, 0, 0), Choice(0, 0, 3), Choice(0, 0, 4),
    )  # fmt: skip


def test_a_step_that_is_gone_loses_its_place() -> None:
    now = RECORDED | {(0, 0): ["open L", "read T", "close L"]}
    assert translated(SCHEDULE, RECORDED, now) == (
        Choice(0, 0, 0), Choice(1, 0, 0), Choice(0, 0, 1), Choice(0, 0, 2),
    )  # fmt: skip


def test_an_operation_that_was_not_seen_keeps_its_steps() -> None:
    assert translated(SCHEDULE, RECORDED, {(0, 0): RECORDED[(0, 0)]}) == SCHEDULE


@given(lanes=st.lists(st.integers(0, 2), max_size=12))
def test_neighbours_are_the_same_steps_in_another_order(lanes: list[int]) -> None:
    order = choices(*lanes)
    for at, shift, moved in neighbours(order):
        assert sorted(map(repr, moved)) == sorted(map(repr, order))
        assert moved != order
        assert order[at - 1].lane != order[at].lane
        assert 1 <= abs(shift) <= 2
        for lane in range(3):
            assert [c for c in moved if c.lane == lane] == [c for c in order if c.lane == lane]


def test_a_switch_moves_both_ways() -> None:
    found = {(at, shift): [c.lane for c in moved] for at, shift, moved in neighbours(choices(0, 0, 1, 0, 0))}
    assert found[(2, 1)] == [0, 0, 0, 1, 0]
    assert found[(2, 2)] == [0, 0, 0, 0, 1]
    assert found[(2, -1)] == [0, 1, 0, 0, 0]
    assert found[(2, -2)] == [1, 0, 0, 0, 0]


def turn(*calls: str, outcome: str = "ok") -> list[Event]:
    steps = [Step(0, 0, *call.split()) for call in calls]
    return [Invoke(0, 0, "guarded_write", 0), *steps, Return(0, 0, outcome)]


def test_the_first_difference_has_its_place() -> None:
    found = first_difference(
        history(*turn("openat L", "statx T")), history(*turn("openat L", "read T", "statx T"))
    )
    assert found == Difference(1, "runner", 0, "guarded_write", 1, "statx T", "read T")
    assert str(found) == "step 1: runner op 0.1 (guarded_write): recorded statx T, there is read T"


def test_an_outcome_is_a_difference_too() -> None:
    found = first_difference(history(*turn("statx T")), history(*turn("statx T", outcome="refused")))
    assert found is not None
    assert (found.expected, found.found) == ("its end (ok)", "its end (refused)")


def test_another_lane_is_named() -> None:
    other = [Invoke(1, 0, "action", how="touch"), Step(1, 0, "utimensat", "T")]
    found = first_difference(history(*turn("statx T")), history(*other))
    assert found is not None
    assert found.found == "utimensat T of editor op 0.0 (touch)"


def test_a_longer_record_is_a_difference() -> None:
    found = first_difference(history(*turn("statx T")), history(Invoke(0, 0, "guarded_write", 0)))
    assert found is not None
    assert (found.expected, found.found) == ("statx T", "the end")


def test_equal_histories_have_no_difference() -> None:
    assert first_difference(history(*turn("statx T")), history(*turn("statx T"))) is None


def test_labels_are_by_lane_and_operation() -> None:
    told = history(*turn("openat L", "statx T"), Invoke(1, 0, "action"), Step(1, 0, "think"))
    assert labels_of(told) == {(0, 0): ["openat L", "statx T"], (1, 0): ["think"]}
