"""Delta debugging ends when no single item can be left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Variant
from tests.harness.shrink.stage import drawn, reproduction

PROGRAM = drawn("quickstart", 1)
FINE = Answer(reproduction(PROGRAM), True, True, True, False, ())
NOT = Answer(None, False, False, True, True, ())


def kept(items: list[int], needed: set[int]) -> tuple[list[int], int]:
    """Return what is left of `items`, and the number of variants tried."""
    trials: list[list[int]] = []

    def build(trial: list[int]) -> Variant:
        trials.append(trial)
        return Variant(PROGRAM, ())

    proposals = fewer(items, build)
    try:
        next(proposals)
        while True:
            proposals.send(FINE if needed <= set(trials[-1]) else NOT)
    except StopIteration as end:
        left: list[int] = end.value
        return left, len(trials)


@given(items=st.lists(st.integers(), unique=True, max_size=40), data=st.data())
def test_exactly_the_needed_items_stay(items: list[int], data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(items))) if items else set()
    left, _ = kept(items, needed)
    assert left == [item for item in items if item in needed]


def test_one_needed_item_among_many_takes_few_variants() -> None:
    left, variants = kept(list(range(64)), {17})
    assert left == [17]
    assert variants <= 16


def test_no_items_make_no_variants() -> None:
    assert kept([], set()) == ([], 0)
