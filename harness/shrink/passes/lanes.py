"""Fewer lanes."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.case import Case, Shown
from harness.shrink.passes.units import without
from harness.shrink.protocol import Answer

__all__ = ["lanes"]


def lanes(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out one whole lane after the other, the last first."""
    gone: list[int] = []
    for number in reversed(range(len(shown.program.lanes))):
        if not shown.program.lanes[number].ops or number == shown.violation.lane:
            continue
        trial = [*gone, number]
        units = [(lane, tuple(range(len(shown.program.lanes[lane].ops)))) for lane in trial]
        answer = yield without(shown.case, units)
        if answer.better is not None:
            gone = trial
