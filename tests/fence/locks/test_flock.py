"""Test the flock lock with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fence.errors import LockTimeoutError, StaleLockError
from fence.locks import make_lock

ROOT = str(Path(__file__).parents[3])
_HOLDER = """
import sys, time
from fence.locks import make_lock
make_lock("flock", sys.argv[1], {}).acquire()
print("held", flush=True)
time.sleep(300)
"""
_COUNTER = """
import sys
from fence.locks import make_lock
lock = make_lock("flock", sys.argv[1], {})
for _ in range(200):
    with lock:
        with open(sys.argv[1], "r+") as file:
            number = int(file.read())
            file.seek(0)
            file.write(str(number + 1))
"""


def _start(program: str, transcript: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.Popen(
        [sys.executable, "-c", program, transcript], stdout=subprocess.PIPE, text=True, env=environment
    )


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    return str(tmp_path / "t.jsonl")


def test_processes_exclude_each_other(transcript: str) -> None:
    Path(transcript).write_text("0")
    children = [_start(_COUNTER, transcript) for _ in range(4)]
    for child in children:
        child.communicate(timeout=600)
        assert child.returncode == 0
    assert Path(transcript).read_text() == "800"


def test_two_handles_of_one_process_exclude_each_other(transcript: str) -> None:
    first, second = make_lock("flock", transcript, {}), make_lock("flock", transcript, {"lock_timeout_ms": 0})
    first.acquire()
    with pytest.raises(LockTimeoutError, match="0 ms"):
        second.acquire()
    first.release()
    second.acquire()
    assert second.held


def test_the_death_of_a_holder_releases_the_lock(transcript: str) -> None:
    child = _start(_HOLDER, transcript)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    waiter = make_lock("flock", transcript, {"lock_timeout_ms": 100})
    with pytest.raises(LockTimeoutError):
        waiter.acquire()
    child.kill()
    child.communicate(timeout=600)
    waiter.acquire()
    assert waiter.held


def test_a_waiter_without_time_out_waits_in_the_kernel(transcript: str) -> None:
    first, second = make_lock("flock", transcript, {}), make_lock("flock", transcript, {})
    first.acquire()
    thread = threading.Thread(target=second.acquire, daemon=True)
    thread.start()
    time.sleep(0.1)
    assert not second.held
    first.release()
    thread.join(timeout=600)
    assert second.held


def test_the_lock_file_stays_the_same_for_good(transcript: str) -> None:
    lock = make_lock("flock", transcript, {})
    with lock:
        first = os.stat(f"{transcript}.flock").st_ino
    with lock:
        assert os.stat(f"{transcript}.flock").st_ino == first
    assert os.path.exists(f"{transcript}.flock")


def test_it_polls_at_the_interval_of_its_options(transcript: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = make_lock("flock", transcript, {})
    holder.acquire()
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda duration_s: now.__setitem__(0, now[0] + duration_s))
    with pytest.raises(LockTimeoutError):
        make_lock("flock", transcript, {"lock_timeout_ms": 1000, "lock_poll_ms": 300}).acquire()
    assert now[0] == pytest.approx(1.2)


def test_a_waiter_that_gave_up_keeps_no_file_open(transcript: str) -> None:
    holder = make_lock("flock", transcript, {})
    holder.acquire()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(LockTimeoutError):
            make_lock("flock", transcript, {"lock_timeout_ms": 0}).acquire()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_release_without_a_hold_is_an_error(transcript: str) -> None:
    lock = make_lock("flock", transcript, {})
    lock.release_if_held()
    with pytest.raises(StaleLockError, match="not held"):
        lock.release()
