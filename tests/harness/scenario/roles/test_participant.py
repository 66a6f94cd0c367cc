from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.program import Op
from harness.scenario.roles import ROLES
from harness.scenario.roles.role import Ids

WRITERS = ("heartbeat", "cron", "ingress")


def draw(role: str = "cron", seed: int = 1, **keys: Any) -> tuple[Op, ...]:
    keys = {"delay_steps": 0, **keys}
    return ROLES[role].draw(ROLES[role].settings(role=role, **keys), random.Random(seed), Ids(role, 10))


def kinds(ops: tuple[Op, ...]) -> list[str]:
    return [op.kind for op in ops]


@pytest.mark.parametrize("role", WRITERS)
def test_a_writer_appends_under_the_lock(role: str) -> None:
    ops = draw(role, times=2)
    assert kinds(ops) == ["acquire", "append", "release"] * 2
    assert [op.group for op in ops] == [1, 1, 1, 2, 2, 2]
    assert {op.turn for op in ops} == {-1}


@pytest.mark.parametrize(
    "role, types",
    [("heartbeat", {"assistant", "custom"}), ("cron", {"custom", "assistant"}), ("ingress", {"user"})],
)
def test_each_writer_has_lines_of_its_own(role: str, types: set[str]) -> None:
    ops = draw(role, times=30)
    assert {entry.type for op in ops for entry in op.entries} == types


def test_a_writer_without_lines_still_takes_the_lock() -> None:
    assert kinds(draw(lines=0)) == ["acquire", "release"]


def test_a_lane_may_stay_away_from_some_schedules() -> None:
    drawn = [kinds(draw(seed=seed, times=(0, 2))).count("append") for seed in range(60)]
    assert set(drawn) == {0, 1, 2}


def test_a_lane_that_keeps_the_lock_releases_it_all_but_the_last_time() -> None:
    assert kinds(draw(times=2, release=False)) == ["acquire", "append", "release", "acquire", "append"]


def test_pauses_stand_before_the_lock_and_inside_it() -> None:
    ops = draw(delay_steps=3, pause_ms=20, hold_ms=60_000)
    assert kinds(ops) == ["think", "pause", "acquire", "pause", "append", "release"]
    assert [op.duration_ms for op in ops if op.kind == "pause"] == [20, 60_000]
    assert ops[0].steps == 3
    assert {op.group for op in ops} == {1}


def test_a_rate_adds_a_random_wait_to_the_delay() -> None:
    steps = [draw(seed=seed, rate=10.0, delay_steps=100)[0].steps for seed in range(200)]
    assert min(steps) >= 100
    assert 105 < sum(steps) / len(steps) < 113


@given(st.sampled_from(WRITERS), st.integers(0, 2**32))
def test_draws_respect_their_ranges_and_the_announced_size(role: str, seed: int) -> None:
    keys: dict[str, Any] = {"times": (1, 3), "lines": (0, 2), "pause_ms": (0, 5), "hold_ms": (0, 7)}
    keys["delay_steps"] = (0, 9)
    ops = draw(role, seed, **keys)
    assert 1 <= kinds(ops).count("acquire") == kinds(ops).count("release") <= 3
    assert all(1 <= len(op.entries) <= 2 for op in ops if op.kind == "append")
    assert all(1 <= op.duration_ms <= 7 for op in ops if op.kind == "pause")
    assert all(1 <= op.steps <= 9 for op in ops if op.kind == "think")
    size = ROLES[role].size(ROLES[role].settings(role=role, **keys))
    assert len(ops) <= size.ops
    assert sum(len(op.entries) for op in ops) <= size.entries
