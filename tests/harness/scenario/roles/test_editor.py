from __future__ import annotations

import random
from typing import Any

from harness.model.program import Op
from harness.scenario.actions import ACTIONS
from harness.scenario.roles.editor import ROLE, EditorSettings, draw_actions
from harness.scenario.roles.role import Ids


class Touch:
    """An action with one argument."""

    def draw(self, rng: random.Random) -> dict[str, int | str | bool]:
        return {"where": int(rng.random() * 10)}


FAKES = {"touch": Touch(), "erase": Touch()}


def draw(**keys: Any) -> tuple[Op, ...]:
    settings = EditorSettings(role="editor", **{"delay_steps": 0, **keys})
    return draw_actions(settings, random.Random(1), Ids("editor", 10), FAKES)


def test_a_rogue_acts_without_a_lock() -> None:
    ops = draw(actions=("touch",), times=3)
    assert [(op.kind, op.how, op.group) for op in ops] == [("action", "touch", group) for group in (1, 2, 3)]
    assert [op.args["id"] for op in ops] == ["editor-1", "editor-2", "editor-3"]
    assert all(0 <= int(op.args["where"]) <= 9 for op in ops)


def test_all_means_every_action_that_there_is() -> None:
    assert {op.how for op in draw(actions="all", times=50)} == set(FAKES)


def test_it_waits_before_each_action() -> None:
    ops = draw(actions=("erase",), delay_steps=2, pause_ms=30)
    assert [(op.kind, op.steps, op.duration_ms) for op in ops] == [
        ("think", 2, 0),
        ("pause", 0, 30),
        ("action", 0, 0),
    ]


def test_the_role_draws_from_the_registered_actions_within_its_size() -> None:
    settings = EditorSettings(role="editor", actions="all", times=50, pause_ms=(1, 9))
    ops = ROLE.draw(settings, random.Random(1), Ids("editor", 10))
    assert {op.how for op in ops if op.kind == "action"} <= set(ACTIONS)
    assert len([op for op in ops if op.kind == "action"]) == 50
    assert len(ops) <= ROLE.size(settings).ops
