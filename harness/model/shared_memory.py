"""Provide the memory that a worker process and its supervisor share.

It carries a schedule's program to the worker and the progress of each lane's operations back,
without a system call on either side: the supervisor reads it whenever a lane has stopped. `Clock`
carries virtual time.

Layout (bytes): control words of 32 bits, one outcome byte per operation, one text area per lane, one
byte per operation for the errno behind its outcome, times for the free gate, the diagnostics of an
external fence's adapter, and the program.
"""

from __future__ import annotations

import ctypes
import mmap
import struct

from harness.model.code_memory import CodeMemory

__all__ = ["LANES_MAX", "OPS_MAX", "OUTCOMES", "Clock", "SharedMemory", "cell_of"]

LANES_MAX = 16
OPS_MAX = 400
OUTCOMES = ("ok", "refused", "lock_timeout", "stale_lock", "unsupported", "skipped", "crash", "failed")

_WORDS_PER_LANE = 4
_OUTCOMES_AT = 4096
_TEXT_AT = _OUTCOMES_AT + LANES_MAX * OPS_MAX
_TEXT_SIZE = 16384
_CAUSES_AT = _TEXT_AT + LANES_MAX * _TEXT_SIZE
_TIMES_AT = -(-(_CAUSES_AT + LANES_MAX * OPS_MAX) // 8) * 8
_ERROR_AT = _TIMES_AT + LANES_MAX * OPS_MAX * 16
_ERROR_SIZE = 8192
_LINES_KEPT, _LINE_SIZE = 6, 256
_PROGRAM_AT = _ERROR_AT + _ERROR_SIZE + _LINES_KEPT * _LINE_SIZE
_SIZE = 2 << 20

_RECORD = struct.Struct("=HH")
#: Control words: the lane, counted from 1, whose request runs in the adapter; number of requests that
#: made progress; length of the error message; number of recorded lines; length of the text about a crash, and
#: the lane, counted from 1, that it happened to; the signal by which it did.
_TURN, _PROGRESS, _ERROR, _LINES, _CRASH, _CRASH_LANE, _CRASH_SIGNAL = 2, 3, 4, 5, 6, 7, 8
#: Added to the length of a crash's text: its adapter may have ended in the schedule before.
_LATE = 1 << 16
_CELLS_AT, _CELLS_END = 64, 64 + LANES_MAX * _WORDS_PER_LANE * 4
_NO_PROGRESS = bytes(_CELLS_END - _CELLS_AT)


def cell_of(lane: int) -> int:
    """Return the index of the word that counts a lane's begun operations; the next counts the ended ones."""
    return 16 + _WORDS_PER_LANE * lane


class SharedMemory:
    """The shared memory of one process; created before the process is forked.

    Attributes:
        code: where the code of its lanes is.
    """

    def __init__(self) -> None:
        self.code = CodeMemory(LANES_MAX)
        self._map = mmap.mmap(-1, _SIZE)
        self._bytes = memoryview(self._map)
        self.words = self._bytes.cast("I")
        self._times = self._bytes[_TIMES_AT:_ERROR_AT].cast("Q")
        self._read_at = [0] * LANES_MAX

    # Supervisor

    def publish(self, program: bytes) -> None:
        """Publish a schedule's program and clear all progress.

        Raises:
            ValueError: the program is larger than its area.
        """
        if len(program) > _SIZE - _PROGRAM_AT:
            raise ValueError(f"a program of {len(program)} bytes, at most {_SIZE - _PROGRAM_AT} fit")
        self._bytes[_PROGRAM_AT : _PROGRAM_AT + len(program)] = program
        self.words[1] = len(program)
        self.words[0] += 1
        self._bytes[_CELLS_AT:_CELLS_END] = _NO_PROGRESS
        self._read_at = [0] * LANES_MAX
        self.words[_TURN] = self.words[_PROGRESS] = self.words[_ERROR] = self.words[_LINES] = 0
        self.words[_CRASH] = self.words[_CRASH_LANE] = self.words[_CRASH_SIGNAL] = 0

    def is_turn_of(self, lane: int) -> bool:
        """Return whether a lane that waits for its turn at the adapter can have it."""
        if self.words[_TURN]:
            return False
        seen = self.words[cell_of(lane) + 3]
        return not seen or self.words[_PROGRESS] + 1 != seen

    @property
    def has_error(self) -> bool:
        """Return whether the worker left an error message on purpose."""
        return self.words[_ERROR] > 0

    @property
    def crash(self) -> str:
        """Return how the program of the worker's adapter ended by itself; empty if it did not."""
        length = self.words[_CRASH] % _LATE
        return bytes(self._bytes[_ERROR_AT : _ERROR_AT + length]).decode("utf-8", "replace")

    @property
    def crash_is_late(self) -> bool:
        """Return whether the adapter may have ended in the schedule before."""
        return self.words[_CRASH] >= _LATE

    @property
    def crash_lane(self) -> int:
        """Return the lane whose request met the end of the adapter; -1 where that is not known."""
        return self.words[_CRASH_LANE] - 1

    @property
    def crash_signal(self) -> int:
        """Return the signal that ended the adapter; 0 for none."""
        return self.words[_CRASH_SIGNAL]

    def diagnostics(self) -> str:
        """Return the worker's error message, or else the adapter's last lines; may be empty."""
        length = self.words[_ERROR]
        if length:
            return bytes(self._bytes[_ERROR_AT : _ERROR_AT + length]).decode("utf-8", "replace")
        count = self.words[_LINES]
        lines = []
        for number in range(max(0, count - _LINES_KEPT), count):
            at = _ERROR_AT + _ERROR_SIZE + number % _LINES_KEPT * _LINE_SIZE
            lines.append(bytes(self._bytes[at : at + _LINE_SIZE]).rstrip(b"\0").decode("utf-8", "replace"))
        return f"last lines of the adapter: {'; '.join(lines)}" if lines else ""

    def started(self, lane: int) -> int:
        """Return the number of the lane's operations that have begun."""
        return self.words[cell_of(lane)]

    def finished(self, lane: int) -> int:
        """Return the number of the lane's operations that have ended."""
        return self.words[cell_of(lane) + 1]

    def outcome(self, lane: int, op: int) -> tuple[str, str]:
        """Return outcome and detail of an ended operation; read each exactly once, in order."""
        name = OUTCOMES[self._bytes[_OUTCOMES_AT + lane * OPS_MAX + op] & 0x7F]
        if not self._bytes[_OUTCOMES_AT + lane * OPS_MAX + op] & 0x80:
            return name, ""
        at = _TEXT_AT + lane * _TEXT_SIZE + self._read_at[lane]
        owner, length = _RECORD.unpack_from(self._bytes, at)
        assert owner == op, (lane, op, owner)
        text = bytes(self._bytes[at + 4 : at + 4 + length]).decode("utf-8", "replace")
        self._read_at[lane] += 4 + length
        return name, text

    def cause(self, lane: int, op: int) -> int:
        """Return the errno behind the outcome of an ended operation; 0 for none."""
        return self._bytes[_CAUSES_AT + lane * OPS_MAX + op]

    def times(self, lane: int, op: int) -> tuple[int, int]:
        """Return begin and end of an operation in monotonic nanoseconds (free gate)."""
        at = 2 * (lane * OPS_MAX + op)
        return self._times[at], self._times[at + 1]

    # Worker

    @property
    def generation(self) -> int:
        """Return a counter that grows with each program."""
        return self.words[0]

    def program(self) -> bytes:
        """Return the program's bytes."""
        return bytes(self._bytes[_PROGRAM_AT : _PROGRAM_AT + self.words[1]])

    def begin(self, lane: int, op: int) -> None:
        """Record that an operation begins."""
        self.words[cell_of(lane)] = op + 1

    def end(self, lane: int, op: int, outcome: int, text: str, cause: int = 0) -> None:
        """Record that an operation ended.

        Args:
            lane, op: which.
            outcome: an index into `OUTCOMES`.
            text: that explains it.
            cause: errno of a call that is behind it; of a time-out, 1 where the fence waits in real time;
                0 for none.
        """
        base = cell_of(lane)
        self._bytes[_CAUSES_AT + lane * OPS_MAX + op] = cause & 0xFF
        if text:
            used = self.words[base + 2]
            room = _TEXT_SIZE - used - 4
            data = text.encode("utf-8", "replace")[: max(0, min(room, 2000))]
            if room >= 0:
                at = _TEXT_AT + lane * _TEXT_SIZE + used
                _RECORD.pack_into(self._bytes, at, op, len(data))
                self._bytes[at + 4 : at + 4 + len(data)] = data
                self.words[base + 2] = used + 4 + len(data)
                outcome |= 0x80
        self._bytes[_OUTCOMES_AT + lane * OPS_MAX + op] = outcome
        self.words[base + 1] = op + 1

    def want_turn(self, lane: int, *, after_another: bool) -> None:
        """Record that a lane wants its turn at the adapter: at once, or after another lane's progress."""
        self.words[cell_of(lane) + 3] = self.words[_PROGRESS] + 1 if after_another else 0

    def take_turn(self, lane: int) -> None:
        """Record that the lane's request runs."""
        self.words[_TURN] = lane + 1

    def give_turn(self, *, progress: bool) -> None:
        """Record that no request runs, and whether the last one made progress (was answered or sleeps)."""
        self.words[_PROGRESS] += progress
        self.words[_TURN] = 0

    def record_line(self, line: str) -> None:
        """Record a line that was sent to or received from the adapter."""
        count = self.words[_LINES]
        at = _ERROR_AT + _ERROR_SIZE + count % _LINES_KEPT * _LINE_SIZE
        data = line.encode("utf-8", "replace")[:_LINE_SIZE]
        self._bytes[at : at + _LINE_SIZE] = data.ljust(_LINE_SIZE, b"\0")
        self.words[_LINES] = count + 1

    def record_error(self, why: str) -> None:
        """Record an error message before this process ends."""
        data = why.encode("utf-8", "replace")[:_ERROR_SIZE]
        self._bytes[_ERROR_AT : _ERROR_AT + len(data)] = data
        self.words[_ERROR] = len(data)

    def record_crash(self, why: str, lane: int, *, late: bool, number: int = 0) -> None:
        """Record how the adapter's program ended, before this process ends.

        Args:
            why: how.
            lane: whose request met that; -1 where it is not known.
            late: it may have ended in the schedule before.
            number: of the signal that ended it; 0 for none.
        """
        self.words[_CRASH_LANE] = lane + 1
        self.words[_CRASH_SIGNAL] = number
        data = why.encode("utf-8", "replace")[:_ERROR_SIZE]
        self._bytes[_ERROR_AT : _ERROR_AT + len(data)] = data
        self.words[_CRASH] = len(data) + (_LATE if late else 0)

    def stamp(self, lane: int, op: int, which: int, at_ns: int) -> None:
        """Record a time of an operation (`which`: 0 begin, 1 end)."""
        self._times[2 * (lane * OPS_MAX + op) + which] = at_ns


class Clock:
    """Virtual time in nanoseconds since 1970, shared by all workers of an explorer.

    Behind it stands, for each process, how far its clock of the date is ahead of it.

    Attributes:
        cell: the time, as the first of its items.
        address: where the time stands, in this process and in those that it forks.
    """

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, 4096)
        self.cell = memoryview(self._map).cast("Q")
        self._offsets = memoryview(self._map).cast("q")
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    @property
    def now_ns(self) -> int:
        """Return the virtual wall clock."""
        return self.cell[0]

    @now_ns.setter
    def now_ns(self, value: int) -> None:
        self.cell[0] = value

    def offset_ns(self, process: int) -> int:
        """Return how far the clock of a process is ahead, in nanoseconds.

        Args:
            process: its index, see `Layout.process_index`.
        """
        return self._offsets[1 + process]

    def set_offset(self, process: int, offset_ns: int) -> None:
        """Set how far the clock of a process is ahead, in nanoseconds."""
        self._offsets[1 + process] = offset_ns

    @staticmethod
    def offset_at(process: int) -> int:
        """Return where the offset of a process stands, in bytes from `address`."""
        return 8 * (1 + process)
