"""Attempts to change something outside the session directory, one method each."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import threading

from tests.harness.gates.kernel.words import Words, error_of, syscall

__all__ = ["Escaping"]

_CREAT, _FUTIMESAT, _OPENAT2, _FREMOVEXATTR, _LREMOVEXATTR = 85, 261, 437, 199, 198
_AT_FDCWD = -100
_RACES = 900
_libc = ctypes.CDLL(None)


class Escaping(Words):
    """``victim`` and ``empty`` lie beside the session directory; every method says what came of it."""

    @property
    def _beside(self) -> str:
        return os.path.dirname(os.path.dirname(self.path))

    @property
    def _victim(self) -> str:
        return f"{self._beside}/victim"

    @property
    def _new(self) -> str:
        return f"{self._beside}/new"

    def append(self, entries: object) -> None:
        try:
            super().append(entries)  # type: ignore[arg-type]
        except OSError as error:
            from fence.errors import TakeoverError

            raise TakeoverError(error_of(error)) from None

    def _open(self, path: str, flags: int) -> str:
        os.close(os.open(path, flags | os.O_CLOEXEC, 0o600))
        return "opened"

    def _reading(self) -> int:
        return os.open(self._victim, os.O_RDONLY | os.O_CLOEXEC)

    def _linked(self) -> str:
        """A symlink inside that leads to the victim."""
        path = self.path + ".out"
        os.symlink(self._victim, path)
        return path

    def open_to_write(self) -> str:
        return self._open(self._victim, os.O_WRONLY)

    def open_to_truncate(self) -> str:
        return self._open(self._victim, os.O_RDONLY | os.O_TRUNC)

    def open_to_create(self) -> str:
        return self._open(self._new, os.O_RDONLY | os.O_CREAT)

    def open_relative(self) -> str:
        return self._open("../victim", os.O_RDWR)

    def open_device_like(self) -> str:
        return self._open(f"/dev/..{self._victim}", os.O_WRONLY)

    def open_shared_memory(self) -> str:
        return self._open(f"/dev/shm/harness-escape-{os.getpid()}", os.O_WRONLY | os.O_CREAT)

    def open_unnamed(self) -> str:
        return self._open(self._beside, os.O_RDWR | os.O_TMPFILE)

    def openat2(self) -> str:
        how = (ctypes.c_uint64 * 3)(os.O_WRONLY, 0, 0)
        os.close(syscall(_OPENAT2, _AT_FDCWD, os.fsencode(self._victim), how, 24))
        return "opened"

    def creat(self) -> str:
        os.close(syscall(_CREAT, os.fsencode(self._victim), 0o600))
        return "created"

    def by_descriptor(self) -> str:
        fd = self._reading()
        try:
            return self._open(f"/proc/self/fd/{fd}", os.O_WRONLY)
        finally:
            os.close(fd)

    def truncate(self) -> None:
        os.truncate(self._victim, 1)

    def rename_in(self) -> None:
        os.rename(self._victim, self.path)

    def rename_out(self) -> None:
        os.rename(self.path, self._victim)

    def rename_outside(self) -> None:
        os.rename(self._victim, self._new)

    def link_in(self) -> None:
        os.link(self._victim, self.path + ".link")

    def link_out(self) -> None:
        os.link(self.path, self._new)

    def link_outside(self) -> None:
        os.link(self._victim, self._new)

    def symlink(self) -> None:
        os.symlink("x", self._new)

    def unlink(self) -> None:
        os.unlink(self._victim)

    def mkdir(self) -> None:
        os.mkdir(self._new)

    def rmdir(self) -> None:
        os.rmdir(f"{self._beside}/empty")

    def mkfifo(self) -> None:
        os.mkfifo(self._new)

    def bind(self) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(self._new)

    def chmod(self) -> None:
        os.chmod(self._victim, 0o777)

    def fchmod(self) -> None:
        fd = self._reading()
        try:
            os.fchmod(fd, 0o777)
        finally:
            os.close(fd)

    def chown(self) -> None:
        os.chown(self._victim, os.getuid(), os.getgid())

    def fchown(self) -> None:
        fd = self._reading()
        try:
            os.fchown(fd, os.getuid(), os.getgid())
        finally:
            os.close(fd)

    def utime(self) -> None:
        os.utime(self._victim, (1, 1))

    def utime_by_descriptor(self) -> None:
        fd = self._reading()
        try:
            os.utime(fd, (1, 1))
        finally:
            os.close(fd)

    def futimesat_by_descriptor(self) -> None:
        fd = self._reading()
        try:
            syscall(_FUTIMESAT, fd, 0, 0)
        finally:
            os.close(fd)

    def setxattr(self) -> None:
        os.setxattr(self._victim, "user.mark", b"changed")

    def fsetxattr(self) -> None:
        fd = self._reading()
        try:
            os.setxattr(fd, "user.mark", b"changed")
        finally:
            os.close(fd)

    def removexattr(self) -> None:
        os.removexattr(self._victim, "user.mark")

    def lremovexattr(self) -> None:
        syscall(_LREMOVEXATTR, os.fsencode(self._victim), b"user.mark")

    def fremovexattr(self) -> None:
        fd = self._reading()
        try:
            syscall(_FREMOVEXATTR, fd, b"user.mark")
        finally:
            os.close(fd)

    def symlink_then_write(self) -> str:
        return self._open(self._linked(), os.O_WRONLY)

    def symlink_then_truncate(self) -> None:
        os.truncate(self._linked(), 0)

    def symlink_then_chmod(self) -> None:
        os.chmod(self._linked(), 0o777)

    def symlink_then_utime(self) -> None:
        os.utime(self._linked(), (1, 1))

    def symlink_then_setxattr(self) -> None:
        os.setxattr(self._linked(), "user.mark", b"changed")

    def symlink_then_create(self) -> str:
        os.symlink(self._new, self.path + ".out")
        return self._open(self.path + ".out", os.O_WRONLY | os.O_CREAT)

    def symlink_twice(self) -> str:
        os.symlink(os.path.basename(self._linked()), self.path + ".twice")
        return self._open(self.path + ".twice", os.O_WRONLY)

    def symlink_of_directory(self) -> str:
        os.symlink("..", self.path + ".up")
        return self._open(self.path + ".up/victim", os.O_WRONLY)

    def remove_session(self) -> None:
        os.rmdir(os.path.dirname(self.path))

    def rename_session(self) -> None:
        os.rename(os.path.dirname(self.path), self._new)

    # Calls that are allowed

    def read(self) -> str:
        fd = os.open(self._victim, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 100).decode()
        finally:
            os.close(fd)

    def read_by_symlink(self) -> str:
        fd = os.open(self._linked(), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 100).decode()
        finally:
            os.close(fd)

    def null_device(self) -> str:
        fd = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
        try:
            return str(os.write(fd, b"gone"))
        finally:
            os.close(fd)

    def missing(self) -> str:
        try:
            os.stat(self._beside + "/missing")
        except OSError as error:
            assert error.errno == errno.ENOENT
            return "ENOENT"
        return "found"

    # Other ways than file calls

    def _process(self) -> int:
        """A process outside; its id is what the empty folder's neighbour says."""
        with open(f"{self._beside}/process", encoding="ascii") as file:
            return int(file.read())

    def signal_outside(self) -> None:
        os.kill(self._process(), signal.SIGTERM)

    def signal_all(self) -> None:
        os.kill(-1, signal.SIGTERM)

    def signal_outside_group(self) -> None:
        os.killpg(os.getpgid(self._process()), signal.SIGTERM)

    def signal_explorer(self) -> None:
        os.kill(os.getppid(), signal.SIGTERM)

    def descriptor_of_process(self) -> None:
        os.close(os.pidfd_open(self._process()))

    def limit_explorer(self) -> None:
        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (1024, 1024))

    def pin_explorer(self) -> None:
        os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0))

    def trace_explorer(self) -> None:
        syscall(101, 0x4206, os.getppid(), 0, 0)

    def write_memory(self) -> None:
        syscall(311, os.getppid(), 0, 0, 0, 0, 0)

    def unshare(self) -> None:
        syscall(272, 0x20000)

    def mount(self) -> None:
        syscall(165, b"none", os.fsencode(f"{self._beside}/empty"), b"tmpfs", 0, 0)

    def chroot(self) -> None:
        os.chroot(self._beside)

    def shared_memory(self) -> None:
        syscall(29, 0, 4096, 0o1600)

    def semaphore(self) -> None:
        syscall(64, 0, 1, 0o1600)

    def message_queue(self) -> None:
        syscall(68, 0, 0o1600)

    def posix_queue(self) -> None:
        syscall(240, b"takeover-harness-escape", os.O_CREAT | os.O_RDWR, 0o600, 0)

    def key(self) -> None:
        syscall(248, b"user", b"takeover-harness", b"x", 1, -1)

    def set_clock(self) -> None:
        # Asks for nothing, and is refused all the same: its question is in memory.
        syscall(159, ctypes.create_string_buffer(256))

    def device_node(self) -> None:
        os.mknod(self.path + ".null", 0o20600, os.makedev(1, 3))

    def look_whether_alive(self) -> str:
        os.kill(self._process(), 0)
        return "alive"

    def stderr_by_name(self) -> str:
        reading, writing = os.pipe()
        try:
            with open(f"/proc/self/fd/{writing}", "wb", buffering=0) as file:
                file.write(b"word")
            return os.read(reading, 10).decode()
        finally:
            os.close(reading)
            os.close(writing)

    def race_of_paths(self) -> str:
        """Open to truncate, again and again, while another thread changes which file is meant."""
        inside, outside = os.fsencode(self.path + ".own"), os.fsencode(self._victim)
        os.close(os.open(inside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        buffer = ctypes.create_string_buffer(max(len(inside), len(outside)) + 1)
        buffer.value = inside
        over = threading.Event()

        def change() -> None:
            while not over.is_set():
                buffer.value = outside
                buffer.value = inside

        thread = threading.Thread(target=change)
        thread.start()
        try:
            for _ in range(_RACES):
                fd = _libc.open(buffer, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
                if fd >= 0:
                    os.close(fd)
        finally:
            over.set()
            thread.join()
        return "raced"

    def open_by_handle(self) -> str:
        return self._open_by_handle(self._beside)

    def open_by_handle_from_inside(self) -> str:
        return self._open_by_handle(os.path.dirname(self.path))

    def _open_by_handle(self, at: str) -> str:
        """Open the victim by its handle; the other path only says on which file system it is."""

        class Handle(ctypes.Structure):
            _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]

        libc = ctypes.CDLL(None, use_errno=True)
        handle, mount = Handle(128), ctypes.c_int()
        # Where the file system has no handles, an empty one is tried.
        libc.name_to_handle_at(_AT_FDCWD, self._victim.encode(), ctypes.byref(handle), ctypes.byref(mount), 0)
        fd = libc.open_by_handle_at(
            os.open(at, os.O_RDONLY | os.O_CLOEXEC), ctypes.byref(handle), os.O_WRONLY | os.O_TRUNC
        )
        return "opened" if fd >= 0 else errno.errorcode[ctypes.get_errno()]
