"""Fewer operations, one by one."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.candidate import Case, Shown
from harness.shrink.passes.removable import Unit, single_ops, without
from harness.shrink.shrink_pass import Answer, fewer

__all__ = ["operations"]


def operations(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out what a lawful caller may as well not have called."""
    place = (shown.violation.lane, shown.violation.op)
    units = [
        unit
        for number, lane in enumerate(shown.program.lanes)
        for unit in single_ops(number, lane)
        if place != (number, unit[1][0])
    ]

    def build(kept: list[Unit]) -> Case:
        return without(shown.case, [unit for unit in units if unit not in kept])

    yield from fewer(units, build)
