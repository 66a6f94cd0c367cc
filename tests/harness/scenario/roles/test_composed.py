from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.model.op_order import OpOrder
from harness.model.program import Op
from harness.scenario.roles.composed import OPERATIONS, ROLE, ComposedRole, ComposedSettings
from harness.scenario.roles.role import Ids

INDEXER = ("acquire", "load", "append", "release")
AGENT = (
    *("begin_turn", "load", "append", "release_for_prompt"),
    *("acquire", "append", "release", "think", "guarded_write", "end_turn"),
)


def settings(operations: Any, **keys: Any) -> ComposedSettings:
    role = ComposedRole(name="mine", operations=tuple(operations))
    return ComposedSettings(role=role, **{"delay_steps": 0, **keys})


def draw(operations: Any, seed: int = 1, **keys: Any) -> tuple[Op, ...]:
    return ROLE.draw(settings(operations, **keys), random.Random(seed), Ids("mine", 10))


def kinds(ops: tuple[Op, ...]) -> list[str]:
    return [op.kind for op in ops]


@st.composite
def orders(draw: st.DrawFn) -> list[str]:
    """Any order that fences serve, with the lock released and the turn ended."""
    order, found = OpOrder(), []
    for kind in draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=40)):
        if not order.follow(kind):
            found.append(kind)
    if order.writer_holds and not order.follow("release"):
        found.append("release")
    for kind in ("release", "end_turn"):
        if order.unfinished() and not order.follow(kind):
            found.append(kind)
    return found or ["think"]


def test_a_role_under_the_lock_goes_through_its_list() -> None:
    ops = draw(INDEXER, times=2)
    assert kinds(ops) == [*INDEXER, *INDEXER]
    assert [op.group for op in ops] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert {(op.turn, op.route) for op in ops} == {(-1, "fence")}
    assert [entry.id for op in ops for entry in op.entries] == ["mine-1", "mine-2"]


def test_a_turn_has_its_writer_on_a_route_of_its_own() -> None:
    ops = draw(AGENT, times=2, writes=("toolResult",))
    assert [op.turn for op in ops] == [0] * 10 + [1] * 10
    writer = [op for op in ops if op.route == "writer"]
    assert kinds(tuple(writer)) == ["acquire", "append", "release"] * 2
    assert {op.group for op in writer}.isdisjoint(op.group for op in ops if op.route == "fence")
    assert {entry.type for op in writer for entry in op.entries} == {"toolResult"}
    assert {entry.type for op in ops if op.kind == "append" for entry in op.entries} == {
        "user",
        "toolResult",
    }


def test_rounds_repeat_a_guarded_write_with_its_think() -> None:
    ops = draw(AGENT, rounds=3, think_steps=2)
    assert kinds(ops).count("guarded_write") == kinds(ops).count("think") == 3
    assert kinds(ops)[-7:] == ["think", "guarded_write"] * 3 + ["end_turn"]


def test_waits_of_length_0_are_left_out() -> None:
    assert kinds(draw(("pause", *INDEXER, "think"), think_steps=0, pause_ms=0)) == [*INDEXER]


def test_a_composed_rewrite_has_the_settings_of_a_compactor() -> None:
    ops = draw(("acquire", "rewrite", "release"), how=("rename",), kind=("migration",), keep=2)
    assert (ops[1].how, ops[1].args) == ("rename", {"kind": "migration", "keep": 2, "summary_id": "mine-1"})


@given(orders(), st.integers(0, 1000), st.integers(1, 3), st.integers(1, 3))
def test_every_order_of_the_protocol_can_be_drawn_within_its_size(
    operations: list[str], seed: int, rounds: int, lines: int
) -> None:
    keys = {"times": (1, 3), "rounds": (1, rounds), "lines": (1, lines), "delay_steps": (0, 3)}
    ops, size = draw(operations, seed, **keys), ROLE.size(settings(operations, **keys))
    assert len(ops) <= size.ops
    assert sum(len(op.entries) for op in ops) <= size.entries
    assert ops == draw(operations, seed, **keys)
