"""A story is called shrunk only if it is shorter than before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from harness.shrink.job import Shrunk
from harness.shrink.variant import Size

BEFORE = Size(3, 9, 0, 40, 12, 0, 77, 30, 5)


@pytest.mark.parametrize(
    ("changes", "label", "line"),
    [
        ({}, "", "not shrunk: nothing smaller was found, 30 steps (9 schedules in 0.5 s)"),
        # Earlier switches alone make it no shorter.
        ({"places": 5}, "", "not shrunk: nothing smaller was found, 30 steps (9 schedules in 0.5 s)"),
        (
            {"reading": 24, "steps": 20, "switches": 2},
            "shrunk",
            "shrunk from 30 to 20 steps, 5 to 2 switches (9 schedules in 0.5 s)",
        ),
        (
            {"reading": 34, "switches": 2},
            "simplified",
            "simplified from 5 to 2 switches, still 30 steps (9 schedules in 0.5 s)",
        ),
        (
            {"lines": 1},
            "simplified",
            "simplified from 12 to 1 lines, still 30 steps (9 schedules in 0.5 s)",
        ),
    ],
)
def test_the_label_names_the_part_that_became_smaller(changes: dict[str, int], label: str, line: str) -> None:
    best: Any = SimpleNamespace(size=msgspec.structs.replace(BEFORE, **changes))
    shrunk = Shrunk(best, BEFORE, 9, 0.5, finished=True)
    assert (shrunk.label, shrunk.summary_line()) == (label, line)


def test_a_search_that_was_stopped_says_so() -> None:
    best: Any = SimpleNamespace(size=BEFORE)
    assert Shrunk(best, BEFORE, 9, 0.5).summary_line().endswith("; stopped before it was done)")
