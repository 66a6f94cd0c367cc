"""Reading another process's memory, and the layouts of stat, held against the kernel's own."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

import pytest

from harness.gates.kernel.inode import Inode
from harness.gates.kernel.tracee_memory import TraceeMemory, pack_stat, pack_statx

pytestmark = pytest.mark.requires("kernel-gate")

PAGE = 4096
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.syscall.restype = ctypes.c_long


@pytest.fixture
def memory():
    found = TraceeMemory(os.getpid())
    yield found
    found.close()


@pytest.fixture
def pages():
    """Address of two pages, of which the second is out of reach."""
    address = _libc.mmap(None, ctypes.c_size_t(2 * PAGE), 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    _libc.munmap(ctypes.c_void_p(address + PAGE), ctypes.c_size_t(PAGE))
    yield address
    _libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(PAGE))


@pytest.mark.parametrize("length", [1, 255, 256, 257, 4094, 4095])
@pytest.mark.parametrize("offset", [0, 1, PAGE - 1, PAGE - 256, PAGE - 255])
def test_a_path_is_read_wherever_it_lies(memory: TraceeMemory, length: int, offset: int) -> None:
    buffer = ctypes.create_string_buffer(4 * PAGE)
    address = -(-ctypes.addressof(buffer) // PAGE) * PAGE + offset
    path = bytes(65 + n % 26 for n in range(length))
    ctypes.memmove(address, path + b"\0garbage", length + 8)
    assert memory.path(address) == path


def test_an_empty_path_is_empty(memory: TraceeMemory) -> None:
    buffer = ctypes.create_string_buffer(b"\0more")
    assert memory.path(ctypes.addressof(buffer)) == b""


def test_a_path_that_ends_at_the_last_byte_is_read(memory: TraceeMemory, pages: int) -> None:
    ctypes.memmove(pages + PAGE - 5, b"path\0", 5)
    assert memory.path(pages + PAGE - 5) == b"path"


def test_written_bytes_can_be_read(memory: TraceeMemory) -> None:
    buffer = ctypes.create_string_buffer(16)
    memory.write(ctypes.addressof(buffer) + 2, b"hello")
    assert buffer.raw == b"\0\0hello" + bytes(9)
    assert memory.read(ctypes.addressof(buffer), 7) == b"\0\0hello"


def real_inode(status: os.stat_result) -> Inode:
    """An inode that tells the truth."""
    inode = Inode(0, status.st_ino, status.st_ino, "name", "T", 0)
    inode.btime = status.st_atime_ns
    inode.mtime, inode.ctime = status.st_mtime_ns, status.st_ctime_ns
    return inode


@pytest.fixture(params=["file", "directory", "device"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "device":
        return "/dev/null"
    if request.param == "directory":
        return str(tmp_path)
    (tmp_path / "file").write_bytes(b"x" * 5000)
    os.link(tmp_path / "file", tmp_path / "link")
    os.utime(tmp_path / "file", ns=(1_234_567_890_123_456_789, 999_999_999))
    return str(tmp_path / "file")


def test_a_packed_stat_equals_the_kernel_s(path: str) -> None:
    """Access times apart: the harness tells the birth there."""
    status = os.stat(path)
    buffer = ctypes.create_string_buffer(144)
    assert _libc.syscall(ctypes.c_long(4), os.fsencode(path), buffer) == 0
    assert pack_stat(status, real_inode(status)) == buffer.raw


def test_a_packed_statx_equals_the_kernel_s(path: str) -> None:
    status = os.stat(path)
    inode = real_inode(status)
    buffer = ctypes.create_string_buffer(256)
    wanted = 0xFFF
    assert _libc.syscall(ctypes.c_long(332), -100, os.fsencode(path), 0, wanted, buffer) == 0
    inode.btime = int.from_bytes(buffer.raw[80:88], "little") * 10**9 + int.from_bytes(
        buffer.raw[88:92], "little"
    )
    ours = bytearray(pack_statx(status, inode, birth_time=True))
    theirs = bytearray(buffer.raw)
    assert len(ours) == len(theirs) == 256
    for packed in (ours, theirs):
        packed[0:4] = bytes(4)  # which fields there are: a device has no birth time
        packed[8:16] = packed[56:64] = bytes(8)  # attributes
        packed[64:80] = bytes(16)  # access time
        packed[144:] = bytes(112)  # mount id and what came later
    if not theirs[80:92].strip(b"\0"):
        ours[80:92] = bytes(12)
    assert ours == theirs
