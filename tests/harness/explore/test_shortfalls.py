"""How many schedules a pass needs, as the command line says it."""

from __future__ import annotations

import pytest

from harness.explore.shortfalls import least_of, schedules_for


@pytest.mark.parametrize(
    ("text", "asked", "needed"),
    [("50%", 100, 50), ("50%", 101, 51), ("0%", 100, 0), ("100%", 7, 7), ("20", 100, 20), ("20", 5, 5)],
)
def test_a_pass_needs_a_number_or_a_share_of_what_was_asked(text: str, asked: int, needed: int) -> None:
    assert least_of(text).of(asked) == needed


@pytest.mark.parametrize("text", ["101%", "-1%", "%", "0", "-3", "half", ""])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        least_of(text)


def test_rare_violations_need_more_schedules() -> None:
    counts = [schedules_for(rate) for rate in (0.5, 0.01, 0.001)]
    assert counts == [5, 299, 2995]
    for rate, count in zip((0.5, 0.01, 0.001), counts, strict=True):
        assert (1 - rate) ** count <= 0.05 < (1 - rate) ** (count - 1)
