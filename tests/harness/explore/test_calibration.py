"""Every explorer learns the same lengths from a few schedules."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from harness.explore.calibration import Calibration, calibrate, examples
from harness.model.gate import Candidate, Outcome
from harness.model.history import Absent, End
from harness.model.program import Filesystem, LaneProgram, Op, Program
from harness.strategies.strategy import Strategy

LOAD, WRITE = Op("load"), Op("guarded_write")


def program(*lanes: Sequence[Op]) -> Program:
    named = (LaneProgram(f"l{n}", "runner", "p", True, tuple(ops)) for n, ops in enumerate(lanes))
    return Program(tuple(named), (), Filesystem(), 0)


def act(how: str) -> Op:
    return Op("action", how=how)


def test_lengths_are_means_by_kind_of_operation() -> None:
    calibration = Calibration()
    calibration.learn(
        program([LOAD, WRITE], [LOAD]), {(0, 0): [4, 3, 2, 0], (0, 1): [9, 9, 4, 5], (1, 0): [6, 4, 3, 1]}
    )
    forecast = calibration.forecast(program([WRITE, LOAD]))
    assert forecast.steps == ((9.0, 5.0),)
    assert forecast.visible == ((9.0, 3.5),)
    assert forecast.transcript == ((4.0, 2.5),)
    assert forecast.lock == ((5.0, 0.5),)


def test_an_operation_that_took_no_step_counts_as_none() -> None:
    calibration = Calibration()
    calibration.learn(program([LOAD]), {(0, 0): [4, 0, 0, 0]})
    calibration.learn(program([LOAD]), {})
    assert calibration.forecast(program([LOAD])).steps == ((2.0,),)


def test_thinking_takes_its_own_number_of_steps() -> None:
    forecast = Calibration().forecast(program([Op("think", steps=7)]))
    assert (forecast.steps, forecast.visible) == (((7.0,),), ((0.0,),))


def test_an_operation_never_seen_is_like_the_average() -> None:
    calibration = Calibration()
    assert calibration.forecast(program([LOAD])).steps == ((0.0,),)
    calibration.learn(program([LOAD, WRITE]), {(0, 0): [2, 0, 0, 0], (0, 1): [4, 0, 0, 0]})
    assert calibration.forecast(program([act("touch")])).steps == ((3.0,),)


def test_lengths_are_kept_apart_by_role_and_manner() -> None:
    calibration = Calibration()
    calibration.learn(program([act("touch")], [act("rename")]), {(0, 0): [1, 0, 0, 0], (1, 0): [5, 0, 0, 0]})
    assert calibration.forecast(program([act("rename"), act("touch")])).steps == ((5.0, 1.0),)


def test_few_examples_suffice_for_equal_programs() -> None:
    assert [index for index, _ in examples(lambda index: program([LOAD]))] == [0, 1, 2, 3]


def test_examples_are_added_until_each_kind_occurs_twice() -> None:
    def draw(index: int) -> Program:
        return program([act("rare")]) if index in (50, 70, 90) else program([LOAD])

    assert [index for index, _ in examples(draw)] == [0, 1, 2, 3, 50, 70]


def test_the_number_of_examples_is_limited() -> None:
    assert len(list(examples(lambda index: program([act(str(index))])))) == 16


class Runs:
    """Runs programs of one lane in which each operation is three steps."""

    def __init__(self, inconclusive_from: int = 99) -> None:
        self.inconclusive_from = inconclusive_from
        self.ran: list[int] = []

    def __call__(self, index: int, drawn: Program, strategy: Strategy) -> Outcome:
        strategy.begin(random.Random(index), 1)
        for op in range(len(drawn.lanes[0].ops)):
            for ordinal, words in enumerate((("openat", "T.lock"), ("read", "T"), ("close", "T"))):
                assert strategy.pick([Candidate(0, op, ordinal, *words, False)]) == 0
        self.ran.append(index)
        reason = "hangs" if len(self.ran) > self.inconclusive_from else ""
        return Outcome(Absent, (End(Absent, inconclusive=reason),), {})


def test_steps_are_counted_by_their_subject() -> None:
    forecast = calibrate(lambda index: program([LOAD, WRITE]), Runs()).forecast(program([LOAD]))
    assert (forecast.steps, forecast.visible) == (((3.0,),), ((2.0,),))
    assert (forecast.transcript, forecast.lock) == (((1.0,),), ((1.0,),))


@pytest.mark.parametrize("known", [0, 2])
def test_a_fence_that_hangs_ends_the_calibration(known: int) -> None:
    runs = Runs(known)
    forecast = calibrate(lambda index: program([LOAD]), runs).forecast(program([LOAD]))
    assert runs.ran == list(range(known + 1))
    assert forecast.steps == ((3.0 if known else 0.0,),)
