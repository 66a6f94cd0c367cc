"""Ways to name a file of the session directory, and files that look like one; a method each."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.harness.gates.kernel.words import Words, error_of, syscall

__all__ = ["Places"]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_OPEN, _LINKAT, _OPENAT2 = 2, 265, 437
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_PAGE = 4096


@contextmanager
def _two_pages(second: bool) -> Iterator[int]:
    """Address of two pages, of which the second may be out of reach."""
    address = _libc.mmap(None, ctypes.c_size_t(2 * _PAGE), 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if not second:
        _libc.munmap(ctypes.c_void_p(address + _PAGE), ctypes.c_size_t(_PAGE))
    yield address
    _libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(2 * _PAGE))


class Places(Words):
    """Writes one byte to the file that a path leads to; ``<directory>/..`` is where the links are."""

    @property
    def _here(self) -> str:
        return os.path.dirname(self.path)

    @property
    def _beside(self) -> str:
        return os.path.dirname(self._here)

    def _write(self, path: str | bytes, dir_fd: int | None = None) -> str:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=dir_fd)
        except OSError as error:
            return error_of(error)
        os.write(fd, b"X")
        os.close(fd)
        return "written"

    def absolute(self) -> str:
        return self._write(self.path)

    def relative(self) -> str:
        return self._write("transcript.jsonl")

    def relative_after_chdir(self) -> str:
        os.chdir("/")
        try:
            return self._write(self.path[1:])
        finally:
            os.chdir(self._here)

    def relative_to_directory(self) -> str:
        fd = os.open(self._here, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return self._write("transcript.jsonl", fd)
        finally:
            os.close(fd)

    def relative_to_parent(self) -> str:
        fd = os.open(self._beside, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return self._write("session/transcript.jsonl", fd)
        finally:
            os.close(fd)

    def dotted(self) -> str:
        return self._write(f"{self._here}/../session/./transcript.jsonl")

    def doubled_slash(self) -> str:
        return self._write(f"{self._here}//transcript.jsonl")

    def directory_link(self) -> str:
        return self._write(f"{self._beside}/into/transcript.jsonl")

    def up_and_down(self) -> str:
        """By a link inside that leads out, and back in."""
        os.symlink("..", self._here + "/up")
        return self._write(f"{self._here}/up/session/transcript.jsonl")

    def file_link(self) -> str:
        return self._write(f"{self._beside}/onto")

    def file_link_that_dangles(self) -> str:
        """Its target in the session directory would come to be."""
        try:
            os.close(os.open(f"{self._beside}/dangling", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC))
        except OSError as error:
            return error_of(error)
        return "written"

    def process_directory(self) -> str:
        return self._write("/proc/self/cwd/transcript.jsonl")

    def process_descriptor(self) -> str:
        return self._by_descriptor("/proc/self/fd/{}")

    def thread_descriptor(self) -> str:
        return self._by_descriptor("/proc/thread-self/fd/{}")

    def numbered_descriptor(self) -> str:
        return self._by_descriptor(f"/proc/{os.getpid()}/fd/{{}}")

    def device_descriptor(self) -> str:
        return self._by_descriptor("/dev/fd/{}")

    def _by_descriptor(self, form: str) -> str:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self._write(form.format(fd))
        finally:
            os.close(fd)

    def across_pages(self) -> str:
        return self._at(_PAGE - 5)

    def up_to_a_border(self) -> str:
        return self._at(_PAGE - len(os.fsencode(self.path)) - 1, second=False)

    def _at(self, offset: int, second: bool = True) -> str:
        with _two_pages(second) as address:
            raw = os.fsencode(self.path) + b"\0"
            ctypes.memmove(address + offset, raw, len(raw))
            fd = syscall(_OPEN, address + offset, os.O_WRONLY | os.O_CLOEXEC, 0)
            os.write(fd, b"X")
            os.close(fd)
        return "written"

    def without_an_end(self) -> str:
        """The path runs into memory that is not there."""
        with _two_pages(second=False) as address:
            ctypes.memmove(address + _PAGE - 4, b"/tmp", 4)
            return self._raw_open(address + _PAGE - 4)

    def nowhere(self) -> str:
        return self._raw_open(16)

    def null(self) -> str:
        return self._raw_open(0)

    def _raw_open(self, address: int) -> str:
        try:
            os.close(syscall(_OPEN, address, os.O_WRONLY, 0))
        except OSError as error:
            return error_of(error)
        return "opened"

    def longest(self) -> str:
        return self._write(self._of_length(4095))

    def too_long(self) -> str:
        try:
            os.close(os.open(self._of_length(4096), os.O_RDONLY))
        except OSError as error:
            return error_of(error)
        return "opened"

    def _of_length(self, length: int) -> str:
        spare = length - len(self.path)
        return f"{self._here}{'/' * (spare % 2)}{'/.' * (spare // 2)}/transcript.jsonl"

    def longest_name(self) -> str:
        with open(f"{self._here}/{'n' * 255}", "wb", buffering=0):
            pass
        return "written"

    def name_of_bytes(self) -> str:
        os.link(self.path, os.fsencode(self._here) + b"/\xff\xfe")
        return self._write(os.fsencode(self._here) + b"/\xff\xfe")

    def by_openat2(self) -> str:
        how = (ctypes.c_uint64 * 3)(os.O_WRONLY | os.O_CLOEXEC, 0, 0)
        fd = syscall(_OPENAT2, _AT_FDCWD, os.fsencode(self.path), how, 24)
        os.write(fd, b"X")
        os.close(fd)
        return "written"

    def number_used_again(self) -> str:
        """A descriptor's number that stood for a file elsewhere before."""
        fd = os.open("/dev/zero", os.O_RDONLY | os.O_CLOEXEC)
        os.read(fd, 1)
        os.close(fd)
        again = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        assert again == fd
        os.write(again, b"X")
        os.close(again)
        return "written"

    def empty_path(self) -> str:
        """A stat of a descriptor."""
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return str(os.stat(fd).st_size)
        finally:
            os.close(fd)

    def unnamed_file(self) -> str:
        """Made without a name, then linked in."""
        fd = os.open(self._here, os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(fd, b"X")
        syscall(_LINKAT, fd, b"", _AT_FDCWD, os.fsencode(self.path + ".new"), _AT_EMPTY_PATH)
        os.close(fd)
        return "written"

    def neighbour(self) -> str:
        """A name that begins like the directory's."""
        try:
            return str(len(os.listdir(self._here + "-other")))
        except OSError as error:
            return error_of(error)
