"""Leave out turns, critical sections and actions."""

from __future__ import annotations

from collections.abc import Generator

from harness.model.history import program_op
from harness.shrink.passes.removable import Removable, removable_sections, without
from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["fewer_groups"]


def fewer_groups(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out whole turns, sections and actions, except the one that shows the violation."""
    place = (best.violation.lane, program_op(best.violation.op))
    removable = [
        one
        for number, lane in enumerate(best.program.lanes)
        for one in removable_sections(number, lane)
        if place[0] != number or place[1] not in one[1]
    ]

    def build(kept: list[Removable]) -> Variant:
        return without(best.variant, [one for one in removable if one not in kept])

    yield from fewer(removable, build)
