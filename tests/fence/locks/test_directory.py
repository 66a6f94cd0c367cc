"""Test the directory lock with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fence.errors import LockTimeoutError, StaleLockError
from fence.locks import make_lock

ROOT = str(Path(__file__).parents[3])
_COUNTER = """
import sys
from fence.locks import make_lock
lock = make_lock("mkdir", sys.argv[1], {"lock_poll_ms": 1})
for _ in range(100):
    with lock:
        with open(sys.argv[1], "r+") as file:
            number = int(file.read())
            file.seek(0)
            file.write(str(number + 1))
"""


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    return str(tmp_path / "t.jsonl")


def test_processes_exclude_each_other(transcript: str) -> None:
    Path(transcript).write_text("0")
    environment = {**os.environ, "PYTHONPATH": ROOT}
    children = [
        subprocess.Popen([sys.executable, "-c", _COUNTER, transcript], env=environment) for _ in range(3)
    ]
    assert [child.wait(timeout=600) for child in children] == [0, 0, 0]
    assert Path(transcript).read_text() == "300"


def test_the_directory_is_there_while_the_lock_is_held(transcript: str) -> None:
    lock = make_lock("mkdir", transcript, {})
    with lock:
        assert lock.held
        assert os.listdir(f"{transcript}.lock") == []
    assert not lock.held
    assert not os.path.exists(f"{transcript}.lock")


def test_a_second_handle_gives_up_in_time(transcript: str) -> None:
    with make_lock("mkdir", transcript, {}):
        other = make_lock("mkdir", transcript, {"lock_timeout_ms": 0})
        with pytest.raises(LockTimeoutError, match="held by somebody else for 0 ms"):
            other.acquire()
        assert not other.held


def test_the_holder_of_a_reclaimed_lock_learns_it_at_release(transcript: str) -> None:
    robbed = make_lock("mkdir", transcript, {})
    robbed.acquire()
    os.utime(f"{transcript}.lock", (0, 0))
    with make_lock("mkdir", transcript, {"lock_timeout_ms": 0}), pytest.raises(StaleLockError):
        robbed.release()
    assert not robbed.held


@pytest.mark.parametrize(("options", "stale_ms"), [({}, 10_000), ({"lock_stale_ms": 700}, 700)])
def test_a_directory_is_stale_at_exactly_its_age(
    options: dict[str, int | str | bool], stale_ms: int, transcript: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkdir(f"{transcript}.lock")
    os.utime(f"{transcript}.lock", (1000, 1000))
    waiter = make_lock("mkdir", transcript, {**options, "lock_timeout_ms": 0})
    monkeypatch.setattr(time, "time", lambda: 1000 + (stale_ms - 0.5) / 1000)
    with pytest.raises(LockTimeoutError):
        waiter.acquire()
    monkeypatch.setattr(time, "time", lambda: 1000 + stale_ms / 1000)
    waiter.acquire()
    assert waiter.held


def test_a_lock_released_during_the_look_is_taken_at_once(
    transcript: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = make_lock("mkdir", transcript, {})
    waiter = make_lock("mkdir", transcript, {"lock_timeout_ms": 0})
    holder.acquire()
    real = os.stat

    def late(path: str) -> os.stat_result:
        monkeypatch.setattr(os, "stat", real)
        holder.release()
        return real(path)

    monkeypatch.setattr(os, "stat", late)
    waiter.acquire()
    assert waiter.held


def test_a_stale_directory_is_taken_at_once(transcript: str) -> None:
    os.mkdir(f"{transcript}.lock")
    os.utime(f"{transcript}.lock", (0, 0))
    waiter = make_lock("mkdir", transcript, {"lock_timeout_ms": 0})
    waiter.acquire()
    assert waiter.held


def test_release_without_a_hold_raises_and_release_if_held_not(transcript: str) -> None:
    lock = make_lock("mkdir", transcript, {})
    with pytest.raises(StaleLockError, match="acquire it first"):
        lock.release()
    lock.release_if_held()
