"""Leave out faults that the violation does not need."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import msgspec

from harness.model.history import Step
from harness.model.program import LaneProgram, Op
from harness.model.schedule import Choice
from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["fewer_faults"]

#: (lane, operation, place among its faults).
_Place = tuple[int, int, int]


def fewer_faults(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out faults, together with the step that a process fault took."""
    places = [
        (number, index, at)
        for number, lane in enumerate(best.program.lanes)
        for index, op in enumerate(lane.ops)
        for at in range(len(op.faults))
    ]

    def build(kept: list[_Place]) -> Variant:
        return _without(best, set(places) - set(kept))

    yield from fewer(places, build)


def _without(best: Reproduction, gone: set[_Place]) -> Variant:
    def lane(number: int, program: LaneProgram) -> LaneProgram:
        ops = tuple(op(number, index, one) for index, one in enumerate(program.ops))
        return msgspec.structs.replace(program, ops=ops)

    def op(number: int, index: int, one: Op) -> Op:
        left = tuple(fault for at, fault in enumerate(one.faults) if (number, index, at) not in gone)
        return one if len(left) == len(one.faults) else msgspec.structs.replace(one, faults=left)

    lanes = tuple(lane(number, program) for number, program in enumerate(best.program.lanes))
    program = msgspec.structs.replace(best.program, lanes=lanes)
    spared = {(number, index) for number, index, _ in gone if not lanes[number].ops[index].faults}
    return Variant(program, _renumbered(best.choices, best.steps(), spared))


def _renumbered(
    choices: Sequence[Choice], steps: Sequence[Step], spared: set[tuple[int, int]]
) -> tuple[Choice, ...]:
    """Return the choices without the process faults of some operations, renumbered."""
    missing: dict[tuple[int, int], int] = {}
    left = []
    for choice, step in zip(choices, steps, strict=True):
        key = (choice.lane, choice.op)
        if key in spared and step.is_process_fault:
            missing[key] = missing.get(key, 0) + 1
        else:
            left.append(Choice(choice.lane, choice.op, choice.ordinal - missing.get(key, 0)))
    return tuple(left)
