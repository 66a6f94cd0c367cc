"""The call that waits for a notification ends with the watchdog's tick, in each version of Python."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from harness.explore.explorer import ticking
from harness.gates.kernel import linux_abi, receiving
from harness.gates.kernel import seccomp_filter as seccomp
from harness.model.stop_reasons import IDLE, STOP_CALL, stop_arguments

pytestmark = pytest.mark.requires("kernel-gate")

#: The one by `fcntl` is not ended by a signal from Python 3.14 on.
BY_FCNTL = [receiving.by_fcntl] if sys.version_info < (3, 14) else []
WAYS = [receiving.by_libc, receiving.notification, *BY_FCNTL]


@contextlib.contextmanager
def listener(*, calls: bool) -> Iterator[tuple[int, int]]:
    """Yield the listener of a child that makes one trapped call, or none, and the child's id."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        socket.send_fds(theirs, [b"ready"], [seccomp.install()])
        if calls:
            ctypes.CDLL(None).syscall(STOP_CALL, *map(ctypes.c_long, stop_arguments(IDLE, 0, 0)))
        while True:
            signal.pause()
    _, (fd,), _, _ = socket.recv_fds(ours, 64, 1)
    try:
        yield fd, pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)
        ours.close()
        theirs.close()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_tick_ends_the_wait_for_a_call(way: Callable[[int], bytes]) -> None:
    with listener(calls=False) as (fd, _), ticking(), pytest.raises(InterruptedError):
        way(fd)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_call_is_received(way: Callable[[int], bytes]) -> None:
    with listener(calls=True) as (fd, pid):
        _, tid, number, *_ = linux_abi.NOTIF.unpack(way(fd))
    assert (tid, number) == (pid, STOP_CALL)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_end_of_the_process_ends_the_wait(way: Callable[[int], bytes]) -> None:
    with listener(calls=False) as (fd, pid):
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(FileNotFoundError):
            way(fd)
