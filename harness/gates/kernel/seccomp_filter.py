"""The seccomp filter that a worker installs on itself.

Classic BPF sees a call's number and plain arguments and nothing behind a
pointer, so every file call of the program traps and the supervisor tells those
in the session directory from the rest. The kernel alone
lets calls through that cannot touch a file.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct

from harness.gates.kernel import linux_abi
from harness.gates.kernel.syscall_table import EVENTFDS, NEW_NAMESPACE, REFUSED, TIMERS
from harness.model.errors import GateUnavailable

__all__ = ["build", "build_without_supervisor", "install", "install_without_supervisor"]

_LD, _JEQ, _JGE, _JSET, _RET, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NR, _ARCH = 0, 4
_REFUSED = linux_abi.RET_ERRNO | errno.ENOSYS
_JUMP_MAX = 255

# Trapped with any arguments.
_ALWAYS = [
    "openat", "newfstatat", "statx", "unlink", "unlinkat", "rename", "renameat2", "open",
    "stat", "lstat", "creat", "access", "readlink", "truncate", "link", "symlink", "chmod",
    "chown", "lchown", "mkdir", "rmdir", "mknod", "utime", "utimes", "futimesat", "mkdirat",
    "mknodat", "fchownat", "renameat", "linkat", "symlinkat", "readlinkat", "fchmodat",
    "fchmodat2", "faccessat", "faccessat2", "utimensat", "openat2",
    "name_to_handle_at", "setxattr", "lsetxattr", "removexattr", "nanosleep", "clock_nanosleep",
    "getrandom", "clone", "fork", "vfork", "execve", "execveat", "dup2", "dup3",
    "close_range", "copy_file_range", "splice", "sendfile", "msync", "bind", "dup",
    "lremovexattr", "fremovexattr", "setxattrat", "removexattrat", "write", "close", "eventfd",
    "eventfd2",
    "fstat", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "preadv2",
    "pwritev2", "flock", "fsync", "fdatasync", "ftruncate", "getdents", "getdents64", "fchmod",
    "fchown", "fsetxattr", "fallocate", "sendto", "kill", "tkill", "tgkill",
    "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "setpriority",
    "ioprio_set", "file_getattr", "file_setattr", "gettimeofday", "time", "chdir",
    "sched_setaffinity", "sched_setscheduler",
]  # fmt: skip

# SETLK, SETLKW, OFD_SETLK, OFD_SETLKW, SETLEASE, DUPFD, DUPFD_CLOEXEC, SETOWN, SETOWN_EX
_FCNTL = (6, 7, 37, 38, 1024, 0, 1030, 8, 15)
# About the caller itself where the first argument is 0.
_OF_A_PROCESS = ("prlimit64", "sched_setparam", "sched_setattr")
# Answered as an older kernel would. Programs then use older calls, of which a filter sees what they want:
# io_uring and io_submit write without a call that could be stopped, and clone3 has its flags in memory.
_UNKNOWN = (
    "io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit", "clone3",
)  # fmt: skip
# Waits with a time-out: the argument that has it, in milliseconds, or where it stands.
_WAITS_MS = {"poll": 2, "epoll_wait": 3, "epoll_pwait": 3}
_WAITS = ("ppoll", "select", "pselect6", "epoll_pwait2")
# Of the three timers of setitimer the one that counts real time; the others count processor time.
_ITIMERS, _ITIMER_REAL = ("setitimer", "getitimer"), 0
# Of a futex: FUTEX_WAIT and FUTEX_WAIT_BITSET, without the flags in higher bits.
_FUTEX_MASK, _FUTEX_WAITS = 0x7F, (0, 9)
# FIOSETOWN and SIOCSPGRP: F_SETOWN by another name. TIOCSTI, TIOCLINUX, TIOCCONS and TIOCSETD: type in a
# program's place, or have the kernel do something else with a terminal than to be one.
_FORBIDDEN = (0x8901, 0x8902, 0x5412, 0x541C, 0x541D, 0x5423)
# FICLONE, FICLONERANGE, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR
_IOCTL = (0x40049409, 0x4020940D, 0x40086602, 0x401C5820)
_SEEK_END, _MAP_SHARED, _WNOHANG, _ARCH_SET_FS = 2, 1, 1, 0x1002


def _argument(index: int) -> int:
    return 16 + 8 * index


class _Assembler:
    """Forward jumps by label; offsets are resolved at the end."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, int, str, str]] = []
        self.labels: dict[str, int] = {}

    def emit(self, code: int, k: int, true: str = "", false: str = "") -> None:
        self.lines.append((code, k, true, false))

    def label(self, name: str) -> None:
        self.labels[name] = len(self.lines)

    def bytes(self) -> bytes:
        out = []
        for at, (code, k, true, false) in enumerate(self.lines):
            jumps = [self.labels[name] - at - 1 if name else 0 for name in (true, false)]
            assert all(0 <= jump <= _JUMP_MAX for jump in jumps), (at, jumps)
            out.append(struct.pack("=HBBI", code, *jumps, k))
        return b"".join(out)


@functools.cache
def build() -> bytes:
    """Assemble the filter."""
    asm, number = _begin(), linux_abi.NUMBERS
    # Of all calls the one whose price matters most to a runtime.
    asm.emit(_JEQ, number["clock_gettime"], "clock_gettime")
    # By which lanes stop by themselves.
    asm.emit(_JEQ, number["sched_yield"], "trap now")
    for name in _UNKNOWN:
        asm.emit(_JEQ, number[name], "refuse now")
    asm.emit(_JEQ, number["mmap"], "mmap")
    asm.emit(_JEQ, number["lseek"], "lseek")
    asm.emit(_JEQ, number["fcntl"], "fcntl")
    asm.emit(_JEQ, number["ioctl"], "ioctl")
    asm.emit(_JEQ, number["wait4"], "wait4")
    asm.emit(_JEQ, number["waitid"], "waitid")
    asm.emit(_JEQ, number["read"], "read")
    asm.emit(_JEQ, number["arch_prctl"], "arch_prctl")
    asm.emit(_JEQ, number["futex"], "futex")
    for name in _WAITS_MS:
        asm.emit(_JEQ, number[name], name)
    for name in _WAITS:
        asm.emit(_JEQ, number[name], name)
    for name in _ALWAYS:
        asm.emit(_JEQ, number[name], "trap now")
    for name in _OF_A_PROCESS:
        asm.emit(_JEQ, number[name], "of a process")
    for name in REFUSED:
        asm.emit(_JEQ, number[name], "trap now")
    # Nearly never made, and so asked for last.
    asm.emit(_JGE, 0, "timers")
    # A jump reaches 255 lines at most.
    asm.label("trap now")
    asm.emit(_RET, linux_abi.RET_USER_NOTIF)
    asm.label("refuse now")
    asm.emit(_RET, _REFUSED)
    _emit_waits(asm)
    _emit_arguments(asm)
    _emit_timers(asm)
    return _with_answers(asm)


def _emit_waits(asm: _Assembler) -> None:
    """Emit which waits end by time."""
    # A time-out of 0 does not wait, and none never ends.
    for name, place in _WAITS_MS.items():
        asm.label(name)
        asm.emit(_LD, _argument(place))
        asm.emit(_JEQ, 0, "allow")
        asm.emit(_JGE, 0x80000000, "allow", "trap")
    asm.label("futex")
    asm.emit(_LD, _argument(1))
    asm.emit(_AND, _FUTEX_MASK)
    for command in _FUTEX_WAITS:
        asm.emit(_JEQ, command, "epoll_pwait2")
    asm.emit(_RET, linux_abi.RET_ALLOW)
    asm.label("epoll_pwait2")
    asm.emit(_LD, _argument(3))
    asm.emit(_JEQ, 0, "allow", "trap")
    asm.label("ppoll")
    asm.emit(_LD, _argument(2))
    asm.emit(_JEQ, 0, "allow", "trap")
    asm.label("select")
    asm.label("pselect6")
    asm.emit(_LD, _argument(4))
    asm.emit(_JEQ, 0, "allow", "trap")


def _emit_arguments(asm: _Assembler) -> None:
    """Emit what is asked of the arguments of some calls."""
    asm.label("of a process")
    asm.emit(_LD, _argument(0))
    asm.emit(_JEQ, 0, "allow", "trap")
    # The first call of every program that has threads or errno, before it reads a clock.
    asm.label("arch_prctl")
    asm.emit(_LD, _argument(0))
    asm.emit(_JEQ, _ARCH_SET_FS, "trap", "allow")
    asm.label("mmap")
    asm.emit(_LD, _argument(4))
    asm.emit(_JEQ, 0xFFFFFFFF, "allow")
    asm.emit(_LD, _argument(3))
    asm.emit(_JSET, _MAP_SHARED, "trap", "allow")
    asm.label("lseek")
    asm.emit(_LD, _argument(2))
    asm.emit(_JEQ, _SEEK_END, "trap", "allow")
    asm.label("fcntl")
    asm.emit(_LD, _argument(1))
    for command in _FCNTL:
        asm.emit(_JEQ, command, "trap")
    asm.emit(_RET, linux_abi.RET_ALLOW)
    # A clock that stays the machine's, read by the code that the supervisor has put into an adapter (`vdso`).
    asm.label("clock_gettime")
    asm.emit(_LD, _argument(0) + 4)
    asm.emit(_JEQ, linux_abi.UNTRAPPED, "allow", "trap")
    # The answer to a mere question whether a child has ended depends on which process is faster.
    asm.label("wait4")
    asm.emit(_LD, _argument(2))
    asm.emit(_JSET, _WNOHANG, "trap", "allow")
    asm.label("waitid")
    asm.emit(_LD, _argument(3))
    asm.emit(_JSET, _WNOHANG, "trap", "allow")
    # The read that wakes a process has a number of its own.
    asm.label("read")
    asm.emit(_LD, _argument(0))
    asm.emit(_JGE, EVENTFDS.stop, "trap")
    asm.emit(_JGE, EVENTFDS.start, "allow", "trap")
    asm.label("ioctl")
    asm.emit(_LD, _argument(1))
    for request in _IOCTL:
        asm.emit(_JEQ, request, "trap")
    for request in _FORBIDDEN:
        asm.emit(_JEQ, request, "forbid")
    asm.emit(_RET, linux_abi.RET_ALLOW)


def _emit_timers(asm: _Assembler) -> None:
    """Emit which calls are about timers of the real time, what is used, and the wait for a signal."""
    number = linux_abi.NUMBERS
    asm.label("timers")
    for name in _ITIMERS:
        asm.emit(_JEQ, number[name], "itimer")
    for name in TIMERS:
        if name not in _ITIMERS:
            asm.emit(_JEQ, number[name], "trap")
    for name in ("sysinfo", "times", "getrusage", "sched_getaffinity"):
        asm.emit(_JEQ, number[name], "trap")
    asm.emit(_JEQ, number["rt_sigtimedwait"], "rt_sigtimedwait", "allow")
    asm.label("itimer")
    asm.emit(_LD, _argument(0))
    asm.emit(_JEQ, _ITIMER_REAL, "trap", "allow")
    asm.label("rt_sigtimedwait")
    asm.emit(_LD, _argument(2))
    asm.emit(_JEQ, 0, "allow", "trap")


@functools.cache
def build_without_supervisor() -> bytes:
    """Assemble the filter of the free gate, which refuses what the other one lets be refused."""
    asm, number = _begin(), linux_abi.NUMBERS
    asm.emit(_JEQ, number["clone3"], "refuse")
    asm.emit(_JEQ, number["clone"], "clone")
    for name in REFUSED:
        asm.emit(_JEQ, number[name], "forbid")
    asm.emit(_RET, linux_abi.RET_ALLOW)
    asm.label("clone")
    asm.emit(_LD, _argument(0))
    asm.emit(_JSET, NEW_NAMESPACE, "forbid", "allow")
    return _with_answers(asm)


def _begin() -> _Assembler:
    """Begin a filter: load the number of the call, and refuse other tables of calls (i386, x32)."""
    asm = _Assembler()
    asm.emit(_LD, _ARCH)
    asm.emit(_JEQ, linux_abi.ARCH, "known")
    asm.emit(_RET, _REFUSED)
    asm.label("known")
    asm.emit(_LD, _NR)
    asm.emit(_JGE, 0x40000000, "", "numbered")
    asm.emit(_RET, _REFUSED)
    asm.label("numbered")
    return asm


def _with_answers(asm: _Assembler) -> bytes:
    """End a filter: the answers of its labels; a call that falls through is allowed."""
    for label, answer in (
        ("allow", linux_abi.RET_ALLOW),
        ("trap", linux_abi.RET_USER_NOTIF),
        ("refuse", _REFUSED),
        ("forbid", linux_abi.RET_ERRNO | errno.EPERM),
    ):
        asm.label(label)
        asm.emit(_RET, answer)
    return asm.bytes()


def install(interruptible: bool = False) -> int:
    """Put the calling thread, and all it will start, under the filter.

    Args:
        interruptible: whether a signal interrupts a trapped call, which is then trapped again. A debugger
            that attaches to a process needs it.

    Returns:
        The listener's descriptor, to be handed to the supervisor.

    Raises:
        GateUnavailable: the kernel said no; the message says what to do.
    """
    flags = linux_abi.FILTER_FLAG_NEW_LISTENER
    if not interruptible:
        flags |= linux_abi.FILTER_FLAG_WAIT_KILLABLE_RECV
    listener = _install(build(), flags)
    if listener < 0:
        raise GateUnavailable(f"seccomp user notification: {_reason(ctypes.get_errno())}")
    return listener


def install_without_supervisor() -> bool:
    """Put the calling thread, and all it will start, under the filter of the free gate.

    Returns:
        Whether this machine has such a filter.
    """
    return not linux_abi.supported() and _install(build_without_supervisor(), 0) == 0


def _install(program: bytes, flags: int) -> int:
    """Install a filter and return the kernel's answer; errno is set where it is negative."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(
        struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code)), 16
    )
    if libc.prctl(linux_abi.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise GateUnavailable(f"prctl(PR_SET_NO_NEW_PRIVS): {os.strerror(ctypes.get_errno())}")
    return int(libc.syscall(317, linux_abi.SECCOMP_SET_MODE_FILTER, flags, header))


def _reason(code: int) -> str:
    if code == errno.EBUSY:
        return (
            "another listener is installed around this process already (some container runtimes do that); "
            "run outside of it, or without its seccomp agent"
        )
    if code == errno.EINVAL:
        return "the kernel is older than 5.19 or built without seccomp filters"
    return f"{os.strerror(code)}; a container may forbid seccomp(2), allow it in its profile"
