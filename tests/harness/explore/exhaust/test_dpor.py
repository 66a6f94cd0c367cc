"""The search tree finds the same as every interleaving of small programs, tried one by one."""

from __future__ import annotations

import itertools
import random
from math import comb

import pytest

from harness.explore.exhaust.dpor import Tree
from tests.harness.explore.exhaust.model import all_classes, all_outcomes, explore, random_program

LOST_UPDATE = [["r:x", "w:x"], ["r:x", "w:x"]]
DINING = [["l:m", "l:n", "u:n", "u:m"], ["l:n", "l:m", "u:m", "u:n"]]


def test_without_reduction_every_interleaving_comes_once() -> None:
    runs = explore([["w:x"] * 3, ["w:x"] * 4], Tree(reduce=False))
    assert len(runs) == len({tuple(run.order) for run in runs}) == comb(7, 3)


def test_with_reduction_every_class_comes_once() -> None:
    runs = explore(LOST_UPDATE, Tree())
    classes = [run.klass() for run in runs]
    assert len(classes) == len(set(classes))
    assert set(classes) == all_classes(LOST_UPDATE)


def test_steps_that_touch_nothing_in_common_have_one_class() -> None:
    assert len(explore([["w:x"] * 8, ["w:y"] * 8, ["-"] * 8], Tree())) == 1


def test_both_orders_of_two_lock_acquisitions_are_tried() -> None:
    section = ["l:m", "r:x", "w:x", "u:m"]
    assert len(explore([section, section, section], Tree())) == 6


def test_a_deadlock_and_the_schedule_without_it_are_found() -> None:
    runs = explore(DINING, Tree())
    assert {run.outcome() for run in runs} == all_outcomes(DINING)
    assert any(run.waiting() for run in runs)
    assert any(not run.waiting() for run in runs)


def test_an_order_that_a_deadlock_hides_is_not_lost() -> None:
    """The first lane never releases the lock; only at the end it shows that the second may come first."""
    lanes = [["l:m", "w:x"], ["l:m", "r:x", "u:m"]]
    assert {run.outcome() for run in explore(lanes, Tree())} == all_outcomes(lanes)


@pytest.mark.parametrize("seed", range(150))
def test_reduction_loses_no_outcome_and_repeats_no_class(seed: int) -> None:
    rng = random.Random(seed)
    lanes = random_program(rng, *rng.choice([(2, 4), (2, 5), (3, 3), (3, 2), (4, 1)]))
    runs = explore(lanes, Tree())
    classes = [run.klass() for run in runs]
    assert {run.outcome() for run in runs} == all_outcomes(lanes)
    assert len(classes) == len(set(classes))


@pytest.mark.parametrize("bound", [0, 1, 2, 3])
def test_a_bound_gives_every_schedule_with_so_many_preemptions(bound: int) -> None:
    lanes = [["w:x"] * 3, ["w:x"] * 3, ["w:x"] * 2]
    found = {tuple(run.order) for run in explore(lanes, Tree(reduce=False, preemptions_max=bound))}
    everything = {tuple(run.order) for run in explore(lanes, Tree(reduce=False))}
    assert found == {order for order in everything if preemptions(order, lanes) <= bound}


def preemptions(order: tuple[int, ...], lanes: list[list[str]]) -> int:
    left = [len(lane) for lane in lanes]
    count = 0
    for before, after in itertools.pairwise(order):
        left[before] -= 1
        count += before != after and left[before] > 0
    return count


def test_a_program_that_does_not_repeat_is_reported() -> None:
    from harness.model.access_set import NOTHING, AccessSet
    from harness.model.gate import Candidate

    def offer(call: str) -> list[Candidate]:
        touched = AccessSet(writes=frozenset("x"))
        return [Candidate(lane, 0, 0, call, "", True, touched) for lane in (0, 1)]

    tree = Tree(reduce=False)
    tree.begin(random.Random(0), 2)
    tree.pick(offer("read"))
    tree.learn([NOTHING])
    tree.begin(random.Random(0), 2)
    tree.pick(offer("write"))
    assert "nondeterminism" in tree.strange
