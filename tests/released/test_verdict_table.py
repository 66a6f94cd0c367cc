from __future__ import annotations

import os
from typing import Any

import pytest

from tests.released.deepen import alike
from tests.released.verdict_table import one_a_core, rendered, shared


def cell(scenario: str, fence: str, violations: dict[str, int], inconclusive: int = 0) -> dict[str, Any]:
    return {
        "scenario": scenario,
        "fence": fence,
        "policy": "coordinated",
        "schedules": 50,
        "violations": violations,
        "inconclusive": inconclusive,
    }


def test_a_cell_has_the_counts_and_the_unknown_results() -> None:
    cells = [
        cell("rogue-zoo", "openclaw@2026.6.9", {"missed_takeover": 1, "false_positive": 25}),
        cell("rogue-zoo", "openclaw@2026.5.18", {}, inconclusive=2),
        cell("second-gateway", "openclaw@2026.6.9+merge", {}),
        {**cell("second-gateway", "openclaw@2026.6.9", {}), "not_exercised": ["cron never wrote"]},
        {**cell("second-gateway", "openclaw@2026.5.18", {}), "deeper": {"schedules": 300}},
    ]
    head, _, first, second = rendered(cells).splitlines()[-4:]
    assert head == "| scenario | policy | 5.18 | 6.9 | 6.9+merge |"
    assert first == "| rogue-zoo | coordinated | (2 unknown) | fp 50, missed 2 |  |"
    assert second == "| second-gateway | coordinated | . | - | (.) |"


def _found(fence: str, histories: str, witnesses: dict[str, str]) -> dict[str, Any]:
    told = cell("rogue-zoo", f"openclaw@{fence}", dict.fromkeys(("crash", "double_hold"), 1))
    return {**told, "histories": histories, "witnesses": witnesses}


def test_versions_with_equal_histories_share_witnesses_small_ones_first() -> None:
    cells = [
        _found("2026.5.18", "a", {"crash": "18-crash", "double_hold": "18-hold"}),
        _found("2026.5.19", "a", {"crash": "small-crash", "double_hold": "19-hold"}),
        _found("2026.5.20", "b", {"crash": "20-crash"}),
        _found("2026.5.22", "a", {}),
    ]
    told = [one["witnesses"] for one in shared(cells, lambda path: path.startswith("small"))]
    both = {"crash": "small-crash", "double_hold": "18-hold"}
    assert told == [both, both, {"crash": "20-crash"}, both]


def test_a_cores_failure_is_raised_and_work_done_once() -> None:
    done: list[tuple[int, int]] = []

    def do(number: int) -> None:
        (core,) = os.sched_getaffinity(0)
        done.append((number, core))
        if number == 7:
            raise SystemExit("seven")

    before = os.sched_getaffinity(0)
    one_a_core(do, range(6))
    assert sorted(number for number, _ in done) == list(range(6))
    assert {core for _, core in done} <= before == os.sched_getaffinity(0)
    with pytest.raises(SystemExit, match="seven"):
        one_a_core(do, range(9))


def test_cells_that_found_nothing_are_searched_longer_by_equal_histories() -> None:
    cells = [
        {**cell("rogue-zoo", "a", {}), "histories": "x"},
        {**cell("rogue-zoo", "b", {"crash": 1}), "histories": "x"},
        {**cell("rogue-zoo", "c", {}), "histories": "x"},
        {**cell("rogue-zoo", "d", {}), "histories": "y"},
        {**cell("rogue-zoo", "e", {}), "histories": "x", "deeper": {"schedules": 300}},
    ]
    assert [[one["fence"] for one in group] for group in alike(cells, 300)] == [["a", "c"], ["d"]]
    assert alike(cells, 50) == []
