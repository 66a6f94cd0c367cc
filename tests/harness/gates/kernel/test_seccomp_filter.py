"""The filter, run by a small interpreter of classic BPF: which call traps, which does not."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from harness.gates.kernel import availability, linux_abi, syscall_table
from harness.gates.kernel import seccomp_filter as seccomp
from harness.gates.kernel.linux_abi import NUMBERS

ALLOWED, TRAPPED, REFUSED = linux_abi.RET_ALLOW, linux_abi.RET_USER_NOTIF, linux_abi.RET_ERRNO | errno.ENOSYS
FORBIDDEN = linux_abi.RET_ERRNO | errno.EPERM
PROGRAM = list(struct.iter_unpack("=HBBI", seccomp.build()))
WITHOUT_SUPERVISOR = list(struct.iter_unpack("=HBBI", seccomp.build_without_supervisor()))


def verdict(
    number: int, *args: int, arch: int = linux_abi.ARCH, program: list[tuple[int, ...]] = PROGRAM
) -> int:
    """Return the filter's answer to one call; six arguments of 64 bits, of which it sees the lower halves."""
    data = struct.pack("=iIQ6Q", number, arch, 0, *[arg & (1 << 64) - 1 for arg in (*args, *[0] * 6)[:6]])
    accumulator, at = 0, 0
    while True:
        code, true, false, k = program[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif code == 0x54:
            accumulator &= k
        elif code == 0x06:
            return int(k)
        else:
            jumps = {
                0x15: accumulator == k,
                0x35: accumulator >= k,
                0x25: accumulator > k,
                0x45: bool(accumulator & k),
            }
            at += true if jumps[code] else false


def test_every_call_of_the_table_traps() -> None:
    arguments = {
        "lseek": (3, 0, os.SEEK_END),
        "mmap": (0, 4096, 3, 1, 3),
        "fcntl": (3, 0x06),
        "ioctl": (3, 0x40049409),
        "wait4": (3, 0, os.WNOHANG),
        "waitid": (os.P_PID, 3, 0, os.WEXITED | os.WNOHANG),
        "arch_prctl": (0x1002,),
        "poll": (0, 0, 1),
        "epoll_wait": (3, 0, 1, 1),
        "epoll_pwait": (3, 0, 1, 1),
        "rt_sigtimedwait": (0, 0, 1),
        **dict.fromkeys(("setitimer", "getitimer"), (0,)),
        **dict.fromkeys(("ppoll", "select", "pselect6", "epoll_pwait2", "futex"), (3, 0, 1, 1, 1)),
    }
    for number, call in syscall_table.CALLS.items():
        assert verdict(number, *arguments.get(call.name, (3,))) == TRAPPED, call.name


def test_timers_of_processor_time_and_a_wait_without_an_end_pass() -> None:
    for name in ("setitimer", "getitimer"):
        assert [verdict(NUMBERS[name], which) for which in range(3)] == [TRAPPED, ALLOWED, ALLOWED]
    assert verdict(NUMBERS["rt_sigtimedwait"], 1, 1, 0) == ALLOWED


def test_a_read_of_event_descriptors_passes_and_nothing_else_that_is_done_to_them() -> None:
    for fd, answer in (
        (959, TRAPPED),
        (960, ALLOWED),
        (1019, ALLOWED),
        (1020, TRAPPED),
        (1 << 32 | 3, TRAPPED),
    ):
        assert verdict(NUMBERS["read"], fd) == answer
    for name in ("write", "close", "fstat", "pwrite64", "readv", "flock", "dup2"):
        assert verdict(NUMBERS[name], 960) == TRAPPED


def test_every_call_that_traps_is_in_the_table() -> None:
    """Of all numbers there are, with arguments that look like descriptors."""
    for number in range(600):
        for args in ((3, 3, 2, 1, 3), (3, 7, 2, 1, 3), (3, 0x40049409, 2, 1, 3)):
            if verdict(number, *args) == TRAPPED:
                assert number in syscall_table.CALLS, number


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("lseek", (3, 0, os.SEEK_SET)),
        ("lseek", (3, 0, os.SEEK_CUR)),
        ("mmap", (0, 4096, 3, 2, 3)),
        ("mmap", (0, 4096, 3, 0x22, -1)),
        ("mmap", (0, 4096, 3, 0x21, -1)),
        ("ioctl", (3, 0x5401)),
        ("arch_prctl", (0x1003,)),
        *[("poll", (0, 0, time)) for time in (0, -1)],
        *[("epoll_wait", (3, 0, 1, time)) for time in (0, -1)],
        *[("epoll_pwait", (3, 0, 1, time)) for time in (0, -1)],
        ("ppoll", (3, 0, 0, 1)),
        ("select", (3, 1, 1, 1, 0)),
        ("pselect6", (3, 1, 1, 1, 0)),
        ("epoll_pwait2", (3, 1, 1, 0, 1)),
        *[("futex", (1, command, 1, 0)) for command in (0, 9, 0x80, 0x189)],
        *[("futex", (1, command, 1, 1)) for command in (1, 3, 5, 6, 0x81)],
        ("wait4", (3, 0, 0)),
        ("waitid", (os.P_PID, 3, 0, os.WEXITED)),
    ],
)
def test_calls_that_cannot_touch_a_file_are_let_through(name: str, args: tuple[int, ...]) -> None:
    assert verdict(NUMBERS[name], *args) == ALLOWED


@pytest.mark.parametrize("number", [39, 202, 13, 11, 9999])  # getpid futex rt_sigaction munmap, none
def test_calls_that_are_no_file_calls_are_let_through(number: int) -> None:
    assert verdict(number, 3) == ALLOWED


def test_a_clock_passes_where_the_code_of_an_adapter_reads_it() -> None:
    marked = linux_abi.UNTRAPPED << 32
    assert verdict(NUMBERS["clock_gettime"], marked | 1) == ALLOWED
    assert {verdict(NUMBERS["clock_gettime"], clock) for clock in (0, 1, -2, marked >> 1)} == {TRAPPED}


def test_only_the_lower_half_of_a_descriptor_counts() -> None:
    """The kernel cuts it to an int: the upper half must not hide it."""
    assert verdict(NUMBERS["write"], 3 | 1 << 32) == TRAPPED


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_the_standard_streams_are_watched(stream: int) -> None:
    for name in ("read", "write", "close", "fstat", "ftruncate", "flock", "pwritev2"):
        assert verdict(NUMBERS[name], stream) == TRAPPED


def test_other_call_tables_and_rings_are_refused() -> None:
    assert verdict(NUMBERS["io_uring_setup"]) == REFUSED
    for name in ("read", "openat", "getrandom"):
        assert verdict(NUMBERS[name], 3, arch=0x40000003) == REFUSED  # i386
        assert verdict(NUMBERS[name] | 0x40000000, 3) == REFUSED  # x32
    assert verdict(-1, 3) == REFUSED


def test_calls_about_a_process_trap_unless_they_are_about_the_caller() -> None:
    for name in ("prlimit64", "sched_setparam", "sched_setattr"):
        assert verdict(NUMBERS[name], 0) == ALLOWED, name
        assert verdict(NUMBERS[name], 1) == TRAPPED, name


def test_where_and_when_a_program_runs_is_not_its_own_choice() -> None:
    for name in ("sched_setaffinity", "sched_setscheduler", "sched_yield"):
        assert verdict(NUMBERS[name], 0) == verdict(NUMBERS[name], 1) == TRAPPED, name


def test_a_descriptor_may_not_signal_a_process() -> None:
    for command in (8, 15):  # F_SETOWN, F_SETOWN_EX
        assert verdict(NUMBERS["fcntl"], 3, command) == TRAPPED
    for request in (0x8901, 0x8902):  # FIOSETOWN, SIOCSPGRP
        assert verdict(NUMBERS["ioctl"], 3, request) == FORBIDDEN


def test_no_ioctl_types_at_a_terminal_or_takes_it_over() -> None:
    for request in (0x5412, 0x541C, 0x541D, 0x5423):  # TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD
        assert verdict(NUMBERS["ioctl"], 0, request) == FORBIDDEN
    for request in (
        0x5401,
        0x5404,
        0x540E,
        0x5410,
        0x5413,
    ):  # TCGETS, TCSETSF, TIOCSCTTY, TIOCSPGRP, TIOCGWINSZ
        assert verdict(NUMBERS["ioctl"], 0, request) == ALLOWED


@pytest.mark.parametrize("name", syscall_table.REFUSED)
def test_the_free_gate_forbids_calls_that_a_supervisor_refuses(name: str) -> None:
    assert verdict(NUMBERS[name], 3) == TRAPPED
    assert verdict(NUMBERS[name], 3, program=WITHOUT_SUPERVISOR) == FORBIDDEN


def test_the_free_gate_lets_all_else_pass_but_new_namespaces() -> None:
    left = [name for name in NUMBERS if name not in (*syscall_table.REFUSED, "clone3")]
    assert {verdict(NUMBERS[name], 0, program=WITHOUT_SUPERVISOR) for name in left} == {ALLOWED}
    assert verdict(NUMBERS["clone"], 0x00011000, program=WITHOUT_SUPERVISOR) == ALLOWED
    for flag in (0x20000, *(1 << bit for bit in range(25, 31))):
        assert verdict(NUMBERS["clone"], flag, program=WITHOUT_SUPERVISOR) == FORBIDDEN
    # Its flags are in memory, where a filter cannot look.
    assert verdict(NUMBERS["clone3"], 0, program=WITHOUT_SUPERVISOR) == REFUSED
    assert verdict(NUMBERS["read"], 3, arch=0x40000003, program=WITHOUT_SUPERVISOR) == REFUSED


def test_asynchronous_writes_are_refused() -> None:
    """io_setup and io_submit write without a call that could be stopped."""
    assert verdict(206) == REFUSED
    assert verdict(209) == REFUSED


@pytest.mark.requires("kernel-gate")
def test_the_probe_finds_the_gate_where_it_is() -> None:
    descriptors = sorted(os.listdir("/proc/self/fd"))
    assert availability.probe() == ""
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


def test_another_machine_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_abi.platform, "machine", lambda: "riscv64")
    assert "riscv64" in availability.probe()
    monkeypatch.setattr(linux_abi.platform, "system", lambda: "Darwin")
    assert "Darwin" in availability.probe()
