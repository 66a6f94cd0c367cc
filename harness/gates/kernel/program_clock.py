"""Virtual time and random numbers in a program that a lane runs, in any language.

At the first trapped call of a new program, when only one thread of it exists, the code that reads the clock
is replaced (`vdso`), and so are the 16 random bytes that the kernel has put on its stack. From then on
a read of the clock costs no trap. The time is told anew before the program moves.
"""

from __future__ import annotations

import contextlib
import struct

from harness.gates.kernel import linux_abi, vdso
from harness.gates.kernel.adapter_vdso import asking_patches, steady_cells_at
from harness.gates.kernel.steady_clock import SteadyCells
from harness.gates.kernel.tracee_memory import TraceeMemory

__all__ = [
    "DATES",
    "RANDOM_BYTES",
    "ProgramClock",
    "ask_for_date",
    "has_parents_program",
    "share_clock",
    "take_over",
    "unavailable",
]

_AUXILIARY = struct.Struct("=QQ")
_AT_RANDOM, _AT_EXECFN, _AT_SYSINFO_EHDR = 25, 31, vdso.AT_SYSINFO_EHDR
RANDOM_BYTES = 16
#: Clocks of the date: CLOCK_REALTIME, its coarse one, that of alarms, and CLOCK_TAI.
DATES = frozenset({0, 5, 8, 11})
_PAGE = 4096
_COUNT = struct.Struct("=Q")
#: Flag of a task that was forked and has started no other program.
_NO_EXEC = 0x40
_FLAGS_FIELD = 6


class ProgramClock:
    """The clock of one program.

    Args:
        memory: of its process.
        start: address of its vDSO.
        told: virtual time when it was told last, and how far its date was ahead; zeros for never.

    Attributes:
        is_new: its program has just been started.
    """

    def __init__(self, memory: TraceeMemory, start: int, told: tuple[int, int] = (0, 0)) -> None:
        self._memory = memory
        self._start = start
        self._told = told
        self.is_new = bool(told[0])

    def of_fork(self, memory: TraceeMemory) -> ProgramClock:
        """Return the clock of a process that was forked from this one."""
        return ProgramClock(memory, self._start)

    def tell(self, now_ns: int, offset_ns: int) -> None:
        """Set the clock, not before what it has shown already.

        Args:
            now_ns: virtual time.
            offset_ns: how far its date is ahead of that.
        """
        if (now_ns, offset_ns) == self._told:
            return
        with contextlib.suppress(OSError):
            cells, count = self._read()
            now = max(now_ns, cells.since_start + cells.shown_after(count))
            self._write(vdso.Cells(cells.count_at, count, now + offset_ns, now))
            self._told = now_ns, offset_ns

    def now(self) -> int:
        """Return virtual time as the program sees it, in nanoseconds.

        Raises:
            OSError: the process is gone.
        """
        cells, count = self._read()
        return cells.since_start + cells.shown_after(count)

    def ahead(self) -> int:
        """Return how far its date is ahead of virtual time, in nanoseconds.

        Raises:
            OSError: the process is gone.
        """
        cells, _ = self._read()
        return cells.date - cells.since_start

    def read(self, number: int) -> int:
        """Return what a clock shows, in nanoseconds, and count the read as the program's own code does.

        Args:
            number: of the clock, as in clock_gettime.

        Raises:
            OSError: the process is gone.
        """
        cells, count = self._read()
        self._memory.write(cells.count_at, _COUNT.pack(count + 1))
        return (cells.date if number in DATES else cells.since_start) + cells.shown_after(count)

    def _read(self) -> tuple[vdso.Cells, int]:
        where = vdso.layout()
        assert where is not None
        data = self._memory.read(self._start + where.cells_at, vdso.CELLS_SIZE)
        if len(data) != vdso.CELLS_SIZE:
            raise ProcessLookupError
        cells = vdso.unpacked(data)
        return cells, _COUNT.unpack(self._memory.read(cells.count_at, _COUNT.size))[0]

    def _write(self, cells: vdso.Cells) -> None:
        where = vdso.layout()
        assert where is not None
        self._memory.write(self._start + where.cells_at, cells.packed())


def take_over(
    memory: TraceeMemory, pid: int, now_ns: int, offset_ns: int, random: bytes
) -> ProgramClock | None:
    """Give a program virtual time.

    Args:
        memory: of its process.
        pid: of its process, which is stopped.
        now_ns: virtual time.
        offset_ns: how far its date is ahead of that.
        random: what it gets instead of the random bytes on its stack; `RANDOM_BYTES` of them.

    Returns:
        Its clock; None where this is not possible.
    """
    where = vdso.layout()
    if where is None:
        return None
    vector = _auxiliary(pid)
    start, name_at = vector.get(_AT_SYSINFO_EHDR, 0), vector.get(_AT_EXECFN, 0)
    if not start or not name_at:
        return None
    clock = ProgramClock(memory, start)
    if memory.read(start + where.code_at, len(where.code)) == where.code:
        return clock
    count_at = _spare_word(memory, name_at)
    if not count_at:
        return None
    for at, code in vdso.patches(where, vdso.Cells(count_at, 0, now_ns + offset_ns, now_ns)):
        memory.write(start + at, code)
    if vector.get(_AT_RANDOM):
        memory.write(vector[_AT_RANDOM], random)
    return ProgramClock(memory, start, (now_ns, offset_ns))


def share_clock(memory: TraceeMemory, pid: int, time_at: int, offset_at: int) -> None:
    """Let the clocks of the date in a worker show the time that it shares with the supervisor.

    Args:
        memory: of the worker.
        pid: of the worker, whose only thread is stopped.
        time_at: address of the time in its memory.
        offset_at: where it stands how far its clock is ahead, in bytes from there.
    """
    where = vdso.layout()
    start = _auxiliary(pid).get(_AT_SYSINFO_EHDR, 0) if where is not None else 0
    if where is None or not start:
        return
    for at, code in vdso.shared_patches(where, time_at, offset_at):
        memory.write(start + at, code)


def ask_for_date(memory: TraceeMemory, pid: int, random: bytes) -> SteadyCells | None:
    """Have an adapter, or a program that it starts, ask the supervisor for the date by calls.

    Args:
        memory: of its process.
        pid: of its process, whose only thread is stopped.
        random: what it gets instead of the random bytes on its stack; `RANDOM_BYTES` of them.

    Returns:
        The cells of its other clocks, which are not ahead of the machine's; None where it does not ask.
    """
    where = vdso.layout()
    if where is None:
        return None
    vector = _auxiliary(pid)
    start, name_at = vector.get(_AT_SYSINFO_EHDR, 0), vector.get(_AT_EXECFN, 0)
    # Without the kernel's code its C library makes the calls anyway.
    for at, code in asking_patches(where) if start else ():
        memory.write(start + at, code)
    if vector.get(_AT_RANDOM):
        memory.write(vector[_AT_RANDOM], random)
    if not start:
        return SteadyCells(memory, 0, 0)
    ahead_at = start + steady_cells_at(where)
    read_at = _spare_word(memory, name_at) if name_at else 0
    memory.write(ahead_at + _COUNT.size, _COUNT.pack(read_at))
    return SteadyCells(memory, ahead_at, read_at)


def _spare_word(memory: TraceeMemory, name_at: int) -> int:
    """Return the address of a program's last word of the stack, which has no use; 0 where that is not so.

    Args:
        memory: of its process.
        name_at: address of its name, before that word.
    """
    at = name_at + len(memory.path(name_at)) + 1
    return 0 if (at + _COUNT.size) % _PAGE or memory.read(at, _COUNT.size) != bytes(_COUNT.size) else at


def has_parents_program(pid: int) -> bool:
    """Return whether a process was forked and has started no other program since.

    Raises:
        OSError: it is gone.
    """
    with open(f"/proc/{pid}/stat", "rb") as stat:
        fields = stat.read().rpartition(b") ")[2].split()
    return bool(int(fields[_FLAGS_FIELD]) & _NO_EXEC)


def _auxiliary(pid: int) -> dict[int, int]:
    with open(f"/proc/{pid}/auxv", "rb") as file:
        data = file.read()
    whole = len(data) - len(data) % _AUXILIARY.size
    return dict(_AUXILIARY.iter_unpack(data[:whole]))


def unavailable() -> str:
    """Return why programs have the machine's clocks, and adapters its date; empty where these are virtual."""
    if linux_abi.supported():
        return linux_abi.supported()
    if vdso.layout() is None:
        return "the kernel's vDSO is off, or has no room; programs and adapters see the machine's clocks"
    return ""
