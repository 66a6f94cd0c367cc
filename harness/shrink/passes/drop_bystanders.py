"""First pass: leave out everything at once that the violation does not name."""

from __future__ import annotations

from collections.abc import Generator

from harness.model.history import IDLE, Step, program_op
from harness.shrink.passes.removable import Removable, removable_sections, without
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["drop_bystanders"]


def drop_bystanders(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Keep only the parts that hold the violation and its causes, with and without waits."""
    named = {(best.violation.lane, program_op(best.violation.op))}
    for at in best.violation.causes:
        event = best.history.events[at]
        if isinstance(event, Step):
            named.add((event.lane, program_op(event.op)))
    gone: list[Removable] = []
    idle: list[Removable] = []
    for number, lane in enumerate(best.program.lanes):
        for one in removable_sections(number, lane):
            if not any((number, op) in named for op in one[1]):
                gone.append(one)
        idle.append((number, tuple(index for index, op in enumerate(lane.ops) if op.kind in IDLE)))
    for proposal in ([*gone, *idle], gone, idle):
        answer = yield without(best.variant, proposal)
        if answer.better is not None:
            return
