"""Draws of a role from outside: nothing of which a fence could be accused by mistake."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest

from fence.registry import Origin
from harness.model.errors import ExtensionError, ScenarioError
from harness.model.program import Entry, Op
from harness.scenario import load_data
from harness.scenario.drawn_checks import draw_checked
from harness.scenario.roles import ROLES, Ids, LaneSettings, Role
from harness.scenario.roles.role import Size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(LaneSettings):
    role: Literal["outside"]


_SIZE = Size(9, 9)
Draw = Callable[[random.Random, Ids], Any]


@pytest.fixture
def outside() -> Iterator[Callable[..., None]]:
    """Registers a role with a function that draws."""

    def register(draw: Draw, participant: bool = True, size: Any = _SIZE) -> None:
        role = Role(
            "outside", "about", participant, Settings, lambda _, rng, ids: draw(rng, ids), lambda _: size
        )
        ROLES.add("outside", role, Origin("mine.py"))

    yield register
    ROLES.remove("outside")


def drawn(seed: int = 1) -> tuple[Op, ...]:
    return draw_checked(Settings(role="outside"), random.Random(seed), Ids("x", 9), "x")


def locked(*ops: Op, group: int = 1) -> tuple[Op, ...]:
    return Op("acquire", group=group), *ops, Op("release", group=group)


def entry(name: str, line: str) -> Op:
    return Op("append", group=1, entries=(Entry(name, "user", line),))


def test_operations_that_a_lane_can_do_are_drawn_unchanged(outside: Callable[..., None]) -> None:
    def draw(rng: random.Random, ids: Ids) -> tuple[Op, ...]:
        return locked(Op("load", group=1), Op("append", group=1, entries=(ids.entry(rng, "custom"),)))

    outside(draw)
    assert [op.kind for op in drawn()] == ["acquire", "load", "append", "release"]


WRONG: dict[str, tuple[Draw, str]] = {
    "no tuple": (lambda *_: [], "draw returned a list, expected a tuple of Op"),
    "no operation": (lambda *_: ("append",), "draw returned a tuple, expected a tuple of Op"),
    "too many": (lambda *_: (Op("think", steps=1),) * 401, "draw returned 401 operations, at most 400"),
    "it raises": (lambda *_: 1 // 0, "draw raised ZeroDivisionError in line"),
    "no such kind": (lambda *_: (Op("fly"),), "operation 0, fly: no such operation; expected one of"),
    "order": (lambda *_: (Op("release"),), "operation 0, release: the lane does not have the lock here"),
    "the lock is kept": (lambda *_: locked()[:1], "after the last operation: the lock is kept"),
    "group": (lambda *_: locked(Op("load", group=2)), "operation 1, load: turn -1, group 2, route fence"),
    "turn": (lambda *_: locked(Op("load", turn=0, group=1)), "expected turn -1, group 1"),
    "route": (lambda *_: locked(Op("load", group=1, route="writer")), "route writer, expected turn -1"),
    "group again": (lambda *_: locked() + locked(), "group 1 is that of an earlier one"),
    "nothing to append": (lambda *_: locked(Op("append", group=1)), "operation 1, append: has no lines"),
    "an id of its own": (lambda *_: locked(entry("mine", "{}")), "the id 'mine' is used already, or none"),
    "no JSON": (lambda *_: locked(entry("x-1", "hello")), "the line 'hello' is no JSON object in one line"),
    "another id": (lambda *_: locked(entry("x-1", '{"id":"x-2"}')), "with the id 'x-1'"),
    "an id again": (lambda *_: locked(*[entry("x-1", '{"id":"x-1"}')] * 2), "the id 'x-1' is used already"),
    "no arguments": (
        lambda *_: locked(Op("rewrite", group=1, how="rename")),
        "args of compactor.rewrite_args",
    ),
    "an action": (lambda *_: (Op("action", how="chmod"),), "make the role no participant"),
    "a program": (
        lambda *_: (Op("action", how="sh", argv=("sh",)),),
        "only the role program starts programs",
    ),
}


@pytest.mark.parametrize(("draw", "told"), WRONG.values(), ids=WRONG)
def test_operations_that_no_lane_can_do_are_refused(
    outside: Callable[..., None], draw: Draw, told: str
) -> None:
    outside(draw)
    with pytest.raises(ExtensionError) as raised:
        drawn()
    assert str(raised.value).startswith("role outside of mine.py: ")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("op", "told"),
    [
        (Op("append"), "has no handle on the fence; make it one, or use action"),
        (Op("action", how="no-such"), "unknown action 'no-such'"),
    ],
)
def test_a_rogue_has_actions_alone(outside: Callable[..., None], op: Op, told: str) -> None:
    outside(lambda *_: (op,), participant=False)
    with pytest.raises(ExtensionError, match=told):
        drawn()


counted = itertools.count()


@pytest.mark.parametrize(
    ("draw", "size", "told"),
    [
        (lambda *_: (Op("think", steps=next(counted)),), Size(1, 0), "two programs for one seed"),
        (lambda *_: locked(), Size(1, 0), "draw returned 2 operations with 0 lines, size says at most 1"),
        (lambda *_: locked(), (2, 0), "size returned (2, 0), expected Size(operations, lines)"),
    ],
)
def test_a_scenario_with_such_a_role_is_refused_before_anything_runs(
    outside: Callable[..., None], draw: Draw, size: Any, told: str
) -> None:
    outside(draw, size=size)
    data = {"name": "a", "about": "a", "source": "a", "policy": "coordinated", "expect": {}}
    with pytest.raises(ScenarioError) as raised:
        load_data({**data, "lanes": [{"role": "runner"}, {"role": "outside"}], "extensions": []})
    assert "lanes[1]" in str(raised.value)
    assert told in str(raised.value)
