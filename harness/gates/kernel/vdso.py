"""The kernel's own code in each process that reads the clock, and the code that takes its place.

The C library reads clocks through the vDSO, a piece of the kernel's code that is mapped into each program:
without a system call, so that no filter sees it. A debugger's write to it makes the page private to
the process. The code that is put there takes the time from a cell beside it, or from memory that the
process shares with the supervisor. Which functions there are, and where, says the symbol table of the
mapping, which is the same in all processes of a kernel. `adapter_vdso` has the code for adapters.

`program_clock` puts the code into processes. x86-64 only, as `linux_abi` is.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from typing import NamedTuple

__all__ = [
    "CELLS_SIZE",
    "CLOCK_GETTIME",
    "DATES_MASK",
    "GETRANDOM",
    "GETTIMEOFDAY",
    "TIME",
    "Cells",
    "Layout",
    "jump",
    "jumps",
    "layout",
    "patches",
    "shared_patches",
    "unpacked",
]

AT_SYSINFO_EHDR = 33

CLOCK_GETTIME, GETTIMEOFDAY, TIME, GETRANDOM = (
    "__vdso_clock_gettime",
    "__vdso_gettimeofday",
    "__vdso_time",
    "__vdso_getrandom",
)

# Assembled code, a line each, with what it does. Registers are those of the C calling convention:
# rdi, rsi are the arguments, rax the result. All of it is one block, in place of clock_gettime.

# clock_gettime(clock, *timespec): of the clocks in the mask. Any other one is asked of the kernel, where the
# supervisor sees it.
_READ_CLOCK = """
    83ff0b 7719             # cmp edi, 11; ja call
    b8{mask}              # mov eax, mask of the clocks
    0fa3f8 730f             # bt eax, edi; jnc call
    e88c000000              # call now
    488906 48895608         # timespec = rax, rdx
    31c0 c3                 # return 0
    b8e4000000 0f05 c3      # call: syscall clock_gettime
    662e0f1f840000000000    # (to a multiple of 16)
"""
# gettimeofday(*timeval, *timezone)
_READ_TIMEVAL = """
    4989f9 4989f2           # r9, r10 = arguments
    4885ff 7419             # without a timeval: to the timezone
    31ff e85e000000         # clock 0; call now
    498901                  # seconds
    89d0 31d2 b9e8030000 f7f1 49894108  # nanoseconds / 1000
    4d85d2 7407 49c70200000000  # timezone: UTC
    31c0 c3                 # return 0
    66662e0f1f8400000000006690
"""
# time(*seconds)
_READ_SECONDS = """
    4989f9 31ff e826000000  # r9 = argument; clock 0; call now
    4d85c9 7403 498901 c3   # store where asked to; return the seconds
    66662e0f1f8400000000006690
"""
# getrandom: the call, which the supervisor answers. With -1 as the last argument glibc from 2.41 on asks how
# much memory the function wants: ENOSYS. It may have asked before this code was here, and then wants numbers.
_READ_RANDOM = """
    49ffc0 7407             # is the last argument -1? to the end
    b83e010000 eb87         # syscall getrandom, by the instruction of clock_gettime
    6ada 58 c3              # return -38
"""
# now(edi: clock): rax = seconds, rdx = nanoseconds. Each read counts one up. Time stands still for the first
# 4,095 reads, for which of a program's threads reads how often is chance; after that it goes on faster and
# faster, so that a loop that waits for a time gets there.
_NOW = """
    488b0d49000000          # rcx = address of the count
    b801000000 f0480fc101   # rax = count, and count one up
    482b0540000000          # less the count when the time was last told
    48c1e80c 480fafc0 48c1e008 6690  # rax = (rax >> 12) squared << 8
    488d0d33000000          # rcx = address of the date
    ba21090000 0fa3fa 7204  # clocks 0, 5, 8, 11 are of the date,
    4883c108                # others of the time since the start
    480301                  # add it
    31d2 b900ca9a3b 48f7f1  # by a thousand million
    c3
"""
# For a worker, whose time stands in memory that it shares with the supervisor.
_NOW_SHARED = """
    488b0d49000000          # rcx = address of the time
    488b01                  # its value
    48038100000000          # and how far the clock of this process is ahead
    31d2 b900ca9a3b 48f7f1  # by a thousand million
    c3
"""

# Clocks 0, 1, 4 to 9 and 11: all but the processor time of a process or thread.
_ALL_CLOCKS = 0b1011_1111_0011
#: Clocks 0, 5, 8 and 11, of the date. A worker's other ones are the kernel's, as the interpreter's waits are.
DATES_MASK = 0b1001_0010_0001
#: Where the offset stands in the code of `_NOW_SHARED`, from the begin of the block.
_OFFSET_AT = 0xA0 + 13
_CELLS_AT, _NO_OPERATION = 0xF0, b"\x90"
_SYMBOL = struct.Struct("=IBBHQQ")
_SECTION = struct.Struct("=IIQQQQIIQQ")
_DYNAMIC_SYMBOLS = 11


def _assembled(*parts: str) -> bytes:
    words = " ".join(line.partition("#")[0] for part in parts for line in part.splitlines())
    return bytes.fromhex(words).ljust(_CELLS_AT, _NO_OPERATION)


def _read_clock(clocks: int) -> str:
    return _READ_CLOCK.format(mask=struct.pack("=I", clocks).hex())


_PROGRAM_CODE = _assembled(_read_clock(_ALL_CLOCKS), _READ_TIMEVAL, _READ_SECONDS, _READ_RANDOM, _NOW)
_SHARED_CODE = _assembled(_read_clock(DATES_MASK), _READ_TIMEVAL, _READ_SECONDS, _READ_RANDOM, _NOW_SHARED)
#: Where in the block the other functions begin.
_ENTRIES = {GETTIMEOFDAY: 0x30, TIME: 0x70, GETRANDOM: 0x90}
_BEGINNING = 16


_CELLS = "=4Q"
CELLS_SIZE = struct.calcsize(_CELLS)


def unpacked(data: bytes) -> Cells:
    """Return the cells that stand in memory."""
    return Cells(*struct.unpack(_CELLS, data))


class Cells(NamedTuple):
    """Values that the code reads, at `_CELLS_AT` in its block; all times in nanoseconds.

    Args:
        count_at: address of the count of reads.
        reads: the count when the time was last told.
        date: the time of day then, by the clock of the process.
        since_start: virtual time then, for clocks that only go forward.
    """

    count_at: int
    reads: int
    date: int
    since_start: int

    def packed(self) -> bytes:
        """Return the cells as they stand in memory."""
        return struct.pack(_CELLS, *self)

    def shown_after(self, count: int) -> int:
        """Return how far a clock has moved since the time was told, in nanoseconds.

        Args:
            count: reads since the start of the program.
        """
        since = count - self.reads
        return (since >> 12) ** 2 << 8


class Layout(NamedTuple):
    """Addresses of this kernel's functions, relative to the start of the mapping.

    Args:
        functions: offset by name.
        sizes: in bytes, by name.
        beginning: the first bytes of the function that reads a clock.
    """

    functions: dict[str, int]
    sizes: dict[str, int]
    beginning: bytes

    @property
    def code_at(self) -> int:
        """Return the offset of the block of code."""
        return self.functions[CLOCK_GETTIME]

    @property
    def cells_at(self) -> int:
        """Return the offset of the cells."""
        return self.code_at + _CELLS_AT

    @property
    def code(self) -> bytes:
        """Return the beginning of the code, by which a page is known that has it already."""
        return _PROGRAM_CODE


@functools.cache
def layout() -> Layout | None:
    """Read the layout from this process's own mapping; None where there is none, or no room for the code."""
    start = _auxiliary(AT_SYSINFO_EHDR)
    if not start:
        return None
    # Two pages at least; the header says how much there is.
    header = ctypes.string_at(start, 64)
    if header[:5] != b"\x7fELF\x02":
        return None
    sections_at, entry, count = struct.unpack_from("=Q10xHH", header, 40)
    image = ctypes.string_at(start, sections_at + entry * count)
    functions: dict[str, tuple[int, int]] = {}
    for number in range(count):
        _, kind, _, _, at, size, link, _, _, _ = _SECTION.unpack_from(image, sections_at + entry * number)
        if kind == _DYNAMIC_SYMBOLS:
            strings_at = _SECTION.unpack_from(image, sections_at + entry * link)[4]
            functions = _symbols(image, at, size, strings_at)
    room = len(_PROGRAM_CODE) + CELLS_SIZE
    code_at, size = functions.get(CLOCK_GETTIME, (0, 0))
    if size < room:
        return None
    return Layout(
        {name: at for name, (at, _) in functions.items()},
        {name: size for name, (_, size) in functions.items()},
        image[code_at : code_at + _BEGINNING],
    )


def _symbols(image: bytes, at: int, size: int, strings_at: int) -> dict[str, tuple[int, int]]:
    """Return offset and size of the functions in a symbol table."""
    found = {}
    for place in range(at, at + size, _SYMBOL.size):
        name_at, _, _, _, value, length = _SYMBOL.unpack_from(image, place)
        name = image[strings_at + name_at : image.index(b"\0", strings_at + name_at)].decode("ascii")
        if name.startswith("__vdso_"):
            found[name] = value, length
    return found


def patches(where: Layout, cells: Cells) -> list[tuple[int, bytes]]:
    """Return what to write into a program's mapping: offsets and bytes."""
    block = _PROGRAM_CODE + cells.packed()
    return [(where.code_at, block), *jumps(where, where.code_at, _ENTRIES)]


def shared_patches(where: Layout, time_at: int, offset_at: int) -> list[tuple[int, bytes]]:
    """Return what to write into a worker's mapping.

    Args:
        where: the layout.
        time_at: address of the time in the worker's memory, nanoseconds.
        offset_at: where it stands how far its clock is ahead, in bytes from there.
    """
    code = _SHARED_CODE[:_OFFSET_AT] + struct.pack("=i", offset_at) + _SHARED_CODE[_OFFSET_AT + 4 :]
    code += struct.pack("=Q", time_at)
    return [(where.code_at, code), *jumps(where, where.code_at, _ENTRIES)]


def jumps(where: Layout, block_at: int, entries: dict[str, int]) -> list[tuple[int, bytes]]:
    """Return what to write so that functions go on in a block of code.

    Args:
        where: the layout.
        block_at: offset of the block.
        entries: where in it each function begins, by name.
    """
    return [
        (at, jump(at, block_at + entries[name]))
        for name, at in sorted(where.functions.items())
        if name in entries
    ]


def jump(at: int, to: int) -> bytes:
    """Return the code of a jump from one offset to another."""
    return b"\xe9" + struct.pack("=i", to - (at + 5))


def _auxiliary(number: int) -> int:
    """Return an entry of this process's auxiliary vector; 0 for none."""
    function = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ulong)(("getauxval", ctypes.CDLL(None)))
    return int(function(number))
