"""Fewer faults: what goes right need not be told."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import msgspec

from harness.model.history import Step
from harness.model.program import LaneProgram, Op
from harness.model.schedule import Choice
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer, fewer

__all__ = ["faults"]

#: (lane, operation, place among its faults).
_Place = tuple[int, int, int]


def faults(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out faults, and with a process fault the step that it took."""
    places = [
        (number, index, at)
        for number, lane in enumerate(shown.program.lanes)
        for index, op in enumerate(lane.ops)
        for at in range(len(op.faults))
    ]

    def build(kept: list[_Place]) -> Case:
        return _without(shown, set(places) - set(kept))

    yield from fewer(places, build)


def _without(shown: Shown, gone: set[_Place]) -> Case:
    def lane(number: int, program: LaneProgram) -> LaneProgram:
        ops = tuple(op(number, index, one) for index, one in enumerate(program.ops))
        return msgspec.structs.replace(program, ops=ops)

    def op(number: int, index: int, one: Op) -> Op:
        left = tuple(fault for at, fault in enumerate(one.faults) if (number, index, at) not in gone)
        return one if len(left) == len(one.faults) else msgspec.structs.replace(one, faults=left)

    lanes = tuple(lane(number, program) for number, program in enumerate(shown.program.lanes))
    program = msgspec.structs.replace(shown.program, lanes=lanes)
    spared = {(number, index) for number, index, _ in gone if not lanes[number].ops[index].faults}
    return Case(program, _counted_anew(shown.choices, shown.steps(), spared))


def _counted_anew(
    choices: Sequence[Choice], steps: Sequence[Step], spared: set[tuple[int, int]]
) -> tuple[Choice, ...]:
    """The choices without those that were process faults of some operations."""
    missing: dict[tuple[int, int], int] = {}
    left = []
    for choice, step in zip(choices, steps, strict=True):
        key = (choice.lane, choice.op)
        if key in spared and step.is_process_fault:
            missing[key] = missing.get(key, 0) + 1
        else:
            left.append(Choice(choice.lane, choice.op, choice.ordinal - missing.get(key, 0)))
    return tuple(left)
