"""POS: a step keeps its priority until another step races with it."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from harness.model.gate import Candidate
from harness.strategies.pos import Pos
from tests.harness.strategies.shapes import SHAPES, Shape, frequency, sure


def shape(*lanes: str, last: str = "") -> Shape:
    """Return whether this step on the transcript is the last one."""
    return Shape("s", lanes, lambda order: order[-1] == last, Fraction(0), 2)


@pytest.mark.parametrize("quiet", [0, 1, 4, 10])
def test_steps_without_a_race_need_one_draw_a_lane(quiet: int) -> None:
    """Lane 1 writes last only if its one priority is the lowest of all: 1 in quiet + 2."""
    found = frequency(Pos(), shape("-" * quiet + "w", "w", last="1.0"), None)
    assert abs(found - 1 / (quiet + 2)) < sure(1 / (quiet + 2))


def test_reads_of_one_file_do_not_race() -> None:
    """Reads do not race, so they cost no draw."""
    found = frequency(Pos(), shape("rrrr", "r", last="1.0"), None)
    assert abs(found - 1 / 5) < sure(1 / 5)


def test_steps_that_race_are_ordered_by_fair_coins() -> None:
    """One write against four: a new draw for each, so it is last by four fair coins."""
    found = frequency(Pos(), shape("wwww", "w", last="1.0"), None)
    assert abs(found - 1 / 16) < sure(1 / 16)


def test_an_update_is_lost_once_in_three() -> None:
    """By hand: the second read lost to the first, and is the lowest of three with the write."""
    lost = Shape("lost", ("rw", "rw"), SHAPES[0].shows, Fraction(0), 2)
    assert abs(frequency(Pos(), lost, None) - 1 / 3) < sure(1 / 3)


def test_only_steps_that_raced_get_new_priorities() -> None:
    draws = iter([0.9, 0.1, 0.8, 0.2, 0.7])

    class Rng:
        def random(self) -> float:
            return next(draws)

    pos = Pos()
    pos.begin(Rng(), 3)  # type: ignore[arg-type]
    write = [Candidate(lane, 0, 0, "write", path, True) for lane, path in enumerate(("T", "T", "own"))]
    assert pos.pick(write) == 0
    # Lane 0 is at a new step (0.2), lane 1 draws again (0.7); lane 2 keeps its 0.8.
    assert pos.pick([Candidate(0, 0, 1, "write", "T", True), *write[1:]]) == 2
    assert pos.pick([Candidate(0, 0, 1, "write", "T", True), write[1]]) == 1
    assert not list(draws)


def test_a_lane_that_was_absent_keeps_its_priority() -> None:
    rng = random.Random(4)
    pos = Pos()
    pos.begin(rng, 2)
    mine, own = Candidate(0, 0, 0, "write", "T", True), Candidate(1, 0, 0, "write", "own", True)
    pos.pick([mine, own])
    before = dict(pos._priority)
    assert len(before) == 1
    state = rng.getstate()
    (lane,) = before
    pos.pick([(mine, own)[lane]])
    assert rng.getstate() == state
