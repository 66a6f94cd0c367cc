"""Leave out lanes."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.passes.removable import without
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["fewer_lanes"]


def fewer_lanes(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out one lane after the other, the last first, and the one of the violation at the end.

    Even that lane may go: a lane that waits for a lock that was left behind is not needed to
    show the lock.
    """
    gone: list[int] = []
    busy = [number for number, lane in enumerate(best.program.lanes) if lane.ops]
    for number in sorted(busy, key=lambda number: (number == best.violation.lane, -number)):
        trial = [*gone, number]
        if len(trial) == len(busy):
            return
        removable = [(lane, tuple(range(len(best.program.lanes[lane].ops)))) for lane in trial]
        answer = yield without(best.variant, removable)
        if answer.better is not None:
            gone = trial
