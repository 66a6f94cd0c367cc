"""A fence that makes calls which the kernel refuses without a trap; a method each."""

from __future__ import annotations

import array
import errno
import fcntl
import mmap
import multiprocessing
import os
import signal
import socket
import subprocess

from tests.harness.gates.kernel.words import Words, syscall

__all__ = ["Walled"]

#: Beside this file; it is never there.
_OUTSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness-test-is-never-made")
_GETPID_OF_X32, _SHMGET, _EXCLUSIVE = 0x40000000 + 39, 29, 0o1600

_RNDGETENTCNT, _SO_MARK, _SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x80045200, 36, 0x8913, 0x8914


class Walled(Words):
    """Some are refused by walls, and the others would fail anywhere."""

    def ask_device(self) -> None:
        with open("/dev/urandom", "rb", buffering=0) as device:
            fcntl.ioctl(device, _RNDGETENTCNT, array.array("i", [0]))

    def connect_outside(self) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect("\0" + os.path.dirname(self.path))

    def mark_packets(self) -> None:
        with socket.socket(socket.AF_INET) as one:
            one.setsockopt(socket.SOL_SOCKET, _SO_MARK, 1)

    def debug_socket(self) -> None:
        with socket.socket(socket.AF_INET) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_DEBUG, 1)

    def hurry(self) -> None:
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) - 1)

    def bring_up(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            flags = fcntl.ioctl(one, _SIOCGIFFLAGS, b"lo".ljust(40, b"\0"))
            fcntl.ioctl(one, _SIOCSIFFLAGS, flags)

    def connect_to_nobody(self) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect("\0" + os.path.dirname(self.path) + "/nobody")

    def map_to_write(self) -> None:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            mmap.mmap(fd, 1, prot=mmap.PROT_WRITE)
        finally:
            os.close(fd)

    def start_what_is_no_program(self) -> None:
        subprocess.run(["/etc/passwd"], check=True)

    def raise_it(self) -> None:
        raise PermissionError(errno.EPERM, "as I say")

    def share_memory(self) -> None:
        syscall(_SHMGET, 0, 4096, _EXCLUSIVE)

    def call_of_x32(self) -> None:
        syscall(_GETPID_OF_X32)

    def open_outside(self) -> None:
        open(_OUTSIDE, "w").close()

    def pipe_outside(self) -> None:
        os.mkfifo(_OUTSIDE)

    def rename_outside(self) -> None:
        os.rename(self.path, _OUTSIDE)

    def make_a_semaphore(self) -> None:
        multiprocessing.Lock()

    def start_what_writes_too_much(self) -> None:
        # With a limit of its own, because a gate alone sets none.
        command = 'ulimit -f 1; exec dd if=/dev/zero of="$0.big" bs=1M count=1'
        subprocess.run(["sh", "-c", command, self.path], check=True, stderr=subprocess.DEVNULL)

    def start_what_fails(self) -> None:
        subprocess.run(["false"], check=True)

    def signal_outside(self) -> None:
        os.kill(os.getppid(), signal.SIGURG)

    def change_root(self) -> None:
        os.chroot(os.path.dirname(self.path))

    def refuse_itself_a_file(self) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"{self.path}.own")

    def refuse_itself_the_session(self) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.path.dirname(self.path))
