"""Say which parts of a program may be left out so that the rest is still a lawful caller.

A turn is removed as a whole, and so is a section from acquire to release: a fence may rely on
the order of calls that `fence.protocol` promises.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.history import IDLE
from harness.model.program import LaneProgram, Op
from harness.shrink.variant import Variant, cut

__all__ = ["Removable", "removable_ops", "removable_sections", "without"]

#: Operations of one lane that are removed together: (lane, indices).
Removable = tuple[int, tuple[int, ...]]

#: Operations that a caller need not call.
_OPTIONAL = IDLE | {"append", "guarded_write", "recover", "rewrite", "action"}


def removable_sections(number: int, lane: LaneProgram) -> list[Removable]:
    """Return the turns, critical sections and actions of a lane, and the sections inside turns."""
    whole: dict[tuple[str, int], list[int]] = {}
    inside: dict[tuple[str, int], list[int]] = {}
    for index, op in enumerate(lane.ops):
        whole.setdefault(_key(op), []).append(index)
        if op.turn >= 0 and op.route == "writer":
            inside.setdefault(("group", op.group), []).append(index)
    return [(number, tuple(ops)) for ops in (*whole.values(), *inside.values())]


def _key(op: Op) -> tuple[str, int]:
    return ("turn", op.turn) if op.turn >= 0 else ("group", op.group)


def removable_ops(number: int, lane: LaneProgram) -> list[Removable]:
    """Return the operations of a lane that may be left out one by one."""
    return [(number, (index,)) for index, op in enumerate(lane.ops) if op.kind in _OPTIONAL]


def without(variant: Variant, gone: Iterable[Removable]) -> Variant:
    """Return the variant without some of its operations."""
    kept = [set(range(len(lane.ops))) for lane in variant.program.lanes]
    for lane, ops in gone:
        kept[lane] -= set(ops)
    return cut(variant, kept)
