"""Learns once for a scenario and a fence how many steps each kind of operation takes.

Before the first schedule that counts, a few schedules of the same scenario, fence and seed are
run round robin, and the steps of each kind of operation are averaged. The programs alone decide
which schedules these are, so every explorer learns the same. They are as many as show each kind of
operation, up to a limit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from harness.model.gate import Candidate, Outcome
from harness.model.program import LaneProgram, Op, Program
from harness.strategies.forecast import Forecast
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT, is_inert, subject
from harness.strategies.round_robin import RoundRobin
from harness.strategies.strategy import Strategy

__all__ = ["Calibration", "calibrate", "examples"]

_EXAMPLES_MAX = 16
_EXAMPLES_MIN = 4
#: Programs among which the examples are chosen.
_PROGRAMS = 128
#: How often each kind of operation should occur.
_SEEN_ENOUGH = 2

Kind = tuple[str, str, str, str]
#: As the fields of a `Forecast`.
Lengths = list[float]
_CLASSES = 4


def _kind(lane: LaneProgram, op: Op) -> Kind:
    return lane.role, op.kind, op.how, op.route


class _Counting(RoundRobin):
    """Round robin that counts the steps of each operation."""

    def begin(self, rng: random.Random, lanes: int) -> None:
        super().begin(rng, lanes)
        self.counts: dict[tuple[int, int], Lengths] = {}

    def pick(self, candidates: Sequence[Candidate]) -> int:
        place = super().pick(candidates)
        picked = candidates[place]
        count = self.counts.setdefault((picked.lane, picked.op), [0, 0, 0, 0])
        count[0] += 1
        count[1] += not is_inert(picked)
        about = subject(picked)
        count[2] += about == TRANSCRIPT
        count[3] += about == LOCK
        return place


class Calibration:
    """Mean lengths by kind of operation."""

    def __init__(self) -> None:
        self._sums: dict[Kind, Lengths] = {}
        self._times: dict[Kind, int] = {}
        #: Why not all examples were run; elsewhere the same calibration may then come out differently.
        self.doubt = ""
        #: Whether a lane did not stop.
        self.hung = False

    def learn(self, program: Program, counts: dict[tuple[int, int], Lengths]) -> None:
        """Add the counts of one schedule.

        Args:
            program: what was run.
            counts: by lane and operation, each in the order of a forecast's fields.
        """
        for lane, lane_program in enumerate(program.lanes):
            for number, op in enumerate(lane_program.ops):
                kind = _kind(lane_program, op)
                self._times[kind] = self._times.get(kind, 0) + 1
                sums = self._sums.setdefault(kind, [0.0] * _CLASSES)
                for place, count in enumerate(counts.get((lane, number), (0,) * _CLASSES)):
                    sums[place] += count

    def forecast(self, program: Program) -> Forecast:
        """Return the expected steps of a program; an operation never seen counts as an average one."""
        lengths = [[self._length(lane, op) for op in lane.ops] for lane in program.lanes]
        return Forecast(
            *(tuple(tuple(op[place] for op in lane) for lane in lengths) for place in range(_CLASSES))
        )

    def _length(self, lane: LaneProgram, op: Op) -> Sequence[float]:
        if op.kind == "think":
            return float(op.steps), 0.0, 0.0, 0.0
        kind = _kind(lane, op)
        times = self._times.get(kind, 0)
        if times:
            return [total / times for total in self._sums[kind]]
        all_times = sum(self._times.values()) or 1
        return [sum(sums[place] for sums in self._sums.values()) / all_times for place in range(_CLASSES)]


def examples(draw: Callable[[int], Program]) -> Iterator[tuple[int, Program]]:
    """Yield numbers and programs of the schedules to learn from; a function of the programs alone.

    Args:
        draw: the program of a schedule by its number.
    """
    seen: dict[Kind, int] = {}
    taken = 0
    for index in range(_PROGRAMS):
        if taken == _EXAMPLES_MAX:
            return
        program = draw(index)
        kinds = {_kind(lane, op) for lane in program.lanes for op in lane.ops}
        if taken < _EXAMPLES_MIN or any(seen.get(kind, 0) < _SEEN_ENOUGH for kind in kinds):
            taken += 1
            for kind in kinds:
                seen[kind] = seen.get(kind, 0) + 1
            yield index, program


def calibrate(
    draw: Callable[[int], Program], run: Callable[[int, Program, Strategy], Outcome]
) -> Calibration:
    """Run a few schedules, and return what was learned from them.

    Args:
        draw: the program of a schedule by its number.
        run: runs one.
    """
    calibration, strategy = Calibration(), _Counting()
    for index, program in examples(draw):
        outcome = run(index, program, strategy)
        if outcome.end.inconclusive:
            # A fence that hangs costs the gate's whole patience each time.
            calibration.hung = bool(outcome.stuck)
            stuck = f"; {outcome.stuck}" if outcome.stuck else ""
            calibration.doubt = (
                f"{outcome.end.inconclusive}{stuck} (round robin, program {index}, run beforehand)"
            )
            break
        calibration.learn(program, strategy.counts)
    return calibration
