"""Standard outputs of programs that print a line where an operation of theirs begins, and where it ends.

The supervisor reads them when their lane is at rest, after each step. Nothing else can have moved since
the line was written, so it belongs behind the step.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from harness.gates.kernel.handed_descriptors import hand_over
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.reactions import Answer
from harness.model.program import Op, Program
from harness.system.machine_limits import check_descriptor

__all__ = ["MarkedOutputs", "Marker"]

_CHUNK = 1 << 16
#: More than a pipe holds; a program that writes without end must not keep its reader.
_CHUNKS_MAX = 64
#: The rest of a longer line is not looked at.
_LINE_MAX = 1000


class Marker(NamedTuple):
    """A line by which a program says that an operation begins, or ends.

    Attributes:
        ends: whether it ends.
        id: what the expression's group found.
    """

    ends: bool
    id: str


class _Output:
    def __init__(self, reading: int, op: Op) -> None:
        self.reading = reading
        self._begins, self._ends = re.compile(op.begins), re.compile(op.ends)
        self._left = b""
        self._found: list[Marker] = []

    def drain(self) -> bool:
        """Take in what was written, a part of it where that does not end; return whether anything was."""
        for chunks in range(_CHUNKS_MAX):
            try:
                chunk = os.read(self.reading, _CHUNK)
            except BlockingIOError:
                return chunks > 0
            if not chunk:
                return chunks > 0
            *lines, left = (self._left + chunk).split(b"\n")
            self._found += [marker for line in lines if (marker := self._marker_in(line)) is not None]
            self._left = left[:_LINE_MAX]
        return True

    def take(self) -> list[Marker]:
        self.drain()
        found, self._found = self._found, []
        return found

    def _marker_in(self, line: bytes) -> Marker | None:
        text = line[:_LINE_MAX].decode("utf-8", "replace").rstrip("\r")
        for ends, expression in ((False, self._begins), (True, self._ends)):
            found = expression.search(text)
            if found is not None and found[1]:
                return Marker(ends, found[1])
        return None


class MarkedOutputs:
    """The outputs of one schedule, by lane and operation.

    Attributes:
        any: whether one has been opened.
    """

    def __init__(self) -> None:
        self.any = False
        self._program: Program | None = None
        self._open: dict[tuple[int, int], _Output] = {}

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        self._program = program

    def close(self) -> None:
        """Close all, for the schedule is over."""
        for output in self._open.values():
            os.close(output.reading)
        self._open.clear()
        self.any = False

    def open(self, pending: PendingSyscall, lane: int, op: int) -> Answer:
        """Answer a lane that wants a standard output for the program of an operation, with its descriptor.

        Raises:
            Shortage: this process may not have so many descriptors.
            OSError: the machine has none.
        """
        assert self._program is not None
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            check_descriptor(reading)
            os.set_blocking(reading, False)
            self.any = True
            self._open[lane, op] = _Output(reading, self._program.lanes[lane].ops[op])
            return Answer(hand_over(pending, writing))
        finally:
            os.close(writing)

    def drain(self) -> bool:
        """Read what was written to any; return whether anything was."""
        return any([output.drain() for output in self._open.values()])

    def take(self, lane: int, op: int) -> list[Marker]:
        """Return the markers that the program of an operation has printed since the last call."""
        output = self._open.get((lane, op))
        return output.take() if output is not None else []
