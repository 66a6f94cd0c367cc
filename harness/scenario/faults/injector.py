"""Tells, step by step, whether a fault of the program is due.

A fault is keyed by its operation and counts that operation's steps of one name on one
kind of file. It needs nothing else, so that the same program under the same schedule
meets the same faults, and one under another schedule or fence the nearest thing.
"""

from __future__ import annotations

import msgspec

from harness.model.program import Fault, Program
from harness.scenario.faults.names import OTHER_FORMS
from harness.scenario.faults.process_fault import ProcessFault
from harness.scenario.faults.registry import PROCESS_FAULTS

__all__ = ["Due", "Injector"]

_TRANSCRIPT = "T"
_BETWEEN = " > "


class Due(msgspec.Struct, frozen=True):
    """The fault that is to strike a call.

    Args:
        error: name of the errno that it fails with, unless it is cut short.
        keep_permille: at least 0: it is cut short to so much.
        process_fault: name of the process fault that happens instead of the call.
        duration_ms: of virtual time, for one that lasts.
    """

    error: str = ""
    keep_permille: int = -1
    process_fault: str = ""
    duration_ms: int = 0


class _Watch:
    """One fault, and how many of its calls have come."""

    __slots__ = ("calls", "fault", "kind", "process_fault", "seen")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.calls = (fault.call, *OTHER_FORMS.get(fault.call, ()))
        self.seen = 0
        self.kind: ProcessFault | None = None
        self.process_fault: Due | None = None
        for key, duration_ms in fault.process_faults().items():
            self.kind = PROCESS_FAULTS[key]
            self.process_fault = Due("", fault.keep_permille, self.kind.name, duration_ms)
            break

    def meet(self, call: str, path: str) -> Due | None:
        fault, kind = self.fault, self.kind
        if (fault.call and call not in self.calls) or not _is_on(fault.file, path):
            return None
        if kind is not None and kind.calls_only and not path:
            # It waits for its model, or sleeps: that is no business of the disk's.
            return None
        self.seen += 1
        if kind is not None:
            due = self.seen == fault.nth or (kind.repeats and self.seen > fault.nth)
            return self.process_fault if due else None
        if fault.keep_permille < 0:
            return Due(fault.error) if self.seen == fault.nth else None
        if self.seen == fault.nth:
            return Due(keep_permille=fault.keep_permille)
        return Due(fault.error) if fault.error and self.seen == fault.nth + 1 else None


class Injector:
    """The faults of one schedule.

    Args:
        program: where they stand.

    Attributes:
        planned: whether there are any.
    """

    def __init__(self, program: Program) -> None:
        self._watches = {
            (lane, number): [_Watch(fault) for fault in op.faults]
            for lane, does in enumerate(program.lanes)
            for number, op in enumerate(does.ops)
            if op.faults
        }
        self.planned = bool(self._watches)
        #: Lanes that still stand before the call at which something happened to them.
        self._struck: set[int] = set()

    def due(self, lane: int, op: int, call: str, path: str) -> Due | None:
        """Return the fault that strikes a call which is about to be let go; ask once for each step.

        Nothing more happens to a call that comes after a process_fault.

        Args:
            lane: index of the lane.
            op: index of its operation.
            call: name of the system call.
            path: alias of what it touches; two of them for a rename or a link.

        Returns:
            None when it runs.
        """
        if lane in self._struck:
            self._struck.discard(lane)
            return None
        found = None
        for watch in self._watches.get((lane, op), ()):
            due = watch.meet(call, path)
            found = found or due
        if found is not None and found.process_fault:
            self._struck.add(lane)
        return found


def _is_on(file: str, path: str) -> bool:
    if file == "any":
        return True
    parts = path.split(_BETWEEN)
    if file == "transcript":
        return _TRANSCRIPT in parts
    return bool(path) and _TRANSCRIPT not in parts and ("lock" in path) is (file == "lock")
