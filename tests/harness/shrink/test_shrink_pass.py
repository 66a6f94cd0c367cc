"""Leaving out comes to an end at which no single thing can be left out any more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.shrink.candidate import Case
from harness.shrink.shrink_pass import Answer, fewer
from tests.harness.shrink.stage import drawn, shown

PROGRAM = drawn("quickstart", 1)
FINE = Answer(shown(PROGRAM), True, True, True, False, ())
NOT = Answer(None, False, False, True, True, ())


def kept(items: list[int], needed: set[int]) -> tuple[list[int], int]:
    """What is left of `items`, and after how many questions."""
    trials: list[list[int]] = []

    def build(trial: list[int]) -> Case:
        trials.append(trial)
        return Case(PROGRAM, ())

    proposals = fewer(items, build)
    try:
        next(proposals)
        while True:
            proposals.send(FINE if needed <= set(trials[-1]) else NOT)
    except StopIteration as end:
        left: list[int] = end.value
        return left, len(trials)


@given(items=st.lists(st.integers(), unique=True, max_size=40), data=st.data())
def test_what_is_needed_stays_and_nothing_else(items: list[int], data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(items))) if items else set()
    left, _ = kept(items, needed)
    assert left == [item for item in items if item in needed]


def test_one_that_is_needed_among_many_takes_few_questions() -> None:
    left, questions = kept(list(range(64)), {17})
    assert left == [17]
    assert questions <= 16


def test_of_nothing_nothing_is_asked() -> None:
    assert kept([], set()) == ([], 0)
