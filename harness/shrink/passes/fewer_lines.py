"""Leave out lines of an operation; one stays, since no caller appends none."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from harness.model.program import LaneProgram, Op
from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["fewer_lines"]

#: (lane, operation, place in it).
_Place = tuple[int, int, int]


def fewer_lines(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out lines of operations that have several."""
    places = [
        (number, index, at)
        for number, lane in enumerate(best.program.lanes)
        for index, op in enumerate(lane.ops)
        if len(op.entries) > 1
        for at in range(len(op.entries))
    ]

    def build(kept: list[_Place]) -> Variant:
        return _with(best.variant, set(places) - set(kept))

    yield from fewer(places, build)


def _with(variant: Variant, gone: set[_Place]) -> Variant:
    def lane(number: int, program: LaneProgram) -> LaneProgram:
        ops = tuple(op(number, index, one) for index, one in enumerate(program.ops))
        return msgspec.structs.replace(program, ops=ops)

    def op(number: int, index: int, one: Op) -> Op:
        left = tuple(entry for at, entry in enumerate(one.entries) if (number, index, at) not in gone)
        return msgspec.structs.replace(one, entries=left or one.entries[:1])

    lanes = tuple(lane(number, program) for number, program in enumerate(variant.program.lanes))
    return Variant(msgspec.structs.replace(variant.program, lanes=lanes), variant.choices)
