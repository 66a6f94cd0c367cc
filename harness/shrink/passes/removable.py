"""What of a program may be left out without asking a fence for what no lawful caller asks.

A turn stands or falls as a whole, so does what is between acquire and release: a fence
may rely on the order of calls that `fence.protocol` promises.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.history import IDLE
from harness.model.program import LaneProgram, Op
from harness.shrink.candidate import Case, cut

__all__ = ["Unit", "single_ops", "units_of", "without"]

#: Operations of one lane that go together: (lane, indices).
Unit = tuple[int, tuple[int, ...]]

#: What a caller may as well not have called.
_OPTIONAL = IDLE | {"append", "guarded_write", "recover", "rewrite", "action"}


def units_of(number: int, lane: LaneProgram) -> list[Unit]:
    """Turns, critical sections and actions of a lane; sections inside a turn besides."""
    whole: dict[tuple[str, int], list[int]] = {}
    inside: dict[tuple[str, int], list[int]] = {}
    for index, op in enumerate(lane.ops):
        whole.setdefault(_key(op), []).append(index)
        if op.turn >= 0 and op.route == "writer":
            inside.setdefault(("group", op.group), []).append(index)
    return [(number, tuple(ops)) for ops in (*whole.values(), *inside.values())]


def _key(op: Op) -> tuple[str, int]:
    return ("turn", op.turn) if op.turn >= 0 else ("group", op.group)


def single_ops(number: int, lane: LaneProgram) -> list[Unit]:
    """Operations that may be left out one by one."""
    return [(number, (index,)) for index, op in enumerate(lane.ops) if op.kind in _OPTIONAL]


def without(case: Case, gone: Iterable[Unit]) -> Case:
    """The case less some of its operations."""
    kept = [set(range(len(lane.ops))) for lane in case.program.lanes]
    for lane, ops in gone:
        kept[lane] -= set(ops)
    return cut(case, kept)
