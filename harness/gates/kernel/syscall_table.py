"""Signatures of the trapped system calls: which arguments name a file, and what it does.

The table is the only place that knows a call's signature. `file_calls` resolves
the names, `effect_recorder` records what a call did.
"""

from __future__ import annotations

import functools
import os

from harness.gates.kernel import linux_abi
from harness.gates.kernel.call_signature import Call

__all__ = [
    "ABOUT_A_PROCESS",
    "CALLS",
    "CHDIR",
    "EVENTFDS",
    "FLOCK",
    "MAKES_DIRECTORY",
    "NEW_NAMESPACE",
    "REFUSED",
    "TIMED",
    "TIMERS",
    "Call",
    "open_note",
    "opens_for_writing",
]


#: Calls whose first argument, or second where it says so, is a process; 0 stands for the caller.
ABOUT_A_PROCESS = (
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "prlimit64", "setpriority", "ioprio_set"),
    *("sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr"),
)
#: Calls that wait for something, at most for a time that is among their arguments.
TIMED = (
    *("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2", "futex"),
    "rt_sigtimedwait",
)
#: Calls about timers that send a signal or make a descriptor readable.
TIMERS = (
    *("alarm", "setitimer", "getitimer"),
    *("timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete"),
    *("timerfd_create", "timerfd_settime", "timerfd_gettime"),
)
#: Flags with which a new task gets namespaces of its own: CLONE_NEWNS and its like.
NEW_NAMESPACE = 0x7E020000
#: Calls that are about the machine, about other processes, or that leave something behind.
REFUSED = (
    # Namespaces, roots and mounts
    *("unshare", "setns", "chroot", "pivot_root", "mount", "umount2", "open_tree", "move_mount", "fsopen"),
    *("fsconfig", "fsmount", "fspick", "mount_setattr", "open_tree_attr", "open_by_handle_at"),
    # Other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "process_madvise"),
    *("process_mrelease", "kcmp", "move_pages", "migrate_pages"),
    # Files that are written or watched without a call that could be stopped
    *("userfaultfd", "fanotify_init", "fanotify_mark"),
    # Objects that outlive a process
    *("shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl"),
    *("msgget", "msgsnd", "msgrcv", "msgctl", "add_key", "request_key", "keyctl"),
    *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"),
    # The machine
    *("bpf", "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load"),
    *("kexec_file_load", "reboot", "swapon", "swapoff", "sethostname", "setdomainname", "iopl", "ioperm"),
    *("acct", "quotactl", "quotactl_fd", "syslog", "vhangup", "settimeofday", "clock_settime"),
    *("adjtimex", "clock_adjtime"),
)

_TABLE = [
    Call("read", "look", fd=0),
    Call("pread64", "look", fd=0),
    Call("readv", "look", fd=0),
    Call("preadv", "look", fd=0),
    Call("preadv2", "look", fd=0),
    Call("getdents", "look", fd=0),
    Call("getdents64", "look", fd=0),
    Call("lseek", "look", fd=0),
    Call("fsync", "look", fd=0),
    Call("fdatasync", "look", fd=0),
    Call("msync", "look"),
    Call("write", "data", fd=0),
    Call("pwrite64", "data", fd=0),
    Call("writev", "data", fd=0),
    Call("pwritev", "data", fd=0),
    Call("pwritev2", "data", fd=0),
    Call("ftruncate", "data", fd=0),
    Call("fallocate", "data", fd=0),
    Call("ioctl", "data", fd=0),
    Call("sendfile", "data", fd=0),
    Call("splice", "data", fd=2),
    Call("copy_file_range", "data", fd=2),
    Call("truncate", "data", path=0),
    Call("fchmod", "meta", fd=0),
    Call("fchown", "meta", fd=0),
    Call("fsetxattr", "meta", fd=0),
    Call("chmod", "meta", path=0),
    Call("chown", "meta", path=0),
    Call("lchown", "meta", path=0),
    Call("setxattr", "meta", path=0),
    Call("lsetxattr", "meta", path=0),
    Call("removexattr", "meta", path=0),
    Call("lremovexattr", "meta", path=0),
    Call("fremovexattr", "meta", fd=0),
    Call("setxattrat", "meta", at=0, path=1),
    Call("file_setattr", "meta", at=0, path=1),
    Call("removexattrat", "meta", at=0, path=1),
    Call("fchmodat", "meta", at=0, path=1),
    Call("fchmodat2", "meta", at=0, path=1),
    Call("fchownat", "meta", at=0, path=1),
    Call("utime", "meta", path=0),
    Call("utimes", "meta", path=0),
    Call("futimesat", "meta", at=0, path=1),
    Call("utimensat", "meta", at=0, path=1),
    Call("rename", "names", path=0, path2=1),
    Call("renameat", "names", at=0, path=1, at2=2, path2=3),
    Call("renameat2", "names", at=0, path=1, at2=2, path2=3, flags=4),
    Call("link", "names", path=0, path2=1, asks=True),
    Call("linkat", "names", at=0, path=1, at2=2, path2=3, asks=True),
    Call("symlink", "names", path=1, asks=True),
    Call("symlinkat", "names", at=1, path=2, asks=True),
    Call("unlink", "names", path=0),
    Call("unlinkat", "names", at=0, path=1, flags=2),
    Call("mkdir", "names", path=0, asks=True),
    Call("mkdirat", "names", at=0, path=1, asks=True),
    Call("rmdir", "names", path=0),
    Call("mknod", "names", path=0),
    Call("mknodat", "names", at=0, path=1),
    Call("open", "open", path=0, flags=1),
    Call("openat", "open", at=0, path=1, flags=2),
    Call("openat2", "open", at=0, path=1),
    Call("creat", "open", path=0),
    Call("bind", "bind"),
    Call("close", "close", fd=0),
    Call("flock", "lock", fd=0, asks=True),
    Call("fcntl", "lock", fd=0, asks=True),
    Call("mmap", "map", fd=4),
    Call("stat", "stat", path=0),
    Call("lstat", "stat", path=0),
    Call("fstat", "stat", fd=0),
    Call("newfstatat", "stat", at=0, path=1, flags=3),
    Call("statx", "stat", at=0, path=1, flags=2),
    Call("access", "look", path=0),
    Call("faccessat", "look", at=0, path=1),
    Call("faccessat2", "look", at=0, path=1),
    Call("chdir", "look", path=0),
    Call("readlink", "look", path=0),
    Call("readlinkat", "look", at=0, path=1),
    Call("name_to_handle_at", "look", at=0, path=1),
    Call("file_getattr", "look", at=0, path=1),
    Call("nanosleep", "sleep"),
    Call("clock_nanosleep", "sleep"),
    Call("getrandom", "random"),
    Call("clock_gettime", "clock"),
    Call("gettimeofday", "clock"),
    Call("time", "clock"),
    *(Call(name, "clock") for name in ("sysinfo", "times", "getrusage", "sched_getaffinity")),
    Call("arch_prctl", "start"),
    Call("sched_yield", "yield"),  # a lane's own stop, too
    *(Call(name, "timed") for name in TIMED),
    *(Call(name, "timer") for name in TIMERS),
    Call("clone", "task"),
    Call("fork", "task"),
    Call("vfork", "task"),
    Call("execve", "task"),
    Call("execveat", "task"),
    Call("sendto", "wake"),
    Call("kill", "others"),
    Call("tkill", "others"),
    Call("tgkill", "others"),
    Call("pidfd_send_signal", "others", fd=0),
    *(Call(name, "others") for name in ABOUT_A_PROCESS),
    *(Call(name, "refused") for name in REFUSED),
    Call("wait4", "reap"),
    Call("waitid", "reap"),
    Call("eventfd", "event"),
    Call("eventfd2", "event"),
    Call("dup", "table"),
    Call("dup2", "table"),
    Call("dup3", "table"),
    Call("close_range", "table"),
]

#: By system call number; a call that traps and is not here is a bug.
CALLS: dict[int, Call] = {linux_abi.NUMBERS[call.name]: call for call in _TABLE}
CHDIR = CALLS[linux_abi.NUMBERS["chdir"]]
#: Numbers of the event descriptors whose reads are let pass, see `eventfd`: below the usual limit of 1,024,
#: and above what a program has open that does not choose its numbers.
EVENTFDS = range(960, 1020)
FLOCK = CALLS[linux_abi.NUMBERS["flock"]]
MAKES_DIRECTORY = frozenset({"mkdir", "mkdirat"})

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OPEN_FLAGS = [
    (os.O_CREAT, "CREAT"),
    (os.O_EXCL, "EXCL"),
    (os.O_TRUNC, "TRUNC"),
    (os.O_APPEND, "APPEND"),
]


def opens_for_writing(flags: int) -> bool:
    """Return whether open flags allow to change anything."""
    return bool(flags & _WRITING)


@functools.cache
def open_note(flags: int) -> str:
    """Open flags as a reader of the story wants them."""
    mode = ("read", "write", "read+write", "")[flags & 3]
    return " ".join([mode, *(name for bit, name in _OPEN_FLAGS if flags & bit)])
