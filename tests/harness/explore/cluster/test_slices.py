"""Each schedule of a round is in one place: it waits, runs, was run, or was given up."""

from __future__ import annotations

import itertools
import random

from harness.explore.cluster.slices import ATTEMPTS_MAX, Slices
from harness.strategies import make


def numbers(slices: Slices) -> list[int]:
    return sorted(itertools.chain.from_iterable(slices.left()))


def test_no_fate_of_slices_loses_or_doubles_a_schedule() -> None:
    rng = random.Random(7)
    slices = Slices([range(10, 400), range(401, 900, 2)], 1.0)
    whole, ran = numbers(slices), []
    for turn in itertools.count():
        name = str(turn)
        if slices.waiting and len(slices.running) < 5:
            slices.begin(name, 5)
        elif not slices.running:
            break
        else:
            which, one = rng.choice(list(slices.running.items()))
            fate = rng.randrange(4)
            if fate == 0:
                slices.lose(which)
            else:
                done = len(one) if fate > 1 else rng.randrange(len(one))
                slices.note_speed(rng.uniform(1, 200))
                assert slices.end(which, [one[done:]], again=True) == one
                ran += one[:done]
        assert sorted([*ran, *numbers(slices)]) == whole
    assert sorted([*ran, *itertools.chain.from_iterable(slices.unrun)]) == whole


def test_no_slice_ends_within_a_family() -> None:
    slices = Slices([range(100, 600)], 1.0, make("guided"))
    begun = [slices.begin(str(turn), 5) for turn in range(3)]
    assert begun == [range(100, 128), range(128, 256), range(256, 384)]


def test_a_slice_that_ended_already_ends_no_more() -> None:
    slices = Slices([range(50)], 1.0)
    slices.begin("a", 1)
    assert slices.end("a", [], again=True) is not None
    assert slices.end("a", [], again=True) is None


def test_a_slice_that_is_lost_again_and_again_is_given_up_as_it_was() -> None:
    slices = Slices([range(50)], 1.0)
    first = slices.begin("0", 1)
    for turn in range(1, ATTEMPTS_MAX):
        assert slices.lose(str(turn - 1))
        assert slices.begin(str(turn), 1) == first
    assert not slices.lose(str(ATTEMPTS_MAX - 1))
    assert slices.unrun == [first]


def test_slices_follow_the_speed_and_become_small_at_the_end() -> None:
    slices = Slices([range(10_000)], 2.0)
    slices.begin("a", 4)
    slices.note_speed(100.0)
    second = slices.begin("b", 4)
    assert second is not None and len(second) == 200
    sizes = []
    for turn in range(1000):
        one = slices.begin(str(turn), 4)
        if one is None:
            break
        sizes.append(len(one))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 4


def test_schedules_above_the_first_violation_are_given_up() -> None:
    slices = Slices([range(0, 100), range(101, 200, 2)], 1.0)
    slices.begin("a", 1)
    slices.lose("a")
    slices.drop_above(49)
    left = [one for one in slices.left() if one not in slices.unrun]
    assert sorted(itertools.chain.from_iterable(left)) == list(range(50))
    slices.drop_above(-1)
    assert not slices.waiting
    assert numbers(slices) == [*range(100), *range(101, 200, 2)]
