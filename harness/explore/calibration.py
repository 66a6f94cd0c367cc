"""How many steps each kind of operation takes, learned once for a scenario and a fence.

A few schedules of the same scenario, fence and seed are run round robin before the
first one counts, and the steps of each kind of operation averaged. Which ones is
settled by the programs alone, so that every explorer learns the same: as many as it
takes to see each kind of operation, and no more than so many.
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
_LOOKED_AT = 128
#: How often each kind of operation should be seen.
_SEEN_ENOUGH = 2

Kind = tuple[str, str, str, str]
#: As the fields of a `Forecast`.
Lengths = list[float]
_CLASSES = 4


def _kind(lane: LaneProgram, op: Op) -> Kind:
    return lane.role, op.kind, op.how, op.route


class _Counting(RoundRobin):
    """Round robin that notes whose steps it let go."""

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
        #: Why not all examples were run: then what is drawn by it is not what it would be elsewhere.
        self.doubt = ""

    def learn(self, program: Program, counts: dict[tuple[int, int], Lengths]) -> None:
        """Take in one schedule.

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
        """What the lanes of a program will take; an operation never seen is like the average one."""
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
    """Numbers and programs of the schedules to learn from; a function of the programs alone.

    Args:
        draw: the program of a schedule by its number.
    """
    seen: dict[Kind, int] = {}
    taken = 0
    for index in range(_LOOKED_AT):
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
    """Run a few schedules and learn from them.

    Args:
        draw: the program of a schedule by its number.
        run: runs one.
    """
    calibration, strategy = Calibration(), _Counting()
    for index, program in examples(draw):
        outcome = run(index, program, strategy)
        if outcome.end.inconclusive:
            # A fence that hangs costs the gate's whole patience each time.
            calibration.doubt = f"{outcome.end.inconclusive} (round robin, program {index}, run beforehand)"
            break
        calibration.learn(program, strategy.counts)
    return calibration
