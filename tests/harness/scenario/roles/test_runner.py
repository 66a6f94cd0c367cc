from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.model.program import Op
from harness.scenario.roles.role import Ids
from harness.scenario.roles.runner import ROLE, RunnerSettings


def draw(seed: int = 1, **keys: Any) -> tuple[Op, ...]:
    return ROLE.draw(RunnerSettings(role="runner", **keys), random.Random(seed), Ids("runner", 10))


def kinds(ops: tuple[Op, ...]) -> list[str]:
    return [op.kind for op in ops]


def test_a_turn_is_lock_then_prompt_then_reply() -> None:
    ops = draw()
    assert kinds(ops) == [
        *("begin_turn", "load", "append", "release_for_prompt"),
        *("think", "guarded_write", "end_turn"),
    ]
    assert {(op.turn, op.group, op.route) for op in ops} == {(0, 1, "fence")}
    assert [entry.type for entry in ops[2].entries] == ["user"]
    assert 1 <= ops[4].steps <= 6


def test_empty_prompts_and_thoughts_are_left_out() -> None:
    assert kinds(draw(prompt=(), think_steps=0)) == [
        *("begin_turn", "load", "release_for_prompt", "guarded_write", "end_turn")
    ]


def test_every_turn_has_its_own_number_and_group() -> None:
    ops = draw(turns=3)
    assert [(op.turn, op.group) for op in ops if op.kind == "begin_turn"] == [(0, 1), (1, 2), (2, 3)]


def test_own_writes_go_through_a_second_handle_in_the_window() -> None:
    ops = draw(rounds=2, own_writes=3, own_entries=("toolResult",))
    writer = [op for op in ops if op.route == "writer"]
    assert kinds(tuple(writer)) == ["acquire", "append", "release"] * 3
    assert [op.group for op in writer] == [2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert {op.turn for op in writer} == {0}
    assert {entry.type for op in writer for entry in op.entries} == {"toolResult"}
    places = [index for index, op in enumerate(ops) if op.route == "writer"]
    assert kinds(ops).index("release_for_prompt") < places[0]
    assert places[-1] < max(index for index, op in enumerate(ops) if op.kind == "guarded_write")
    assert {op.group for op in ops if op.route == "fence"} == {1}


def test_the_turn_after_own_writes_takes_a_fresh_group() -> None:
    ops = draw(turns=2, own_writes=1)
    assert [op.group for op in ops if op.kind in ("begin_turn", "acquire")] == [1, 2, 3, 4]


def test_recovery_is_tried_after_the_last_round() -> None:
    assert kinds(draw(recover=True))[-4:] == ["guarded_write", "recover", "guarded_write", "end_turn"]


def test_a_delay_comes_before_the_turn_and_outside_it() -> None:
    first, second = draw(delay_steps=4)[:2]
    assert (first.kind, first.steps, first.turn, first.group) == ("think", 4, -1, 1)
    assert second.kind == "begin_turn"


@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(1, 3), st.integers(3, 5)),
    st.tuples(st.integers(0, 2), st.integers(2, 4)),
    st.booleans(),
)
def test_draws_respect_their_ranges_and_the_announced_size(
    seed: int, rounds: tuple[int, int], own_writes: tuple[int, int], recover: bool
) -> None:
    keys: dict[str, Any] = {"turns": (1, 3), "rounds": rounds, "own_writes": own_writes, "recover": recover}
    keys |= {"lines": (1, 2), "delay_steps": (0, 2), "think_steps": (0, 3)}
    ops = draw(seed, **keys)
    turns = max(op.turn for op in ops) + 1
    assert 1 <= turns <= 3
    for turn in range(turns):
        mine = [op for op in ops if op.turn == turn]
        assert rounds[0] <= kinds(tuple(mine)).count("guarded_write") - recover <= rounds[1]
        assert own_writes[0] <= kinds(tuple(mine)).count("acquire") <= own_writes[1]
    assert all(1 <= len(op.entries) <= 2 for op in ops if op.kind == "guarded_write")
    assert all(1 <= op.steps <= 3 for op in ops if op.kind == "think")
    size = ROLE.size(RunnerSettings(role="runner", **keys))
    assert len(ops) <= size.ops
    assert sum(len(op.entries) for op in ops) <= size.entries
    ids = [entry.id for op in ops for entry in op.entries]
    assert len(ids) == len(set(ids))
