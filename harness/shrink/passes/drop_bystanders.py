"""First of all: leave out at one stroke everything that the oracle's words do not name."""

from __future__ import annotations

from collections.abc import Generator

from harness.model.history import IDLE, Step
from harness.shrink.candidate import Case, Shown
from harness.shrink.passes.removable import Unit, units_of, without
from harness.shrink.shrink_pass import Answer

__all__ = ["bystanders"]


def bystanders(shown: Shown) -> Generator[Case, Answer, None]:
    """Keep the units in which the violation and its causes lie, with and without their waits."""
    named = {(shown.violation.lane, shown.violation.op)}
    for at in shown.violation.causes:
        event = shown.history.events[at]
        if isinstance(event, Step):
            named.add((event.lane, event.op))
    gone: list[Unit] = []
    idle: list[Unit] = []
    for number, lane in enumerate(shown.program.lanes):
        for unit in units_of(number, lane):
            if not any((number, op) in named for op in unit[1]):
                gone.append(unit)
        idle.append((number, tuple(index for index, op in enumerate(lane.ops) if op.kind in IDLE)))
    for proposal in ([*gone, *idle], gone, idle):
        answer = yield without(shown.case, proposal)
        if answer.better is not None:
            return
