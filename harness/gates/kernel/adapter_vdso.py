"""The code that takes the place of the kernel's own where an adapter reads a clock.

Few things in an adapter read the date: those ask the supervisor, by calls that are trapped. All other clocks
are read very often, by the runtime, and stay the kernel's: the function for them goes on where it is, behind
its first instructions, which stand in the new code. Where these may not be moved, the kernel is asked, by a
call that the filter lets pass because of the upper half of its first argument. The kernel reads only the
lower one.
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

__all__ = ["asking_patches", "movable"]

_ASKING = """
    b860000000 0f05 c3      # gettimeofday: the call
    b8c9000000 0f05 c3      # time: the call
    49ffc0 7408             # getrandom: is the last argument -1? the C library asks how much memory it wants
    b83e010000 0f05 c3      # the call
    6ada 58 c3              # return -38
    0f1f8000000000          # (to a multiple of 8)
    83ff0b 7712             # clock_gettime: cmp edi, 11; ja pass
    b8{mask}              # mov eax, mask of the clocks
    0fa3f8 7308             # bt eax, edi; jnc pass
    b8e4000000 0f05 c3      # the call
"""
_ENTRIES = {GETTIMEOFDAY: 0, TIME: 8, GETRANDOM: 16, CLOCK_GETTIME: 40}
#: The rest, behind `pass`, where the kernel's function cannot go on.
_PASS = """
    48b800000000{untrapped} # rax = the upper half
    89ff 4809c7             # rdi = the clock with that
    b8e4000000 0f05 c3      # the call
"""
#: The block stands behind the jump that leads to it.
_BEHIND_JUMP = 16
_JUMP_SIZE = 5
_REGISTERS = 0xC0


def asking_patches(where: Layout) -> list[tuple[int, bytes]]:
    """Return what to write into an adapter's mapping: offsets and bytes."""
    code, kept = _assembled(_ASKING), movable(where.beginning)
    size = len(code) + len(kept) + _JUMP_SIZE
    if kept and where.sizes.get(GETTIMEOFDAY, 0) >= _BEHIND_JUMP + size:
        block_at = where.functions[GETTIMEOFDAY] + _BEHIND_JUMP
        code += kept
        code += jump(block_at + len(code), where.code_at + len(kept))
    else:
        block_at = where.code_at + _BEHIND_JUMP
        code += _assembled(_PASS)
    return [(block_at, code), *jumps(where, block_at, _ENTRIES)]


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
    filled = text.format(mask=_hexadecimal(DATES_MASK), untrapped=_hexadecimal(UNTRAPPED))
    return bytes.fromhex(" ".join(line.partition("#")[0] for line in filled.splitlines()))


def _hexadecimal(number: int) -> str:
    return struct.pack("=I", number).hex()
