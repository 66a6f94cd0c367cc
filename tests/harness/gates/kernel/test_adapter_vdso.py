"""The code that an adapter gets: what of the kernel's own may be moved, and where everything goes."""

from __future__ import annotations

import struct

import pytest

from harness.gates.kernel import adapter_vdso
from harness.gates.kernel.vdso import CLOCK_GETTIME, GETRANDOM, GETTIMEOFDAY, TIME, Layout

#: push rbp; mov rbp, rsp; push r14; push rbx
FRAMED = bytes.fromhex("55 4889e5 4156 53")
FUNCTIONS = {GETTIMEOFDAY: 0x100, TIME: 0x300, CLOCK_GETTIME: 0x400, GETRANDOM: 0x800}


def patched(beginning: bytes, size: int = 0x200) -> dict[int, bytes]:
    layout = Layout(FUNCTIONS, dict.fromkeys(FUNCTIONS, size), beginning)
    return dict(adapter_vdso.asking_patches(layout))


def target(patches: dict[int, bytes], at: int) -> int:
    """Where a jump leads."""
    assert patches[at][0] == 0xE9
    return int(at + 5 + struct.unpack("=i", patches[at][1:])[0])


@pytest.mark.parametrize(
    ("code", "size"),
    [
        ("55 4889e5 4156 53", 6),
        ("f30f1efa 55 4889e5", 5),
        ("83ff17 31c0 90", 5),
        ("53 4883ec10 90", 5),
        ("4154 4989fc 53", 5),
        ("83ff17 7720 53", 0),
        ("55 4c8d15e897ffff", 0),
        ("8b0548a0ffff", 0),
        ("4189450053", 0),
        ("55", 0),
        ("", 0),
    ],
)
def test_only_code_that_does_the_same_elsewhere_is_moved(code: str, size: int) -> None:
    data = bytes.fromhex(code)
    assert adapter_vdso.movable(data) == data[:size]


def test_the_kernels_function_goes_on_behind_the_moved_code() -> None:
    patches = patched(FRAMED)
    at = FUNCTIONS[GETTIMEOFDAY] + 16
    block = patches[at]
    assert block[-11:-5] == FRAMED[:6]
    assert target({0: block[-5:]}, 0) + at + len(block) - 5 == FUNCTIONS[CLOCK_GETTIME] + 6
    assert len(patches[FUNCTIONS[CLOCK_GETTIME]]) == 5


@pytest.mark.parametrize(("beginning", "size"), [(FRAMED, 0x40), (b"\x77" * 16, 0x200)])
def test_elsewhere_the_block_stands_in_the_place_of_the_function(beginning: bytes, size: int) -> None:
    patches = patched(beginning, size)
    assert FUNCTIONS[CLOCK_GETTIME] + 16 in patches
    assert b"TIME"[::-1] in patches[FUNCTIONS[CLOCK_GETTIME] + 16]


@pytest.mark.parametrize("beginning", [FRAMED, b""])
def test_each_function_jumps_into_the_block(beginning: bytes) -> None:
    patches = patched(beginning)
    ((at, block),) = [(at, code) for at, code in patches.items() if len(code) > 5]
    entries = {name: target(patches, address) - at for name, address in FUNCTIONS.items()}
    assert sorted(entries.values()) == [0, 8, 16, 40] and entries[CLOCK_GETTIME] == 40
    assert not any(address < at + len(block) and at < address + 5 for address in FUNCTIONS.values())
