"""Leave out operations one by one."""

from __future__ import annotations

from collections.abc import Generator

from harness.model.history import program_op
from harness.shrink.passes.removable import Removable, removable_ops, without
from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["fewer_operations"]


def fewer_operations(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out operations that a lawful caller need not call."""
    place = (best.violation.lane, program_op(best.violation.op))
    removable = [
        one
        for number, lane in enumerate(best.program.lanes)
        for one in removable_ops(number, lane)
        if place != (number, one[1][0])
    ]

    def build(kept: list[Removable]) -> Variant:
        return without(best.variant, [one for one in removable if one not in kept])

    yield from fewer(removable, build)
