"""Events of a schedule, and the earlier schedule that is drawn by a rare one."""

from __future__ import annotations

import random

from harness.model.gate import Candidate
from harness.strategies.events import Memory, Trace


def trace(*steps: tuple[int, str, str]) -> Trace:
    """Return a schedule of steps, each a lane, a call and a path."""
    found, taken = Trace(), [0] * 9
    for lane, call, path in steps:
        found.add(Candidate(lane, 0, taken[lane], call, path, call == "write"))
        taken[lane] += 1
    return found


def pairs(found: Trace) -> dict[object, int]:
    """Return the events that are about another lane's change."""
    return {
        event: count for event, count in found.first.items() if isinstance(event, tuple) and event[2] == "T"
    }


def test_a_step_after_a_change_of_another_lane_is_an_event() -> None:
    found = pairs(trace((0, "read", "T"), (1, "write", "T"), (0, "read", "T"), (1, "read", "T")))
    assert found[(1, 0, 0), (0, 0, 1), "T"] == 3
    assert not any(event[0] == (1, 0, 0) and event[1][0] == 1 for event in found)


def test_the_order_of_two_looks_is_no_event() -> None:
    one = trace((0, "read", "T"), (1, "read", "T"))
    other = trace((1, "read", "T"), (0, "read", "T"))
    assert set(one.first) == set(other.first)


def test_a_rename_is_about_both_of_its_names() -> None:
    found = trace((0, "write", "T"), (1, "rename", "new > T"))
    assert ((0, 0, 0), (1, 0, 0), "T") in found.first
    assert (None, (1, 0, 0), "new") in found.first


def test_thinking_touches_no_file() -> None:
    assert list(trace((0, "think", "")).first.values()) == [1]


def test_the_lanes_up_to_a_rare_event_are_drawn() -> None:
    memory = Memory()
    common = (0, "read", "T"), (0, "read", "T")
    for _ in range(9):
        memory.learn(trace(*common))
    assert not memory.draw(random.Random(1), 0.0)
    memory.learn(trace(common[0], (1, "write", "T"), common[1], (1, "close", "T")))
    drawn = {tuple(memory.draw(random.Random(seed), 0.0)) for seed in range(200)}
    assert drawn == {(0, 1), (0, 1, 0), (0, 1, 0, 1)}


def test_steps_before_the_event_are_taken_back_by_chance() -> None:
    memory = Memory()
    for other in range(4):
        memory.learn(trace(*[(0, "read", "T")] * 5, (other, "write", f"own{other}")))
    lengths = [len(memory.draw(random.Random(seed), 0.5)) for seed in range(400)]
    assert set(lengths) == set(range(7))
    assert 150 < lengths.count(6) < 250
