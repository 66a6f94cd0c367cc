"""Numbers of the Linux interface that the kernel gate speaks (x86-64).

System call numbers, layouts and request codes from the kernel's own headers
(`seccomp.h`, `filter.h`, `unistd_64.h`, `stat.h`), see also seccomp_unotify(2).
Another machine type needs another table here and nothing else.
"""

from __future__ import annotations

import platform
import struct

__all__ = ["ARCH", "CALLS", "NUMBERS", "supported"]

# prctl and seccomp
ADDR_NO_RANDOMIZE = 0x0040000
PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36
SECCOMP_SET_MODE_FILTER = 1
FILTER_FLAG_NEW_LISTENER = 1 << 3
FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5

# ioctl requests on the listener
NOTIF_RECV = 0xC0502100
NOTIF_SEND = 0xC0182101
NOTIF_ID_VALID = 0x40082102
NOTIF_SET_FLAGS = 0x40082104
NOTIF_ADDFD = 0x40182103
FD_SYNC_WAKE_UP = 1
RESPONSE_CONTINUE = 1
ADDFD_SETFD = 1

# BPF
RET_ALLOW = 0x7FFF0000
RET_USER_NOTIF = 0x7FC00000
RET_ERRNO = 0x00050000
#: Upper half of the first argument of a clock_gettime that is let pass: "TIME".
UNTRAPPED = 0x54494D45
ARCH = 0xC000003E  # AUDIT_ARCH_X86_64

#: struct seccomp_notif: id, pid, (flags,) nr, (arch, instruction pointer,) 6 arguments
NOTIF = struct.Struct("=QI4xi12x6Q")
#: struct seccomp_notif_resp: id, val, error, flags
RESPONSE = struct.Struct("=QqiI")

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_EMPTY_PATH = 0x1000
AT_SYMLINK_FOLLOW = 0x400
AT_REMOVEDIR = 0x200

NUMBERS: dict[str, int] = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "lseek": 8,
    "mmap": 9, "ioctl": 16, "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20,
    "access": 21, "msync": 26, "sched_yield": 24, "dup2": 33, "nanosleep": 35, "dup": 32, "sendfile": 40,
    "sendto": 44, "bind": 49, "clone": 56, "fork": 57, "vfork": 58, "execve": 59,
    "wait4": 61, "kill": 62, "fcntl": 72, "flock": 73,
    "fsync": 74, "fdatasync": 75, "truncate": 76, "ftruncate": 77, "getdents": 78, "rename": 82,
    "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88,
    "readlink": 89, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94,
    "utime": 132, "mknod": 133, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
    "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "tkill": 200, "getdents64": 217,
    "clock_nanosleep": 230, "tgkill": 234, "waitid": 247, "utimes": 235, "openat": 257, "mkdirat": 258,
    "mknodat": 259,
    "fchownat": 260, "futimesat": 261, "newfstatat": 262, "unlinkat": 263, "renameat": 264,
    "linkat": 265, "symlinkat": 266, "readlinkat": 267, "fchmodat": 268, "faccessat": 269,
    "splice": 275, "utimensat": 280, "eventfd": 284, "fallocate": 285, "eventfd2": 290, "dup3": 292,
    "preadv": 295, "pidfd_send_signal": 424,
    "pwritev": 296, "open_by_handle_at": 304, "name_to_handle_at": 303, "renameat2": 316,
    "getrandom": 318, "execveat": 322, "copy_file_range": 326, "preadv2": 327, "pwritev2": 328,
    "statx": 332, "io_setup": 206, "io_submit": 209, "io_uring_setup": 425,
    "clone3": 435, "close_range": 436, "openat2": 437,
    "faccessat2": 439, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
    "file_getattr": 468, "file_setattr": 469,
    "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "msgget": 68,
    "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "ptrace": 101, "syslog": 103, "rt_sigqueueinfo": 129,
    "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144, "vhangup": 153,
    "pivot_root": 155, "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165,
    "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170,
    "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176,
    "quotactl": 179, "sched_setaffinity": 203, "semtimedop": 220, "clock_settime": 227, "mq_open": 240,
    "mq_unlink": 241, "mq_timedsend": 242, "mq_timedreceive": 243, "mq_notify": 244,
    "mq_getsetattr": 245, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
    "poll": 7, "select": 23, "futex": 202, "epoll_wait": 232, "pselect6": 270, "ppoll": 271,
    "epoll_pwait": 281, "epoll_pwait2": 441, "arch_prctl": 158, "clock_gettime": 228,
    "gettimeofday": 96, "time": 201, "chdir": 80,
    "ioprio_set": 251, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
    "rt_tgsigqueueinfo": 297, "perf_event_open": 298, "fanotify_init": 300, "fanotify_mark": 301,
    "prlimit64": 302, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "sched_setattr": 314,
    "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, "io_uring_enter": 426,
    "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "fspick": 433, "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440,
    "alarm": 37, "setitimer": 38, "getitimer": 36, "timer_create": 222, "timer_settime": 223,
    "timer_gettime": 224, "timer_getoverrun": 225, "timer_delete": 226, "timerfd_create": 283,
    "timerfd_settime": 286, "timerfd_gettime": 287, "rt_sigtimedwait": 128,
    "sysinfo": 99, "times": 100, "getrusage": 98, "sched_getaffinity": 204,
    "mount_setattr": 442, "quotactl_fd": 443, "process_mrelease": 448, "open_tree_attr": 467,
}  # fmt: skip

CALLS: dict[int, str] = {number: name for name, number in NUMBERS.items()}


def supported() -> str:
    """Return why this machine type is not served; empty when it is."""
    if platform.system() != "Linux":
        return f"{platform.system()} has no seccomp; the kernel gate needs Linux"
    if platform.machine() != "x86_64":
        return f"machine type {platform.machine()} has no table of system calls yet; only x86_64 has"
    return ""
