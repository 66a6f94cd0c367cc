"""Calls about a process: the session's may be meant, others are let alone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.gates.kernel import other_processes
from harness.gates.kernel.reactions import CONTINUE, Answer
from harness.gates.kernel.syscall_table import ABOUT_A_PROCESS
from tests.harness.gates.kernel.supervised import Supervised

pytestmark = pytest.mark.requires("kernel-gate")

NOT_PERMITTED = Answer(error=-errno.EPERM)
GONE = Answer(error=-errno.ESRCH)
TERM = signal.SIGTERM
#: More than there can be.
NO_PID = 1 << 22 | 1


@pytest.fixture
def child() -> Iterator[int]:
    """A process that the worker has started, and that has made no call yet; in a session of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        yield process.pid
        process.kill()


def test_the_caller_its_threads_and_its_children_may_be_meant(gate: Supervised, child: int) -> None:
    for pid in (0, os.getpid(), child):
        assert gate.reaction("kill", pid, TERM) is CONTINUE
        assert gate.reaction("tkill", pid, TERM) is CONTINUE
        assert gate.reaction("tgkill", pid, pid, TERM) is CONTINUE
        assert gate.reaction("pidfd_open", pid) is CONTINUE


def test_a_process_outside_may_not_be_signalled(gate: Supervised) -> None:
    assert gate.reaction("kill", 1, TERM) == NOT_PERMITTED
    for name in ("tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open"):
        assert gate.reaction(name, 1, TERM, TERM) == NOT_PERMITTED


def test_whether_a_process_outside_is_there_may_be_asked(gate: Supervised) -> None:
    assert gate.reaction("kill", os.getppid(), 0) == Answer()
    assert gate.reaction("kill", NO_PID, 0) == GONE


def test_a_process_that_is_gone_is_told_so(gate: Supervised) -> None:
    assert gate.reaction("kill", NO_PID, TERM) == GONE
    assert gate.reaction("tkill", NO_PID, TERM) == GONE


def test_all_processes_at_once_may_not_be_signalled(gate: Supervised) -> None:
    assert gate.reaction("kill", -1, TERM) == NOT_PERMITTED
    assert gate.reaction("kill", -1, 0) == NOT_PERMITTED


def test_a_group_of_the_session_may_be_signalled(gate: Supervised, child: int) -> None:
    assert gate.reaction("kill", 0, TERM) is CONTINUE
    assert gate.reaction("kill", -child, TERM) is CONTINUE
    assert gate.reaction("kill", -1 << 20, 0) == GONE


def test_limits_of_others_may_be_read_and_not_set(gate: Supervised, child: int) -> None:
    new = b"\0" * 16
    assert gate.reaction("prlimit64", 1, 7, 0) is CONTINUE
    assert gate.reaction("prlimit64", 1, 7, new) == NOT_PERMITTED
    assert gate.reaction("prlimit64", child, 7, new) is CONTINUE


@pytest.mark.parametrize("name", [name for name in ABOUT_A_PROCESS if name.startswith("sched_")])
def test_others_are_not_scheduled_otherwise(gate: Supervised, child: int, name: str) -> None:
    assert gate.reaction(name, 1) == NOT_PERMITTED
    assert gate.reaction(name, child) is CONTINUE


@pytest.mark.parametrize(
    ("name", "process", "group", "user"), [("setpriority", 0, 1, 2), ("ioprio_set", 1, 2, 3)]
)
def test_priorities_are_those_of_the_session(
    gate: Supervised, child: int, name: str, process: int, group: int, user: int
) -> None:
    for kind in (process, group):
        assert gate.reaction(name, kind, 0) is CONTINUE
        assert gate.reaction(name, kind, child) is CONTINUE
    assert gate.reaction(name, process, 1) == NOT_PERMITTED
    assert gate.reaction(name, user, 0) == NOT_PERMITTED


def test_a_process_behind_a_descriptor_is_the_one_that_is_meant(gate: Supervised, child: int) -> None:
    for pid, reaction in ((child, CONTINUE), (1, NOT_PERMITTED)):
        pidfd, folder = os.pidfd_open(pid), os.open(f"/proc/{pid}", os.O_RDONLY)
        try:
            assert gate.reaction("pidfd_send_signal", pidfd, TERM) == reaction
            assert gate.reaction("pidfd_send_signal", folder, TERM) == reaction
        finally:
            os.close(pidfd)
            os.close(folder)


def test_a_descriptor_of_no_process_is_left_to_the_kernel(gate: Supervised) -> None:
    with open(os.devnull, "rb") as file:
        assert gate.reaction("pidfd_send_signal", file.fileno(), TERM) is CONTINUE


def test_the_owner_of_a_descriptor_may_not_be_set(gate: Supervised) -> None:
    for command in (8, 15):
        assert gate.reaction("fcntl", 0, command, 1) == NOT_PERMITTED


def test_new_namespaces_are_not_permitted(gate: Supervised) -> None:
    assert gate.reaction("clone", 0x10000000 | signal.SIGCHLD) == NOT_PERMITTED
    assert not gate.worker.cloned
    assert gate.reaction("unshare", 0x20000) == NOT_PERMITTED


def test_each_call_about_a_process_has_its_handler() -> None:
    assert {*ABOUT_A_PROCESS, "kill", "tkill", "tgkill", "pidfd_send_signal"} == set(other_processes.HANDLERS)
