"""A fence that asks the stat family, clocks and the random source; a method each."""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import random
import struct
import time
import uuid
from time import time_ns as imported_time_ns

from harness.gates.kernel import vdso
from tests.harness.gates.kernel.words import Words, error_of, syscall

__all__ = ["Looking"]

_STAT, _LSTAT, _FSTAT, _NEWFSTATAT, _STATX, _NANOSLEEP, _CLOCK_NANOSLEEP, _GETRANDOM = (
    4,
    6,
    5,
    262,
    332,
    35,
    230,
    318,
)
_UTIME, _UTIMES, _FUTIMESAT, _UTIMENSAT = 132, 235, 261, 280
_AT_FDCWD, _AT_EMPTY_PATH, _AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x100
_NOW, _OMIT = (1 << 30) - 1, (1 << 30) - 2
_SECOND = 1_000_000_000
_BIRTH = 0x800


class Looking(Words):
    """Answers in JSON."""

    def _stat(self, number: int, *args: int | bytes) -> dict[str, int]:
        """``struct stat`` by a call of a given number; the buffer is the last argument but flags."""
        buffer = ctypes.create_string_buffer(144)
        place = 2 if number == _NEWFSTATAT else 1
        syscall(number, *args[:place], buffer, *args[place:])
        dev, ino, links, mode, uid, gid, _, rdev, size, block, blocks = struct.unpack_from(
            "=QQQIIIIQqqq", buffer
        )
        m_s, m_ns, c_s, c_ns = struct.unpack_from("=4Q", buffer, 88)
        return {
            "dev": dev, "ino": ino, "links": links, "mode": mode, "uid": uid, "gid": gid, "size": size,
            "block": block, "blocks": blocks,
            "mtime": m_s * _SECOND + m_ns, "ctime": c_s * _SECOND + c_ns, "rdev": rdev,
        }  # fmt: skip

    def _statx(self, at: int, path: bytes, flags: int) -> dict[str, int]:
        buffer = ctypes.create_string_buffer(256)
        syscall(_STATX, at, path, flags, 0xFFF, buffer)
        mask, block, _, links, uid, gid, mode, ino, size, blocks = struct.unpack_from("=IIQIIIHxxQQQ", buffer)
        seconds = [struct.unpack_from("=qI", buffer, 64 + 16 * n) for n in range(4)]
        _, birth, change, modified = [s * _SECOND + ns for s, ns in seconds]
        major, minor = struct.unpack_from("=II", buffer, 136)
        rmajor, rminor = struct.unpack_from("=II", buffer, 128)
        return {
            "dev": os.makedev(major, minor), "ino": ino, "links": links, "mode": mode, "uid": uid, "gid": gid,
            "size": size, "block": block, "blocks": blocks, "mtime": modified, "ctime": change,
            "rdev": os.makedev(rmajor, rminor), "birth": birth, "told_birth": bool(mask & _BIRTH),
        }  # fmt: skip

    def everything(self) -> str:
        """The same file by each call that there is."""
        path = os.fsencode(self.path)
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        python = os.stat(self.path)
        found = {
            "stat": self._stat(_STAT, path),
            "lstat": self._stat(_LSTAT, path),
            "fstat": self._stat(_FSTAT, fd),
            "newfstatat": self._stat(_NEWFSTATAT, _AT_FDCWD, path, 0),
            "newfstatat of a descriptor": self._stat(_NEWFSTATAT, fd, b"", _AT_EMPTY_PATH),
            "statx": self._statx(_AT_FDCWD, path, 0),
            "statx of a descriptor": self._statx(fd, b"", _AT_EMPTY_PATH),
            "os.stat": {
                "dev": python.st_dev, "ino": python.st_ino, "links": python.st_nlink, "mode": python.st_mode,
                "uid": python.st_uid, "gid": python.st_gid, "size": python.st_size,
                "block": python.st_blksize, "blocks": python.st_blocks,
                "mtime": python.st_mtime_ns, "ctime": python.st_ctime_ns, "rdev": python.st_rdev,
            },
        }  # fmt: skip
        os.close(fd)
        return json.dumps(found)

    def _times(self, path: str = "") -> tuple[int, int]:
        status = os.stat(path or self.path)
        return status.st_mtime_ns, status.st_ctime_ns

    def _inode(self, path: str = "") -> int:
        return os.stat(path or self.path).st_ino

    def look(self) -> str:
        status = self._statx(_AT_FDCWD, os.fsencode(self.path), 0)
        return json.dumps(
            [status["ino"], status["mtime"], status["ctime"], status["birth"], status["told_birth"]]
        )

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        os.write(fd, b"X")
        os.close(fd)

    def chmod(self) -> None:
        os.chmod(self.path, 0o640)

    def link_and_unlink(self) -> None:
        os.link(self.path, self.path + ".link")
        os.unlink(self.path + ".link")

    def clock(self) -> str:
        return json.dumps([time.time_ns(), round(time.time() * 1000), round(time.monotonic() * 1000)])

    def clocks_agree(self) -> str:
        assert time.time_ns() == time.monotonic_ns() == time.perf_counter_ns()
        assert time.time() == time.monotonic() == time.perf_counter()
        return "yes"

    def imported_clock(self) -> str:
        """A clock's function that was bound when the module was loaded."""
        return json.dumps([imported_time_ns(), time.time_ns()])

    def sleep(self) -> str:
        before = time.time_ns()
        time.sleep(86_400)
        return str(time.time_ns() - before)

    def no_sleep(self) -> str:
        before = time.time_ns()
        time.sleep(0)
        return str(time.time_ns() - before)

    def nanosleep(self) -> str:
        before = time.time_ns()
        syscall(_NANOSLEEP, struct.pack("=2q", 3600, 500), 0)
        return str(time.time_ns() - before)

    def sleep_for_ever(self) -> None:
        """As long as the interface allows, as ``sleep infinity`` does."""
        syscall(_NANOSLEEP, struct.pack("=2q", (1 << 63) - 1, 0), 0)

    def sleep_wrongly(self) -> str:
        """A nanosecond too many, and an address that is none."""
        found = []
        for request in (struct.pack("=2q", 0, 1_000_000_000), struct.pack("=2q", -1, 0), 16):
            try:
                syscall(_NANOSLEEP, request, 0)
            except OSError as error:
                found.append(error_of(error))
        return json.dumps(found)

    def clock_nanosleep(self) -> str:
        before = time.time_ns()
        syscall(_CLOCK_NANOSLEEP, time.CLOCK_MONOTONIC, 0, struct.pack("=2q", 3600, 500), 0)
        return str(time.time_ns() - before)

    def clock_nanosleep_until(self) -> str:
        before = time.time_ns()
        then = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + 3600 * _SECOND
        syscall(_CLOCK_NANOSLEEP, time.CLOCK_MONOTONIC, 1, struct.pack("=2q", *divmod(then, _SECOND)), 0)
        return str(time.time_ns() - before)

    def random(self) -> str:
        buffer = ctypes.create_string_buffer(8)
        assert syscall(_GETRANDOM, buffer, 8, 0) == 8
        device = os.open("/dev/urandom", os.O_RDONLY | os.O_CLOEXEC)
        os.close(device)
        return json.dumps([os.urandom(4).hex(), buffer.raw.hex(), str(uuid.uuid4()), random.random()])

    def random_by_vdso(self) -> str:
        """Numbers as glibc from 2.41 on draws them, and its question for the memory that it wants."""
        where = vdso.layout()
        assert where is not None
        if vdso.GETRANDOM not in where.functions:
            # Linux before 6.11
            return json.dumps([-errno.ENOSYS, self.random()])
        types = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_void_p, ctypes.c_size_t)
        address = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ulong)(("getauxval", ctypes.CDLL(None)))(
            vdso.AT_SYSINFO_EHDR
        )
        draw = ctypes.CFUNCTYPE(ctypes.c_long, *types)(address + where.functions[vdso.GETRANDOM])
        wanted, buffer = (ctypes.c_uint * 16)(), ctypes.create_string_buffer(8)
        asked = draw(None, 0, 0, wanted, ctypes.c_size_t(-1).value)
        with mmap.mmap(-1, mmap.PAGESIZE) as memory:
            state = (ctypes.c_char * 1).from_buffer(memory)
            assert draw(buffer, 8, 0, ctypes.addressof(state), wanted[0]) == 8
            del state
        return json.dumps([asked, buffer.raw.hex()])

    # Times set by hand

    def _set(self, modified: int) -> str:
        """utimensat with a given nanosecond field."""
        times = struct.pack("=4q", 11, 12, 1_234_567_890, modified)
        before = self._times()
        syscall(_UTIMENSAT, _AT_FDCWD, os.fsencode(self.path), times, 0)
        return json.dumps([before, self._times(), time.time_ns()])

    def set_explicitly(self) -> str:
        return self._set(123_456_789)

    def set_to_now(self) -> str:
        return self._set(_NOW)

    def set_nothing(self) -> str:
        return self._set(_OMIT)

    def set_without_times(self) -> str:
        before = self._times()
        os.utime(self.path)
        return json.dumps([before, self._times(), time.time_ns()])

    def set_by_descriptor(self) -> str:
        before = self._times()
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        os.utime(fd, ns=(5, 1_234_567_890_123_456_789))
        os.close(fd)
        return json.dumps([before, self._times(), time.time_ns()])

    def set_by_old_calls(self) -> str:
        path = os.fsencode(self.path)
        found = []
        syscall(_UTIME, path, struct.pack("=2q", 1, 77))
        found.append(self._times()[0])
        syscall(_UTIMES, path, struct.pack("=4q", 1, 2, 78, 9))
        found.append(self._times()[0])
        syscall(_FUTIMESAT, _AT_FDCWD, path, struct.pack("=4q", 1, 2, 79, 9))
        found.append(self._times()[0])
        return json.dumps(found)

    def set_and_fail(self) -> str:
        """Times that the kernel refuses."""
        before = self._times()
        try:
            syscall(_UTIMENSAT, _AT_FDCWD, os.fsencode(self.path), struct.pack("=4q", 1, 2, 3, -5), 0)
        except OSError:
            return json.dumps([before, self._times()])
        return "accepted"

    def write_and_fail(self) -> str:
        """Writes that the kernel refuses: the descriptor is for reading."""
        before = self._times()
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        for refused in (lambda: os.write(fd, b"X"), lambda: os.ftruncate(fd, 0)):
            try:
                refused()
            except OSError:
                continue
            return "accepted"
        os.close(fd)
        return json.dumps([before, self._times()])

    def set_through_symlink(self) -> str:
        """Once the link's own time, once that of its target."""
        os.symlink("transcript.jsonl", self.path + ".sym")
        before = self._times()
        os.utime(self.path + ".sym", ns=(1, 2), follow_symlinks=False)
        between = self._times(), os.lstat(self.path + ".sym").st_mtime_ns
        os.utime(self.path + ".sym", ns=(1, 3))
        return json.dumps([before[0], between[0][0], between[1], self._times()[0]])

    # Numbers

    def recreate(self) -> str:
        """The number before and after an unlink and a create."""
        before = self._inode()
        os.unlink(self.path)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        return json.dumps([before, self._inode()])

    def recreate_while_open(self) -> str:
        """The first file is still open when the second one is made, then closed, then a third is made."""
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        first = os.fstat(fd).st_ino
        os.unlink(self.path)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        second = self._inode()
        assert os.fstat(fd).st_ino == first
        os.close(fd)
        os.close(os.open(self.path + ".third", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        return json.dumps([first, second, self._inode(self.path + ".third")])

    def recreate_while_duplicated(self) -> str:
        """As above, by a descriptor and its copy, of which one is closed."""
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        other = os.dup(fd)
        first = os.fstat(fd).st_ino
        os.unlink(self.path)
        os.close(fd)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        second, again = self._inode(), os.fstat(other).st_ino
        os.close(other)
        return json.dumps([first, second, again])

    def rename_over_twice(self) -> str:
        numbers = [self._inode()]
        for _ in range(2):
            os.close(os.open(self.path + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
            os.rename(self.path + ".tmp", self.path)
            numbers.append(self._inode())
        return json.dumps(numbers)

    def rename_keeps(self) -> str:
        before = self._inode()
        os.rename(self.path, self.path + ".old")
        return json.dumps([before, self._inode(self.path + ".old")])

    def really(self) -> str:
        """Only under ``real``: told and real numbers, by a directory's own listing."""
        numbers = []
        for name in ("one", "two"):
            path = f"{self.path}.{name}"
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
            listed = {entry.name: entry.inode() for entry in os.scandir(os.path.dirname(path))}
            numbers.append([self._inode(path), listed[os.path.basename(path)]])
            os.unlink(path)
        return json.dumps(numbers)

    def symlink_look(self) -> str:
        os.symlink("transcript.jsonl", self.path + ".sym")
        link, target = os.lstat(self.path + ".sym"), os.stat(self.path + ".sym")
        assert self._stat(_LSTAT, os.fsencode(self.path + ".sym"))["ino"] == link.st_ino
        assert self._stat(_STAT, os.fsencode(self.path + ".sym"))["ino"] == target.st_ino
        assert (
            self._statx(_AT_FDCWD, os.fsencode(self.path + ".sym"), _AT_SYMLINK_NOFOLLOW)["ino"]
            == link.st_ino
        )
        return json.dumps([link.st_ino, target.st_ino, self._inode(), link.st_size, target.st_size])

    def directory_look(self) -> str:
        status = os.stat(os.path.dirname(self.path))
        return json.dumps([status.st_ino, status.st_mtime_ns])

    def device_look(self) -> str:
        status = os.stat("/dev/null")
        return json.dumps([status.st_rdev, status.st_mode])

    def missing_look(self) -> str:
        try:
            os.stat(self.path + ".missing")
        except FileNotFoundError:
            return "missing"
        return "there"
