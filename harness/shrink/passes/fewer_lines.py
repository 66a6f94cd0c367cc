"""Fewer lines in an operation; one stays, since nobody calls for none."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from harness.model.program import LaneProgram, Op
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer, fewer

__all__ = ["entries"]

#: (lane, operation, place in it).
_Place = tuple[int, int, int]


def entries(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out lines of operations that have more than one."""
    places = [
        (number, index, at)
        for number, lane in enumerate(shown.program.lanes)
        for index, op in enumerate(lane.ops)
        if len(op.entries) > 1
        for at in range(len(op.entries))
    ]

    def build(kept: list[_Place]) -> Case:
        return _with(shown.case, set(places) - set(kept))

    yield from fewer(places, build)


def _with(case: Case, gone: set[_Place]) -> Case:
    def lane(number: int, program: LaneProgram) -> LaneProgram:
        ops = tuple(op(number, index, one) for index, one in enumerate(program.ops))
        return msgspec.structs.replace(program, ops=ops)

    def op(number: int, index: int, one: Op) -> Op:
        left = tuple(entry for at, entry in enumerate(one.entries) if (number, index, at) not in gone)
        return msgspec.structs.replace(one, entries=left or one.entries[:1])

    lanes = tuple(lane(number, program) for number, program in enumerate(case.program.lanes))
    return Case(msgspec.structs.replace(case.program, lanes=lanes), case.choices)
