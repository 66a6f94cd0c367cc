"""Fewer lanes."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.candidate import Case, Shown
from harness.shrink.passes.removable import without
from harness.shrink.shrink_pass import Answer

__all__ = ["lanes"]


def lanes(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out one whole lane after the other, the last first.

    At the end the one in which the violation shows, too: who waits for a lock that was
    left behind need not be there at all.
    """
    gone: list[int] = []
    busy = [number for number, lane in enumerate(shown.program.lanes) if lane.ops]
    for number in sorted(busy, key=lambda number: (number == shown.violation.lane, -number)):
        trial = [*gone, number]
        if len(trial) == len(busy):
            return
        units = [(lane, tuple(range(len(shown.program.lanes[lane].ops)))) for lane in trial]
        answer = yield without(shown.case, units)
        if answer.better is not None:
            gone = trial
