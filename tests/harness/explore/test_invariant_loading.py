"""Tests of `harness.explore.invariant_loading`: what may stand in the attribute `invariant` of a fence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fence.none import NoFence
from harness.explore.invariant_loading import load_invariants, load_of_history
from harness.model.errors import InvariantLoadError
from harness.oracle.invariant_reference import by_name
from harness.oracle.invariants import Acknowledged
from harness.scenario import Scenario, load
from tests.acceptance.harness_process import SCENARIO

REFERENCE = "my.py:Mine"


def short(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    return "long" if len(lines) > 1 else ""


class Asking:
    def __call__(self, lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
        return "asked"


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "own.yaml"
    path.write_text(f"{SCENARIO}invariant: one_header\n")
    return load(str(path))


def fence_with(invariant: object) -> type[Any]:
    return type("Mine", (NoFence,), {"invariant": invariant})


@pytest.mark.parametrize(
    ("invariant", "names"),
    [
        (None, []),
        ((), []),
        ("unique_ids", ["unique_ids"]),
        (["unique_ids", "linear_parents"], ["unique_ids", "linear_parents"]),
        (short, [f"{REFERENCE}.short"]),
        (staticmethod(short), [f"{REFERENCE}.short"]),
        (Asking(), [f"{REFERENCE}.Asking"]),
        ({"check": short}, [f"{REFERENCE}.short"]),
        ({"check": "unique_ids", "each_step": True}, ["unique_ids@step"]),
        (
            (short, {"check": short, "each_step": True}, "unique_ids"),
            [f"{REFERENCE}.short", f"{REFERENCE}.short#2@step", "unique_ids"],
        ),
    ],
)
def test_text_function_or_list_is_accepted(scenario: Scenario, invariant: object, names: list[str]) -> None:
    loaded = load_invariants(scenario, REFERENCE, fence_with(invariant))
    assert list(loaded) == ["one_header", *names]
    assert [one.name for one in by_name(loaded)] == [name.removesuffix("@step") for name in loaded]


@pytest.mark.parametrize("invariant", [3, True, [None], {"each_step": True}, {"check": 1}, NoFence, b"x"])
def test_anything_else_is_refused_in_one_line(scenario: Scenario, invariant: object) -> None:
    with pytest.raises(InvariantLoadError) as caught:
        load_invariants(scenario, REFERENCE, fence_with(invariant))
    told = str(caught.value)
    assert told.startswith(f"{REFERENCE}: its attribute invariant has ") and "\n" not in told
    assert "expected a reference, a function" in told


def test_two_fences_keep_functions_of_one_name_apart(scenario: Scenario) -> None:
    def first(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
        return "first"

    def second(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
        return "second"

    first.__name__ = second.__name__ = "rule"
    names = [
        load_invariants(scenario, reference, fence_with(rule))[-1]
        for reference, rule in (("a.py:A", first), ("b.py:B", second))
    ]
    assert [one.check([], []) for one in by_name(names)] == ["first", "second"]


def test_a_history_finds_the_function_of_its_fence() -> None:
    reference = "stored.py:Mine"
    load_of_history([f"{reference}.short@step"], reference, fence_with(short))
    (found,) = by_name([f"{reference}.short@step"])
    assert (found.check, found.each_step) == (short, True)


def test_a_function_that_its_fence_lost_is_told() -> None:
    with pytest.raises(InvariantLoadError, match=r"lost\.py:Mine has no such invariant any more"):
        load_of_history(["lost.py:Mine.long"], "lost.py:Mine", fence_with(short))
