"""A violation under a policy that a fence does not claim is information, where the scenario says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from harness.explore.search_task import Result, SearchTask
from harness.results.stats import Stats
from harness.scenario import load_data

DATA: dict[str, Any] = {
    "name": "s",
    "about": "a",
    "source": "b",
    "policy": "same-process",
    "lanes": [{"role": "runner"}, {"role": "cron"}],
}


def result(kind: str, claims: tuple[str, ...], expect: dict[str, Any] | None = None) -> Result:
    scenario = load_data(DATA | {"expect": expect or {}}, "s.yaml")
    task = SearchTask(scenario, "mine.py:Mine", "kernel", "random", 1, 1)
    return Result(task, Stats(schedules=1, violations={kind: 1}, claims=claims), 1)


@pytest.mark.parametrize("kind", ["false_positive", "missed_takeover"])
def test_a_policy_that_is_not_claimed_gives_information(kind: str) -> None:
    found = result(kind, ("coordinated",))
    summary = found.summary()
    assert (summary.result, summary.information, summary.unexpected) == ("information", (kind,), ())
    assert summary.expected
    assert not found.accuses(kind)


@pytest.mark.parametrize(
    ("kind", "claims", "expect"),
    [
        # It claims this policy, too.
        ("false_positive", ("coordinated", "same-process"), None),
        # It claims nothing, so that nothing is excused.
        ("false_positive", (), None),
        # The scenario says what it expects of it.
        ("false_positive", ("coordinated",), {"mine.py:Mine": []}),
        ("false_positive", ("coordinated",), {"mine.py:Mine": {"may": ["missed_takeover"]}}),
        # A crash is wrong under any policy.
        ("crash", ("coordinated",), None),
    ],
)
def test_everything_else_is_a_failure(
    kind: str, claims: tuple[str, ...], expect: dict[str, Any] | None
) -> None:
    found = result(kind, claims, expect)
    assert found.summary().unexpected == (f"{kind} was not expected",)
    assert found.accuses(kind)


def test_an_expected_violation_is_no_information() -> None:
    found = result("false_positive", ("coordinated",), {"mine.py:Mine": ["false_positive"]})
    assert found.summary().result == "expected"
    assert not found.accuses("false_positive")
