from __future__ import annotations

from typing import Any

from tests.released.verdict_table import rendered


def cell(scenario: str, fence: str, violations: dict[str, int], inconclusive: int = 0) -> dict[str, Any]:
    return {
        "scenario": scenario,
        "fence": fence,
        "policy": "coordinated",
        "schedules": 50,
        "violations": violations,
        "inconclusive": inconclusive,
    }


def test_a_cell_says_how_often_of_a_hundred_and_what_is_not_known() -> None:
    cells = [
        cell("rogue-zoo", "openclaw@2026.6.9", {"missed_takeover": 1, "false_positive": 25}),
        cell("rogue-zoo", "openclaw@2026.5.18", {}, inconclusive=2),
        cell("second-gateway", "openclaw@2026.6.9+merge", {}),
    ]
    head, _, first, second = rendered(cells).splitlines()[-4:]
    assert head == "| scenario | policy | 5.18 | 6.9 | 6.9+merge |"
    assert first == "| rogue-zoo | coordinated | (2 unknown) | fp 50, missed 2 |  |"
    assert second == "| second-gateway | coordinated |  |  | . |"
