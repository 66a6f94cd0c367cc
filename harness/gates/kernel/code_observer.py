"""Collect what the code of the lanes does in a schedule: the line of each step, and what is printed.

Only `harness.gates.kernel.observed_gate` has one. It is told of every granted step and of every write, and
makes no lane wait.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections import deque
from collections.abc import Sequence

import msgspec

from fence.external.adapter import STDERR
from harness.gates.kernel.lane import Lane, TraceeThread
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.stack_dumps import place_of
from harness.model.code_trace import KEPT_BYTES, NO_PLACE, CodeTrace, Place, Printed, Stack

__all__ = ["CodeObserver"]

_STREAMS = (1, 2)
#: Of one call; the rest of it counts as left out.
_CALL_MAX = 4 * KEPT_BYTES
_IOVEC = struct.Struct("=QQ")
_IOVECS_MAX = 64


class _Piece(msgspec.Struct):
    """Output of one lane in one step to one stream, and the number of bytes before it that were left out."""

    op: int
    step: int
    stream: int
    data: bytes
    place: Place | None
    left_out: int = 0


class _Output:
    """The first and the last bytes that one lane prints."""

    def __init__(self) -> None:
        self._first: list[_Piece] = []
        self._last: deque[_Piece] = deque()
        self._room = KEPT_BYTES
        self._kept_last = 0
        self._left_out = 0

    def add(self, piece: _Piece) -> None:
        head, tail = piece.data[: self._room], piece.data[self._room :]
        if head:
            self._room -= len(head)
            _append(self._first, msgspec.structs.replace(piece, data=head))
        if tail:
            self._kept_last += len(tail)
            _append(self._last, msgspec.structs.replace(piece, data=tail))
        while self._kept_last > KEPT_BYTES:
            oldest = self._last[0]
            cut = min(len(oldest.data), self._kept_last - KEPT_BYTES)
            oldest.data = oldest.data[cut:]
            self._kept_last -= cut
            self._left_out += cut
            if not oldest.data:
                self._last.popleft()

    def pieces(self) -> list[_Piece]:
        if self._last:
            self._last[0].left_out = self._left_out
        return [*self._first, *self._last]


def _append(pieces: list[_Piece] | deque[_Piece], piece: _Piece) -> None:
    """Add a piece to the last one, if it is of the same step, stream and line."""
    if pieces:
        last = pieces[-1]
        if (last.op, last.step, last.stream, last.place) == (
            piece.op,
            piece.step,
            piece.stream,
            piece.place,
        ):
            last.data += piece.data
            return
    pieces.append(piece)


class CodeObserver:
    """Collects the code trace of one schedule after the other."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start a schedule."""
        self._places: dict[Place, int] = {}
        self._known: dict[tuple[str, int, str], Place] = {}
        self._steps: list[int] = []
        self._lines: list[int] = []
        self._calls: list[str] = []
        self._outputs: dict[int, _Output] = {}

    @property
    def steps(self) -> int:
        """Return how many steps were granted."""
        return len(self._steps)

    def granted(self, lane: Lane) -> None:
        """Take in that a lane is about to take a step."""
        assert lane.worker is not None
        self._lines.append(lane.worker.board.code.line(lane.index)[3])
        place = self._place(lane)
        self._steps.append(NO_PLACE if place is None else self._places.setdefault(place, len(self._places)))

    def _place(self, lane: Lane) -> Place | None:
        """Return the line that a lane is in; None for none."""
        assert lane.worker is not None
        file, line, function, _ = lane.worker.board.code.line(lane.index)
        if not file:
            return None
        key = file, line, function
        if key not in self._known:
            self._known[key] = place_of(*key)
        return self._known[key]

    def finished(self, call: str) -> None:
        """Take in that the step granted last is over, and what its call was."""
        self._calls.append(call)

    def wrote(self, pending: PendingSyscall) -> None:
        """Keep what a call writes, if it is a lane's that prints."""
        fd = pending.args[0]
        if pending.call.name not in ("write", "writev") or fd not in _STREAMS:
            return
        task = pending.process.tasks.get(pending.tid)
        lane = (task.lane or task.tracee.lane) if isinstance(task, TraceeThread) else task
        if not isinstance(lane, Lane) or lane.worker is None or not _is_kept(pending.process.pid, fd):
            return
        with contextlib.suppress(OSError):
            op = lane.worker.board.started(lane.index) - 1
            output = self._outputs.setdefault(lane.index, _Output())
            place = None if isinstance(task, TraceeThread) else self._place(lane)
            output.add(_Piece(op, self.steps - 1, fd, _written(pending), place))

    def trace(self, lanes: Sequence[Lane], stacks: Sequence[Stack]) -> CodeTrace:
        """Return what was collected.

        Args:
            lanes: all of them.
            stacks: of those that did not come to their end.
        """
        printed = [
            Printed(lane, one.op, one.step, one.stream, _text(one.data), one.left_out, one.place)
            for lane, output in sorted(self._outputs.items())
            for one in output.pieces()
        ]
        raised = [
            one
            for lane in lanes
            if lane.worker is not None
            for one in lane.worker.board.code.raised(lane.index)
        ]
        return CodeTrace(
            tuple(self._places),
            tuple(self._steps),
            tuple(sorted(printed, key=lambda one: one.step)),
            tuple(raised),
            tuple(stacks),
            tuple(self._lines),
            tuple(self._calls),
        )


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _is_kept(pid: int, fd: int) -> bool:
    """Return whether what is written to a descriptor is output of a lane, and not read by a program.

    Standard output and error of a worker lead to the null device, those of an adapter to a file.
    """
    with contextlib.suppress(OSError):
        behind = os.readlink(f"/proc/{pid}/fd/{fd}")
        return behind == os.devnull or STDERR in behind
    return False


def _written(pending: PendingSyscall) -> bytes:
    _, address, length, *_ = pending.args
    memory = pending.process.memory
    if pending.call.name == "write":
        return memory.read(address, min(length, _CALL_MAX))
    vector = memory.read(address, _IOVEC.size * min(length, _IOVECS_MAX))
    return b"".join(memory.read(at, min(size, _CALL_MAX)) for at, size in _IOVEC.iter_unpack(vector))
