"""Numbers of schedules are cut where families begin, and none is lost."""

from __future__ import annotations

import pytest

from harness.strategies import make
from harness.strategies.families import pieces, program_number, whole_until

MIXED = "portfolio:guided=1,pos=2"
RANGES = [range(1000), range(100, 130), range(127, 128), range(5, 5), range(60, 900, 7), range(0, 400, 150)]


@pytest.mark.parametrize("strategy", ["pos", "guided", MIXED])
@pytest.mark.parametrize("numbers", RANGES, ids=str)
def test_pieces_have_each_number_once_in_order(strategy: str, numbers: range) -> None:
    made = make(strategy)
    found = list(pieces(numbers, made))
    assert [number for piece, _ in found for number in piece] == list(numbers)
    for piece, whole in found:
        families = {made.family(number) for number in piece}
        assert len(families) == 1 if whole else all(len(one) == 1 for one in families)


def test_numbers_without_a_family_stay_together() -> None:
    assert list(pieces(range(300), make("pos"))) == [(range(300), False)]
    cut = [(len(piece), whole) for piece, whole in pieces(range(1024), make(MIXED))]
    assert cut == [(256, False), (128, True), (256, False), (128, True), (256, False)]


def test_of_an_endless_search_the_beginning_is_cut() -> None:
    found = list(pieces(range(1 << 40), make("guided")))
    assert len(found) == (1 << 13) + 1
    assert sum(len(piece) for piece, _ in found) == 1 << 40


def test_a_family_is_taken_whole() -> None:
    guided = make("guided")
    assert [whole_until(range(300), wanted, guided) for wanted in (1, 127, 128, 129, 260, 300)] == [
        *(128, 128, 128, 256, 300, 300),
    ]
    assert whole_until(range(100, 300), 5, guided) == 28
    assert whole_until(range(300), 5, make("pos")) == 5


def test_schedules_of_a_family_run_its_first_program() -> None:
    assert [program_number("guided", index) for index in (0, 127, 128, 300)] == [0, 0, 128, 256]
    assert [program_number(name, 300) for name in ("pos", "pct:3", "replay", "gone")] == [300] * 4
