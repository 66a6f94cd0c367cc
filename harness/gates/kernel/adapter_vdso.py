"""The code that takes the place of the kernel's own where an adapter reads a clock.

Few things in an adapter read the date: those ask the supervisor, by calls that are trapped. All other clocks
are read very often, by the runtime, and are the kernel's: the function for them goes on where it is, behind
its first instructions, which stand in the new code. Where these may not be moved, the kernel is asked, by a
call that the filter lets pass because of the upper half of its first argument. The kernel reads only the
lower one. To the clocks that only go forward the code adds a cell: for how long the adapter has slept in
virtual time. It leaves what was read last where the supervisor finds it.
"""

from __future__ import annotations

import struct

from harness.gates.kernel.linux_abi import UNTRAPPED
from harness.gates.kernel.vdso import (
    CLOCK_GETTIME,
    DATES_MASK,
    GETRANDOM,
    GETTIMEOFDAY,
    TIME,
    Layout,
    jump,
    jumps,
)

__all__ = ["STEADY", "asking_patches", "movable", "steady_cells_at"]

#: Clocks that only go forward: CLOCK_MONOTONIC, raw and coarse, and CLOCK_BOOTTIME.
STEADY = frozenset({1, 4, 6, 7})

_ASKING = """
    b860000000 0f05 c3      # gettimeofday: the call
    b8c9000000 0f05 c3      # time: the call
    49ffc0 7408             # getrandom: is the last argument -1? the C library asks how much memory it wants
    b83e010000 0f05 c3      # the call
    6ada 58 c3              # return -38
    0f1f8000000000          # (to a multiple of 8)
    83ff0b 776b             # clock_gettime: cmp edi, 11; ja plain
    b8{mask}              # mov eax, mask of the clocks
    0fa3f8 7308             # bt eax, edi; jnc steady
    b8e4000000 0f05 c3      # the call
    b8{steady}              # steady: mov eax, mask of those that only go forward
    0fa3f8 734f             # bt eax, edi; jnc plain
    56 e849000000 5e        # keep rsi; call plain
    85c0 7531               # failed: return
    486906{second}        # rax = seconds * a thousand million
    48034608                # and nanoseconds
    48030522000000          # and the first cell
    488b0d23000000 e303     # rcx = the second cell; if that is not 0:
    488901                  # leave rax there
    31d2 b9{second} 48f7f1  # by a thousand million
    488906 48895608 31c0    # timespec = rax, rdx; return 0
    c3 6690
    0000000000000000        # how far these clocks are ahead of the kernel's
    0000000000000000        # address of what was read last
"""
_CELLS_AT = 0x88
_ENTRIES = {GETTIMEOFDAY: 0, TIME: 8, GETRANDOM: 16, CLOCK_GETTIME: 40}
#: The rest, `plain`, where the kernel's function cannot go on.
_PASS = """
    48b800000000{untrapped} # rax = the upper half
    89ff 4809c7             # rdi = the clock with that
    b8e4000000 0f05 c3      # the call
"""
#: The block stands behind the jump that leads to it.
_BEHIND_JUMP = 16
_JUMP_SIZE = 5
_REGISTERS = 0xC0
_SECOND = 1_000_000_000


def asking_patches(where: Layout) -> list[tuple[int, bytes]]:
    """Return what to write into an adapter's mapping: offsets and bytes."""
    code, kept, block_at = _assembled(_ASKING), movable(where.beginning), _block_at(where)
    if block_at == where.code_at + _BEHIND_JUMP:
        code += _assembled(_PASS)
    else:
        code += kept
        code += jump(block_at + len(code), where.code_at + len(kept))
    return [(block_at, code), *jumps(where, block_at, _ENTRIES)]


def steady_cells_at(where: Layout) -> int:
    """Return where in an adapter's mapping the two cells of the clocks stand that only go forward."""
    return _block_at(where) + _CELLS_AT


def _block_at(where: Layout) -> int:
    """Return the offset of the block: in the place of a function that the kernel's own does not need."""
    kept = movable(where.beginning)
    size = len(_assembled(_ASKING)) + len(kept) + _JUMP_SIZE
    if kept and where.sizes.get(GETTIMEOFDAY, 0) >= _BEHIND_JUMP + size:
        return where.functions[GETTIMEOFDAY] + _BEHIND_JUMP
    return where.code_at + _BEHIND_JUMP


def movable(code: bytes) -> bytes:
    """Return the first instructions of a function, as many as a jump overwrites.

    Returns:
        Nothing where one of them is not known to do the same elsewhere.
    """
    at = 0
    while at < _JUMP_SIZE:
        size = _size_of(code[at:])
        if not size or at + size > len(code):
            return b""
        at += size
    return code[:at]


def _size_of(code: bytes) -> int:
    """Return the size of an instruction that does the same everywhere; 0 for any other."""
    if code.startswith(b"\xf3\x0f\x1e\xfa"):
        # endbr64
        return 4
    prefix = int(code[:1] in (b"\x41", b"\x48", b"\x49", b"\x4c", b"\x4d"))
    operation, operand = code[prefix : prefix + 1], code[prefix + 1 : prefix + 2]
    if b"\x50" <= operation <= b"\x57":
        # push
        return prefix + 1
    if operation in (b"\x31", b"\x83", b"\x89") and operand >= bytes([_REGISTERS]):
        # xor, mov of a register; and, sub, cmp of a register and a byte
        return prefix + 2 + (operation == b"\x83")
    return 0


def _assembled(text: str) -> bytes:
    filled = text.format(
        mask=_hexadecimal(DATES_MASK),
        steady=_hexadecimal(sum(1 << number for number in STEADY)),
        second=_hexadecimal(_SECOND),
        untrapped=_hexadecimal(UNTRAPPED),
    )
    return bytes.fromhex(" ".join(line.partition("#")[0] for line in filled.splitlines()))


def _hexadecimal(number: int) -> str:
    return struct.pack("=I", number).hex()
