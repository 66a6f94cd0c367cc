"""Test serve.py with a fake library under the name of a real one."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fence.errors import LockTimeoutError, StaleLockError
from fence.external import ExternalFence, external
from fence.external.host_hooks import HostHooks
from fence.protocol import Site
from fence.targets.locks import HERE

LIBRARY = """
import datetime, os, time

class Timeout(Exception):
    pass

HELD = set()

class SoftFileLock:
    def __init__(self, path, timeout):
        self.path, self.timeout, self.pid = path, timeout, os.getpid()

    def acquire(self):
        if self.path in HELD:
            raise RuntimeError("held here already")
        until, began = time.monotonic() + self.timeout, datetime.datetime.now()
        while True:
            try:
                self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                break
            except FileExistsError:
                if time.time() * 0 + time.monotonic() >= until:
                    minutes = (datetime.datetime.now() - began).total_seconds() / 60
                    raise Timeout(f"{self.path} by {os.getpid()} after {minutes:.0f} min") from None
            time.sleep(0.05)
        os.write(self.fd, str(self.pid).encode())
        HELD.add(self.path)

    def release(self):
        HELD.discard(self.path)
        os.close(self.fd)
        os.unlink(self.path)

    def __del__(self):
        if self.path in HELD and os.path.exists(self.path):
            os.unlink(self.path)
"""


class _Elsewhere(HostHooks):
    """A clock that advances with each sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_ns = 10**18

    def now_ns(self) -> int:
        return self.virtual_ns


@pytest.fixture
def fence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ExternalFence]]:
    files = tmp_path / "files"
    files.mkdir()
    (files / "filelock.py").write_text(LIBRARY)
    words = (
        "-I",
        "-B",
        str(HERE / "serve.py"),
        str(HERE / "filelock.py"),
        str(files),
        "filelock",
        "1",
        "soft",
    )
    made = external(shlex.join((sys.executable, *words)))
    hooks = _Elsewhere()
    made.use_hooks(hooks)

    def sleep(duration_s: float) -> None:
        hooks.virtual_ns += round(duration_s * 1e9)

    monkeypatch.setattr(time, "sleep", sleep)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "transcript.jsonl"


def handle(fence: type[ExternalFence], path: Path, lane: str = "cron", **options: int | str) -> ExternalFence:
    """Return a handle for a new schedule."""
    return fence(Site(str(path), lane, {}, dict(options)))


def lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def test_lines_are_appended_under_the_library_s_lock(fence: type[ExternalFence], transcript: Path) -> None:
    assert (fence.hello.lock, fence.hello.per_lane) == ("sidecar", True)
    lane = handle(fence, transcript)
    lane.acquire()
    assert lock_of(transcript).exists()
    lane.append([b"a\n", b"\xff\n"])
    assert lane.load() == b"a\n\xff\n"
    lane.release()
    assert not lock_of(transcript).exists()
    lane.guarded_write([b"b\n"])
    assert transcript.read_bytes() == b"a\n\xff\nb\n"
    assert not lock_of(transcript).exists()


def test_a_time_out_takes_virtual_time_alone(fence: type[ExternalFence], transcript: Path) -> None:
    lock_of(transcript).touch()
    began = time.monotonic()
    with pytest.raises(LockTimeoutError, match=r"^Timeout: T\.lock by \.\.\. after 10 min$"):
        handle(fence, transcript, lock_timeout_ms=600_000).acquire()
    assert time.monotonic() - began < 600


def test_a_dying_lane_leaves_the_lock_of_a_missing_process(
    fence: type[ExternalFence], transcript: Path
) -> None:
    lane = handle(fence, transcript, "victim", lock_dies_with="victim")
    lane.acquire()
    with pytest.raises(ProcessLookupError):
        os.kill(int(lock_of(transcript).read_text()), 0)
    adapter = fence.adapters["victim"].pid
    assert str(lock_of(transcript)) not in {
        os.readlink(link.path) for link in os.scandir(f"/proc/{adapter}/fd")
    }
    lane.release()
    assert lock_of(transcript).exists()


def test_any_other_lane_lives_on(fence: type[ExternalFence], transcript: Path) -> None:
    lane = handle(fence, transcript, lock_dies_with="victim")
    lane.acquire()
    assert int(lock_of(transcript).read_text()) == fence.adapters["cron"].pid
    lane.release()


def test_a_new_schedule_forgets_locks_and_touches_no_file(
    fence: type[ExternalFence], transcript: Path
) -> None:
    handle(fence, transcript).acquire()
    lock_of(transcript).unlink()
    lock_of(transcript).write_text("another lock")
    other = handle(fence, transcript, lock_timeout_ms=0)
    with pytest.raises(LockTimeoutError):
        other.acquire()
    assert lock_of(transcript).read_text() == "another lock"
    lock_of(transcript).unlink()
    other.acquire()
    other.release()


def test_release_without_a_hold_raises_but_end_turn_does_not(
    fence: type[ExternalFence], transcript: Path
) -> None:
    lane = handle(fence, transcript)
    with pytest.raises(StaleLockError):
        lane.release()
    lane.end_turn()
