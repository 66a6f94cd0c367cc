"""Which signals wait for a thread, and whether it is going to handle one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from harness.gates.kernel.quiescence import tasks_of
from harness.gates.kernel.signal_sets import bit_of, signal_sets, to_be_handled, waits_for_signals

NUMBER = signal.SIGUSR2
BIT = bit_of(NUMBER)


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """The signal is blocked, and the one left over is taken afterwards."""
    before = signal.signal(NUMBER, lambda *_: None)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {NUMBER})
    yield
    while signal.sigtimedwait({NUMBER}, 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    signal.signal(NUMBER, before)


@pytest.fixture
def neighbour() -> Iterator[int]:
    """Another thread, which waits, and blocks what this one does."""
    begun, over = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        over.wait()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    assert thread.native_id is not None
    yield thread.native_id
    over.set()
    thread.join()


@contextlib.contextmanager
def stopped_process(blocked: str = "") -> Iterator[tuple[int, int]]:
    """A process of two threads that are stopped; its id, and that of its second thread.

    Args:
        blocked: number of the signal that they block; empty for none.
    """
    code = f"import signal, threading; signal.signal(12, print); signal.pthread_sigmask(2, ({blocked}))\n"
    code += (
        "threading.Thread(target=threading.Event().wait).start(); print('ready', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        yield child.pid, max(tasks_of(child.pid))
        child.kill()


def test_the_sets_are_those_of_the_kernel() -> None:
    sets = signal_sets(os.getpid())
    assert sets.blocked & BIT and sets.caught & BIT
    assert not (sets.pending | sets.ignored) & BIT
    signal.pthread_kill(threading.get_ident(), NUMBER)
    assert signal_sets(os.getpid()).own & BIT
    with stopped_process() as (child, _):
        os.kill(child, NUMBER)
        assert signal_sets(child).shared & BIT


def test_a_thread_that_is_gone_has_none() -> None:
    assert signal_sets(1 << 22) == (0, 0, 0, 0, 0)
    assert not to_be_handled(1 << 22, 1 << 22)


def test_an_ignored_signal_is_dropped_unless_it_is_blocked() -> None:
    signal.signal(NUMBER, signal.SIG_IGN)
    assert not signal_sets(os.getpid()).dropped & BIT
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {NUMBER})
    assert signal_sets(os.getpid()).dropped & BIT
    signal.pthread_sigmask(signal.SIG_BLOCK, {NUMBER})


def test_a_blocked_signal_is_handled_where_the_call_does_not_block_it() -> None:
    pid = os.getpid()
    assert not to_be_handled(pid, pid, 0)
    signal.pthread_kill(threading.get_ident(), NUMBER)
    assert not to_be_handled(pid, pid)
    assert to_be_handled(pid, pid, 0)
    assert not to_be_handled(pid, pid, BIT)


def test_a_signal_without_a_handler_ends_no_wait() -> None:
    signal.pthread_kill(threading.get_ident(), NUMBER)
    signal.signal(NUMBER, signal.SIG_DFL)
    assert not to_be_handled(os.getpid(), os.getpid(), 0)


def test_a_signal_of_a_process_goes_to_the_first_thread_that_does_not_block_it() -> None:
    # The processes are stopped, so that no thread has taken it yet.
    with stopped_process(f"{int(NUMBER)},") as (child, second):
        os.kill(child, NUMBER)
        assert not to_be_handled(child, second)
        assert to_be_handled(child, second, 0)
    with stopped_process() as (child, second):
        os.kill(child, NUMBER)
        assert to_be_handled(child, child)
        assert not to_be_handled(child, second)


def test_a_thread_in_sigwait_is_known(neighbour: int) -> None:
    assert not waits_for_signals(neighbour)
    thread = threading.Thread(target=signal.sigwait, args=({NUMBER},))
    thread.start()
    while not waits_for_signals(thread.native_id or 0):
        pass
    signal.pthread_kill(thread.ident or 0, NUMBER)
    thread.join()
