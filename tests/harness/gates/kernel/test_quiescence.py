"""Whether a task sleeps, with real ones."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gates.kernel import quiescence
from harness.gates.kernel.quiescence import Halted, asleep, children_of, has_returned, is_exiting, tasks_of
from tests import ordinary_user

pytestmark = pytest.mark.requires("kernel-gate")


@contextlib.contextmanager
def child(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has said that it is ready."""
    code = "import os, signal, subprocess, sys, threading, time\nprint('ready', flush=True)\n" + code
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def soon(question: object, within_s: float = 600.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if question():  # type: ignore[operator]
            return True
        time.sleep(0.005)
    return False


def test_a_process_that_waits_sleeps() -> None:
    with child("signal.pause()") as process:
        assert soon(lambda: asleep(process.pid, ()))
        assert all(asleep(process.pid, ()) for _ in range(50))


def test_a_process_that_computes_does_not_sleep() -> None:
    with child("while True: pass") as process:
        assert not any(asleep(process.pid, ()) for _ in range(200))


def test_one_busy_thread_is_enough_unless_it_is_known_to_stand() -> None:
    body = "threading.Thread(target=time.sleep, args=(300,)).start()\nwhile True: pass"
    with child(body) as process:
        assert soon(lambda: len(tasks_of(process.pid)) == 2)
        assert not any(asleep(process.pid, ()) for _ in range(100))
        assert soon(lambda: asleep(process.pid, {process.pid}))


def test_a_process_that_is_gone_has_no_tasks_and_no_children() -> None:
    with child("") as process:
        process.wait()
    assert tasks_of(process.pid) == []
    assert children_of(process.pid) == []


def _halted(pid: int) -> bool:
    try:
        asleep(pid, ())
    except Halted as found:
        return (found.pid, found.traced) == (pid, False)
    return False


def test_a_process_that_was_stopped_does_not_sleep() -> None:
    """It would go on if it were let, so it proves nothing, busy or waiting."""
    for code in ("while True: pass", "signal.pause()"):
        with child(code) as process:
            os.kill(process.pid, signal.SIGSTOP)
            assert soon(lambda one=process: _halted(one.pid))
            assert all(_halted(process.pid) for _ in range(50))


def test_a_stop_among_processes_that_stop_each_other_is_sleep() -> None:
    with child("while True: pass") as process:
        os.kill(process.pid, signal.SIGSTOP)
        assert soon(lambda: asleep(process.pid, (), halts=True))


def test_a_process_that_was_continued_sleeps_again() -> None:
    with child("signal.pause()") as process:
        os.kill(process.pid, signal.SIGSTOP)
        assert soon(lambda: _halted(process.pid))
        os.kill(process.pid, signal.SIGCONT)
        assert soon(lambda: not _halted(process.pid))
        assert soon(lambda: asleep(process.pid, ()))


def test_one_look_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that ran between the looks does not sleep, however it looks each time."""
    still = (b"7", b"202 0x0", b"S")
    for second in ((b"8", b"202 0x0", b"S"), (b"7", b"0 0x3", b"S"), (b"7", b"202 0x0", b"R")):
        looks = iter([still, second])
        monkeypatch.setattr(quiescence, "_look", lambda pid, tid, looks=looks: next(looks))
        monkeypatch.setattr(quiescence, "tasks_of", lambda pid: [4711])
        assert not asleep(4711, ())
    lists = iter([[4711], [4711, 4712]])
    monkeypatch.setattr(quiescence, "_look", lambda pid, tid: still)
    monkeypatch.setattr(quiescence, "tasks_of", lambda pid: next(lists))
    assert not asleep(4711, ())
    monkeypatch.setattr(quiescence, "tasks_of", lambda pid: [4711])
    assert asleep(4711, ())


def test_children_are_found_and_the_dead_are_none() -> None:
    with child("subprocess.Popen(['sleep', '300'])\nsignal.pause()") as process:
        assert soon(lambda: len(children_of(process.pid)) == 1)
        (grandchild,) = children_of(process.pid)
        os.kill(grandchild, signal.SIGKILL)
        # Its parent never waits for it: it stays as a zombie.
        assert soon(lambda: children_of(process.pid) == [])


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("signal.pause()", False),
        ("os.read(os.pipe()[0], 1)", False),
        ("threading.Event().wait()", False),
        ("import select; select.poll().poll()", False),
        ("time.sleep(300)", True),
        ("threading.Event().wait(300)", True),
        ("import select; select.select([], [], [], 300)", True),
        ("import select; select.poll().poll(300000)", True),
        ("import select; select.epoll().poll(300)", True),
    ],
)
def test_a_wait_with_a_time_out_is_told_from_one_without(code: str, ends: bool) -> None:
    with child(code) as process:
        assert soon(lambda: asleep(process.pid, ()))
        rest = asleep(process.pid, ())
        assert rest is not None
        assert rest.ends_by_time is ends


def test_an_unreaped_process_is_asleep_for_an_ordinary_user() -> None:
    """Its files in /proc belong to root then."""

    def work() -> list[bool]:
        ended = os.fork()
        if not ended:
            os._exit(0)
        os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
        rest = asleep(ended, ())
        return [rest is not None, rest is not None and rest.ends_by_time]

    assert ordinary_user.told_by(ordinary_user.become, work) == [True, False]


def test_a_thread_has_returned_from_a_call_once_it_is_in_another() -> None:
    with child("sys.stdin.read()") as process:
        assert soon(lambda: asleep(process.pid, ()))
        number, *words = Path(f"/proc/{process.pid}/syscall").read_text().split()
        args = [int(word, 16) for word in words[:6]]
        assert not has_returned(process.pid, int(number), args)
        assert has_returned(process.pid, int(number), [args[0] + 1, *args[1:]])
        assert has_returned(process.pid, int(number) + 1, args)


def test_a_process_that_exits_is_known_before_it_is_a_zombie() -> None:
    with child("keep = bytes(os.urandom(1 << 20) * 200)\nsys.stdin.read()\nos._exit(0)") as process:
        assert not is_exiting(process.pid)
        process.send_signal(signal.SIGTERM)
        looks = 0
        while looks < 2 or not is_exiting(process.pid):
            try:
                os.readlink(f"/proc/{process.pid}/exe")
            except OSError:
                # It has no memory any more.
                assert is_exiting(process.pid)
                looks += 1
    assert is_exiting(process.pid)
