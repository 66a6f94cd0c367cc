"""Every way to change a transcript, one method each."""

from __future__ import annotations

import ctypes
import mmap
import os

from harness.scenario.actions.libc import exchange
from tests.harness.gates.kernel.words import Words, syscall

__all__ = ["Changing"]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_CREAT, _MSYNC, _MPROTECT = 85, 26, 10
_KEEP_SIZE, _PUNCH_HOLE = 1, 2


class Changing(Words):
    """Opens, changes, closes."""

    def _open(self, flags: int, path: str = "") -> int:
        return os.open(path or self.path, flags | os.O_CLOEXEC, 0o600)

    def _spare(self, content: bytes) -> str:
        """A file of our own beside the transcript: three steps."""
        path = self.path + ".spare"
        fd = self._open(os.O_WRONLY | os.O_CREAT, path)
        os.write(fd, content)
        os.close(fd)
        return path

    def write(self) -> None:
        fd = self._open(os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"cccc\n")
        os.close(fd)

    def write_same(self) -> None:
        fd = self._open(os.O_WRONLY)
        os.write(fd, b"aaaa\n")
        os.close(fd)

    def pwrite(self) -> None:
        fd = self._open(os.O_WRONLY)
        os.pwrite(fd, b"XX", 5)
        os.close(fd)

    def writev(self) -> None:
        fd = self._open(os.O_WRONLY)
        os.writev(fd, [b"XX", b"YY"])
        os.close(fd)

    def pwritev2(self) -> None:
        fd = self._open(os.O_WRONLY)
        os.pwritev(fd, [b"X", b"Y"], 5, os.RWF_SYNC)
        os.close(fd)

    def truncate(self) -> None:
        os.truncate(self.path, 5)

    def ftruncate(self) -> None:
        fd = self._open(os.O_WRONLY)
        os.ftruncate(fd, 7)
        os.close(fd)

    def open_truncating(self) -> None:
        os.close(self._open(os.O_WRONLY | os.O_TRUNC))

    def creat(self) -> None:
        os.close(syscall(_CREAT, os.fsencode(self.path), 0o600))

    def rename_over(self) -> None:
        os.rename(self._spare(b"new\n"), self.path)

    def rename_over_same_bytes(self) -> None:
        os.rename(self._spare(b"aaaa\nbbbb\n"), self.path)

    def rename_away(self) -> None:
        os.rename(self.path, self.path + ".old")

    def rename_away_and_back(self) -> None:
        os.rename(self.path, self.path + ".old")
        os.rename(self.path + ".old", self.path)

    def exchange(self) -> None:
        exchange(self._spare(b"new\n"), self.path)

    def unlink(self) -> None:
        os.unlink(self.path)

    def unlink_and_create(self) -> None:
        os.unlink(self.path)
        fd = self._open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, b"aaaa\nbbbb\n")
        os.close(fd)

    def write_through_link(self) -> None:
        os.link(self.path, self.path + ".link")
        fd = self._open(os.O_WRONLY, self.path + ".link")
        os.write(fd, b"XX")
        os.close(fd)

    def swap_symlink_in(self) -> None:
        spare = self._spare(b"elsewhere\n")
        os.rename(self.path, self.path + ".old")
        os.symlink(os.path.basename(spare), self.path)

    def write_through_symlink(self) -> None:
        os.symlink("transcript.jsonl", self.path + ".sym")
        fd = self._open(os.O_WRONLY, self.path + ".sym")
        os.write(fd, b"XX")
        os.close(fd)
        os.truncate(self.path + ".sym", 3)

    def write_behind_symlink(self) -> None:
        """The transcript is a symlink; its target is changed under its own name."""
        spare = self._spare(b"elsewhere\n")
        os.rename(self.path, self.path + ".old")
        os.symlink(os.path.basename(spare), self.path)
        fd = self._open(os.O_WRONLY, spare)
        os.write(fd, b"EE")
        os.close(fd)
        os.rename(self._spare_named("other", b"third\n"), spare)

    def _spare_named(self, name: str, content: bytes) -> str:
        path = f"{self.path}.{name}"
        fd = self._open(os.O_WRONLY | os.O_CREAT, path)
        os.write(fd, content)
        os.close(fd)
        return path

    def _map(self, fd: int, protection: int = mmap.PROT_READ | mmap.PROT_WRITE) -> int:
        return int(_libc.mmap(None, 10, protection, mmap.MAP_SHARED, fd, 0))

    def store_clean(self) -> None:
        """A store right after the mapping, and one after the next step."""
        fd = self._open(os.O_RDWR)
        address = self._map(fd)
        ctypes.memmove(address, b"X", 1)
        os.read(fd, 1)
        ctypes.memmove(address + 1, b"Y", 1)
        syscall(_MSYNC, address, 10, mmap.PROT_READ)
        os.close(fd)

    def store_dirty(self) -> None:
        """The page is dirty when the bytes change."""
        fd = self._open(os.O_RDWR)
        address = self._map(fd)
        ctypes.memmove(address, b"a", 1)
        os.stat(self.path)
        os.stat(self.path)
        ctypes.memmove(address, b"X", 1)
        os.close(fd)

    def store_after_close(self) -> None:
        fd = self._open(os.O_RDWR)
        address = self._map(fd)
        os.close(fd)
        os.stat(self.path)
        ctypes.memmove(address, b"X", 1)

    def store_after_mprotect(self) -> None:
        fd = self._open(os.O_RDWR)
        address = self._map(fd, mmap.PROT_READ)
        syscall(_MPROTECT, address, 4096, mmap.PROT_READ | mmap.PROT_WRITE)
        ctypes.memmove(address, b"X", 1)
        os.close(fd)

    def copy_file_range(self) -> None:
        source, target = self._open(os.O_RDONLY, self._spare(b"ZZ")), self._open(os.O_WRONLY)
        os.copy_file_range(source, target, 2)
        os.close(source)
        os.close(target)

    def sendfile(self) -> None:
        source, target = self._open(os.O_RDONLY, self._spare(b"ZZ")), self._open(os.O_WRONLY)
        os.sendfile(target, source, 0, 2)
        os.close(source)
        os.close(target)

    def splice(self) -> None:
        reading, writing = os.pipe()
        os.write(writing, b"ZZ")
        target = self._open(os.O_WRONLY)
        os.splice(reading, target, 2)
        for fd in (reading, writing, target):
            os.close(fd)

    def fallocate(self) -> None:
        fd = self._open(os.O_WRONLY)
        os.posix_fallocate(fd, 0, 12)
        os.close(fd)

    def write_by_standard_output(self) -> None:
        """As a shell's redirection does."""
        fd = self._open(os.O_WRONLY | os.O_APPEND)
        kept = os.dup(1)
        os.dup2(fd, 1)
        os.write(1, b"cccc\n")
        os.dup2(kept, 1)
        os.close(kept)
        os.close(fd)

    def write_by_dup(self) -> None:
        fd = self._open(os.O_WRONLY | os.O_APPEND)
        other = os.dup(fd)
        os.close(fd)
        os.write(other, b"cccc\n")
        os.close(other)

    def touch(self) -> None:
        os.utime(self.path)
        os.chmod(self.path, 0o640)
        os.link(self.path, self.path + ".link")
        os.unlink(self.path + ".link")

    def read(self) -> None:
        fd = self._open(os.O_RDONLY)
        os.read(fd, 100)
        os.lseek(fd, 0, os.SEEK_END)
        os.fsync(fd)
        os.close(fd)
        os.access(self.path, os.R_OK)
        os.listdir(os.path.dirname(self.path))

    def share_mapping(self) -> None:
        """Map, and leave the mapping to the other lanes of the process."""
        fd = self._open(os.O_RDWR)
        self.site.process["address"] = self._map(fd)
        os.close(fd)

    def store_shared(self) -> None:
        os.stat(self.path)
        ctypes.memmove(self.site.process["address"], b"X", 1)
        os.stat(self.path)
