"""Fewer turns, critical sections and actions."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.candidate import Case, Shown
from harness.shrink.passes.removable import Unit, units_of, without
from harness.shrink.shrink_pass import Answer, fewer

__all__ = ["groups"]


def groups(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out what stands or falls together, but not that in which the violation shows."""
    place = (shown.violation.lane, shown.violation.op)
    units = [
        unit
        for number, lane in enumerate(shown.program.lanes)
        for unit in units_of(number, lane)
        if place[0] != number or place[1] not in unit[1]
    ]

    def build(kept: list[Unit]) -> Case:
        return without(shown.case, [unit for unit in units if unit not in kept])

    yield from fewer(units, build)
