"""Provide the memory in which a worker tells its supervisor where the code of its lanes is.

A worker writes to it only where code traces are collected (`harness.lanes.line_tracer`), without a system
call. For each lane: the line that it is in, and the exceptions that its operations ended with.
"""

from __future__ import annotations

import mmap
import struct

import msgspec

from harness.model.code_trace import Raised

__all__ = ["CodeMemory"]

#: Lines begun, line, length of the file's name, length of the function's name.
_SLOT = struct.Struct("=IIHH")
_SLOT_SIZE, _NAME_MAX = 1024, 500
_RAISED = struct.Struct("=I")
_RAISED_SIZE = 24_576
_LANE_SIZE = _SLOT_SIZE + _RAISED_SIZE
#: Behind the lanes: whether a user is at work in a debugger.
_ATTENDED_SIZE = 8

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Raised).decode


class CodeMemory:
    """Shared memory with the position of the code of a process's lanes; made before the process is forked.

    Args:
        lanes: how many lanes there may be.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        # Pages take no memory until they are written to.
        self._map = mmap.mmap(-1, lanes * _LANE_SIZE + _ATTENDED_SIZE)
        self._used = [0] * lanes

    # Supervisor

    def clear(self) -> None:
        """Forget the last schedule. A search does not: nothing is written there."""
        for lane in range(self._lanes):
            at = lane * _LANE_SIZE
            self._map[at : at + _SLOT.size] = bytes(_SLOT.size)
            _RAISED.pack_into(self._map, at + _SLOT_SIZE, 0)

    @property
    def attended(self) -> bool:
        """Return whether a lane stands in a debugger, which waits for its user."""
        return self._map[self._lanes * _LANE_SIZE] != 0

    def line(self, lane: int) -> tuple[str, int, str, int]:
        """Return the line that a lane is in.

        Returns:
            File, line and function, and how many lines it has begun; an empty file for none.
        """
        at = lane * _LANE_SIZE
        count, line, file, function = _SLOT.unpack_from(self._map, at)
        start = at + _SLOT.size
        names = self._map[start : start + file], self._map[start + file : start + file + function]
        return names[0].decode(errors="replace"), line, names[1].decode(errors="replace"), count

    def raised(self, lane: int) -> list[Raised]:
        """Return the exceptions that the operations of a lane ended with, in order."""
        found = []
        at = lane * _LANE_SIZE + _SLOT_SIZE
        end = at + _RAISED_SIZE
        at += _RAISED.size
        for _ in range(_RAISED.unpack_from(self._map, at - _RAISED.size)[0]):
            (length,) = _RAISED.unpack_from(self._map, at)
            found.append(_decode(self._map[at + _RAISED.size : at + _RAISED.size + length]))
            at += _RAISED.size + length
            assert at <= end, lane
        return found

    # Worker

    def attend(self, on: bool) -> None:
        """Record that a lane stands in a debugger, or does no more."""
        self._map[self._lanes * _LANE_SIZE] = on

    def locate(self, lane: int, count: int, line: int, file: bytes, function: bytes) -> None:
        """Record the line that a lane is in.

        Args:
            lane: which.
            count: how many lines it has begun.
            line: its number.
            file, function: names.
        """
        file, function = file[:_NAME_MAX], function[:_NAME_MAX]
        at = lane * _LANE_SIZE
        start = at + _SLOT.size
        names = file + function
        self._map[start : start + len(names)] = names
        _SLOT.pack_into(self._map, at, count, line, len(file), len(function))

    def nowhere(self, lane: int, count: int) -> None:
        """Record that a lane is in no line of a fence."""
        _SLOT.pack_into(self._map, lane * _LANE_SIZE, count, 0, 0, 0)

    def record(self, raised: Raised) -> None:
        """Record an exception; one for which there is no room is left out."""
        at = raised.lane * _LANE_SIZE + _SLOT_SIZE
        (count,) = _RAISED.unpack_from(self._map, at)
        used = self._used[raised.lane] if count else _RAISED.size
        data = _encode(raised)
        if used + _RAISED.size + len(data) > _RAISED_SIZE:
            return
        _RAISED.pack_into(self._map, at + used, len(data))
        start = at + used + _RAISED.size
        self._map[start : start + len(data)] = data
        self._used[raised.lane] = used + _RAISED.size + len(data)
        _RAISED.pack_into(self._map, at, count + 1)
