"""Test the record lock with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fence.errors import LockTimeoutError, StaleLockError
from fence.locks import make_lock

ROOT = str(Path(__file__).parents[3])
_HOLDER = """
import sys
from fence.locks import make_lock
make_lock("record", sys.argv[1], {}).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    return str(tmp_path / "t.jsonl")


def test_a_process_excludes_others_until_it_ends(transcript: str) -> None:
    environment = {**os.environ, "PYTHONPATH": ROOT}
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, transcript],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(LockTimeoutError, match="held by somebody else for 0 ms"):
            make_lock("record", transcript, {"lock_timeout_ms": 0}).acquire()
        child.communicate(timeout=600)
    with make_lock("record", transcript, {"lock_timeout_ms": 0}) as lock:
        assert lock.held


def test_two_handles_of_one_process_exclude_each_other(transcript: str) -> None:
    process: dict[str, Any] = {}
    first, second = (make_lock("record", transcript, {"lock_timeout_ms": 0}, process) for _ in range(2))
    with first, pytest.raises(LockTimeoutError):
        second.acquire()
    with second:
        assert not first.held


def test_locks_of_two_transcripts_do_not_exclude_each_other(transcript: str) -> None:
    process: dict[str, Any] = {}
    with (
        make_lock("record", transcript, {"lock_timeout_ms": 0}, process),
        make_lock("record", f"{transcript}2", {"lock_timeout_ms": 0}, process) as other,
    ):
        assert other.held


def test_a_waiter_that_gave_up_keeps_no_other_handle_out(transcript: str) -> None:
    process: dict[str, Any] = {}
    before = len(os.listdir("/proc/self/fd"))
    environment = {**os.environ, "PYTHONPATH": ROOT}
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, transcript],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        for _ in range(2):
            lock = make_lock("record", transcript, {"lock_timeout_ms": 0}, process)
            with pytest.raises(LockTimeoutError):
                lock.acquire()
            assert not lock.held
        child.communicate(timeout=600)
    assert len(os.listdir("/proc/self/fd")) == before
    with make_lock("record", transcript, {"lock_timeout_ms": 0}, process) as lock:
        assert lock.held


def test_release_if_held_lets_others_in(transcript: str) -> None:
    process: dict[str, Any] = {}
    first, second = (make_lock("record", transcript, {"lock_timeout_ms": 0}, process) for _ in range(2))
    first.acquire()
    first.release_if_held()
    assert not first.held
    with second:
        assert second.held


def test_release_without_a_hold_raises_and_release_if_held_not(transcript: str) -> None:
    lock = make_lock("record", transcript, {})
    with pytest.raises(StaleLockError, match="acquire it first"):
        lock.release()
    lock.release_if_held()
