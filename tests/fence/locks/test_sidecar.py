"""Test each staleness rule of the sidecar lock on real files and real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fence.errors import LockTimeoutError, StaleLockError
from fence.locks import make_lock
from fence.locks.sidecar import KIND, Payload, SidecarLock, process_start

_SLEEPER = [sys.executable, "-S", "-c", "import time; time.sleep(300)"]


class Clock:
    """Virtual time that advances with each sleep."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = time.time()
        self.slept_s: list[float] = []
        monkeypatch.setattr(time, "time", lambda: self.now_s)
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(time, "time_ns", lambda: int(self.now_s * 1e9))
        monkeypatch.setattr(time, "sleep", self._sleep)

    def _sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)
        self.now_s += duration_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def live() -> Iterator[int]:
    """Return the pid of another live process."""
    child = subprocess.Popen(_SLEEPER)
    yield child.pid
    child.kill()
    child.wait()


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    return str(tmp_path / "t.jsonl")


def _lock(transcript: str, process: dict[str, Any] | None = None, **options: int | bool) -> SidecarLock:
    lock = make_lock("sidecar", transcript, dict(options), {} if process is None else process)
    assert isinstance(lock, SidecarLock)
    return lock


def _leave(transcript: str, pid: int, age_ms: int = 0, start: int | None = None) -> None:
    """Make a lock file as another process would."""
    started = process_start(pid) if start is None else start
    payload = Payload(pid, int(time.time() * 1000) - age_ms, started)
    Path(f"{transcript}.lock").write_bytes(payload.encode())


def test_the_payload_names_its_maker_and_a_release_unlinks_it(transcript: str) -> None:
    lock = _lock(transcript)
    lock.acquire()
    assert lock.held
    payload = json.loads(Path(f"{transcript}.lock").read_bytes())
    assert payload["pid"] == os.getpid()
    assert payload["starttime"] == process_start(os.getpid())
    assert abs(payload["createdAt"] - time.time() * 1000) < 60_000
    lock.release()
    assert not lock.held
    assert not os.path.exists(f"{transcript}.lock")


def test_a_waiter_polls_a_live_holder_until_the_time_out(transcript: str, live: int, clock: Clock) -> None:
    _leave(transcript, live)
    with pytest.raises(LockTimeoutError, match="60000 ms"):
        _lock(transcript).acquire()
    assert set(clock.slept_s) == {0.05}
    assert sum(clock.slept_s) == pytest.approx(60.0, abs=0.06)


def test_a_waiter_waits_for_another_lane_of_its_process(transcript: str, clock: Clock) -> None:
    process: dict[str, Any] = {}
    first, second = _lock(transcript, process), _lock(transcript, process, lock_timeout_ms=200)
    first.acquire()
    with pytest.raises(LockTimeoutError):
        second.acquire()
    first.release()
    second.acquire()
    assert second.held


def test_the_lock_of_a_dead_process_is_reclaimed(transcript: str, clock: Clock) -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    started = process_start(child.pid)
    child.wait()
    _leave(transcript, child.pid, start=started)
    _lock(transcript).acquire()
    assert clock.slept_s == []


def test_the_lock_of_a_zombie_is_reclaimed(transcript: str, clock: Clock) -> None:
    child = subprocess.Popen(_SLEEPER)
    _leave(transcript, child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    _lock(transcript, lock_timeout_ms=0).acquire()
    child.wait()


def test_the_lock_of_a_recycled_pid_is_reclaimed(transcript: str, live: int, clock: Clock) -> None:
    started = process_start(live)
    assert started is not None
    _leave(transcript, live, start=started + 1)
    _lock(transcript, lock_timeout_ms=0).acquire()


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"pid": 1}', b'{"pid": "x", "createdAt": 1}'])
def test_an_empty_lock_is_reclaimed_only_after_the_grace(
    payload: bytes, transcript: str, clock: Clock
) -> None:
    file = Path(f"{transcript}.lock")
    file.write_bytes(payload)
    made_ns = int(clock.now_s * 1e9)
    os.utime(file, ns=(made_ns, made_ns))
    with pytest.raises(LockTimeoutError):
        _lock(transcript, lock_timeout_ms=4_900).acquire()
    _lock(transcript, lock_timeout_ms=1_000).acquire()
    assert clock.now_s * 1e9 - made_ns == pytest.approx(5_000_000_000, abs=110_000_000)


def test_a_lock_of_exactly_the_grace_is_not_reclaimed(
    transcript: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(f"{transcript}.lock")
    file.touch()
    made_ns = 1_700_000_000_000_000_000
    os.utime(file, ns=(made_ns, made_ns))
    waiter = _lock(transcript, lock_timeout_ms=0)
    monkeypatch.setattr(time, "time_ns", lambda: made_ns + 5_000_000_000)
    with pytest.raises(LockTimeoutError):
        waiter.acquire()
    monkeypatch.setattr(time, "time_ns", lambda: made_ns + 5_000_000_001)
    waiter.acquire()
    assert waiter.held


def test_a_too_old_lock_is_reclaimed_from_a_live_holder(transcript: str, live: int, clock: Clock) -> None:
    options = {"lock_rob_live": False, "lock_max_hold_ms": 10_000_000, "lock_timeout_ms": 0}
    _leave(transcript, live, age_ms=1_800_000)
    with pytest.raises(LockTimeoutError):
        _lock(transcript, None, **options).acquire()
    _leave(transcript, live, age_ms=1_800_001)
    _lock(transcript, None, **options).acquire()


def test_an_orphan_of_this_process_is_reclaimed(transcript: str, clock: Clock) -> None:
    _leave(transcript, os.getpid())
    _lock(transcript, lock_timeout_ms=0).acquire()


def test_without_process_state_no_lock_is_an_orphan(transcript: str, clock: Clock) -> None:
    _leave(transcript, os.getpid())
    with pytest.raises(LockTimeoutError):
        make_lock("sidecar", transcript, {"lock_timeout_ms": 0}).acquire()


def test_an_overdue_live_holder_loses_the_lock(transcript: str, clock: Clock) -> None:
    process: dict[str, Any] = {}
    slow, other = _lock(transcript, process), _lock(transcript, process, lock_timeout_ms=0)
    slow.acquire()
    clock.now_s += 300
    with pytest.raises(LockTimeoutError):
        other.acquire()
    clock.now_s += 0.01
    other.acquire()
    with pytest.raises(StaleLockError, match="reclaimed"):
        slow.release()
    assert not slow.held
    assert other.held
    assert os.path.exists(f"{transcript}.lock")


def test_without_lock_rob_live_an_overdue_holder_is_reported(
    transcript: str, live: int, clock: Clock
) -> None:
    _leave(transcript, live, age_ms=300_001)
    with pytest.raises(StaleLockError, match="a live process for 300001 ms"):
        _lock(transcript, None, lock_rob_live=False).acquire()
    assert os.path.exists(f"{transcript}.lock")


def test_release_if_held_does_not_report_a_loss(transcript: str) -> None:
    lock = _lock(transcript)
    lock.acquire()
    os.unlink(f"{transcript}.lock")
    lock.release_if_held()
    assert not lock.held
    lock.release_if_held()


def test_a_release_keeps_the_lock_file_of_another_owner(transcript: str, live: int) -> None:
    lock = _lock(transcript)
    lock.acquire()
    _leave(transcript, live)
    with pytest.raises(StaleLockError):
        lock.release()
    assert os.path.exists(f"{transcript}.lock")


def test_a_release_without_a_hold_is_an_error(transcript: str) -> None:
    with pytest.raises(StaleLockError, match="not held"):
        _lock(transcript).release()


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (b'{"pid": 7, "createdAt": 8, "starttime": 9, "serial": 10}', Payload(7, 8, 9, 10)),
        (b'{"pid": 7, "createdAt": 8}', Payload(7, 8, None, 0)),
        (b'{"pid": 1, "createdAt": 8, "starttime": "9"}', Payload(1, 8, None, 0)),
        (b'{"pid": 7, "createdAt": 8, "starttime": true}', Payload(7, 8, None, 0)),
        (b'{"pid": 0, "createdAt": 8}', None),
        (b'{"pid": -7, "createdAt": 8}', None),
        (b'{"pid": true, "createdAt": 8}', None),
        (b'{"pid": 7, "createdAt": 8.5}', None),
        (b'{"pid": 7, "createdAt": "8"}', None),
        (b'{"pid": 7, "createdAt": 8, "serial": "x"}', None),
        (b'{"createdAt": 8}', None),
        (b"7", None),
    ],
)
def test_a_payload_is_read_as_far_as_it_is_valid(data: bytes, payload: Payload | None) -> None:
    assert Payload.decode(data) == payload
    if payload is not None:
        assert Payload.decode(payload.encode()) == payload


def test_two_locks_of_one_moment_are_told_apart(transcript: str, clock: Clock) -> None:
    process: dict[str, Any] = {}
    first, second = _lock(transcript, process), _lock(transcript, process)
    first.acquire()
    os.unlink(f"{transcript}.lock")
    second.acquire()
    with pytest.raises(StaleLockError, match="reclaimed"):
        first.release()
    assert os.path.exists(f"{transcript}.lock")


def test_a_lost_lock_is_no_longer_counted_as_held(transcript: str, clock: Clock) -> None:
    process: dict[str, Any] = {}
    lock = _lock(transcript, process)
    lock.acquire()
    os.rename(f"{transcript}.lock", f"{transcript}.away")
    with pytest.raises(StaleLockError):
        lock.release()
    os.rename(f"{transcript}.away", f"{transcript}.lock")
    _lock(transcript, process, lock_timeout_ms=0).acquire()


def test_a_payload_that_cannot_be_written_leaves_no_lock(
    transcript: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    process: dict[str, Any] = {}
    lock = _lock(transcript, process, lock_timeout_ms=0)
    descriptors = len(os.listdir("/proc/self/fd"))

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="no space"):
            lock.acquire()
    assert not lock.held
    assert not os.path.exists(f"{transcript}.lock")
    assert len(os.listdir("/proc/self/fd")) == descriptors
    lock.acquire()
    lock.release()


@pytest.mark.parametrize("moment", ["before the open", "after the open"])
def test_a_lock_changing_hands_during_a_look_is_no_orphan(
    moment: str, transcript: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    process: dict[str, Any] = {}
    first, next_one = _lock(transcript, process), _lock(transcript, process)
    waiter = _lock(transcript, process, lock_timeout_ms=0)
    first.acquire()
    real = os.open

    def opening(path: Any, flags: int, *rest: int) -> int:
        if flags & os.O_CREAT or path != f"{transcript}.lock":
            return real(path, flags, *rest)
        monkeypatch.setattr(os, "open", real)
        if moment == "after the open":
            fd = real(path, flags, *rest)
            first.release()
            return fd
        first.release()
        next_one.acquire()
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", opening)
    with pytest.raises(LockTimeoutError):
        waiter.acquire()
    assert next_one.held == os.path.exists(f"{transcript}.lock") == (moment == "before the open")


def test_a_lock_released_before_the_look_is_taken_at_once(
    transcript: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    process: dict[str, Any] = {}
    holder, waiter = _lock(transcript, process), _lock(transcript, process, lock_timeout_ms=0)
    holder.acquire()
    real = os.open

    def late(path: Any, flags: int, *rest: int) -> int:
        if not flags & os.O_CREAT:
            monkeypatch.setattr(os, "open", real)
            holder.release()
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", late)
    waiter.acquire()
    assert waiter.held
    assert clock.slept_s == []


def test_a_lock_without_start_time_belongs_to_any_live_process(
    transcript: str, live: int, clock: Clock
) -> None:
    Path(f"{transcript}.lock").write_bytes(Payload(live, int(time.time() * 1000), None).encode())
    with pytest.raises(LockTimeoutError):
        _lock(transcript, lock_timeout_ms=0).acquire()


def test_without_proc_a_process_counts_if_it_can_be_signalled(
    live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()

    def missing(path: Any, *_: Any) -> int:
        raise FileNotFoundError(path)

    def forbidden(pid: int, number: int) -> None:
        raise PermissionError

    assert process_start(dead.pid) is None
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", missing)
        patch.setattr(os.path, "exists", lambda path: False)
        assert (process_start(live), process_start(dead.pid)) == (0, None)
        patch.setattr(os, "kill", forbidden)
        assert process_start(live) == 0


@pytest.mark.parametrize(("state", "start"), [*((one, 22) for one in "RSDTtIP"), ("Z", None), ("X", None)])
def test_a_process_that_is_over_has_no_start_time(
    state: str, start: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stat"
    fields = ["7", "(a program)", state, *(str(number) for number in range(4, 53))]
    file.write_text(" ".join(fields) + "\n")
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: real(file if path == "/proc/7/stat" else path, *rest))
    assert process_start(7) == start


def test_brackets_in_a_programs_name_hide_no_start_time(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "300"]) as child, subprocess.Popen(_SLEEPER) as other:
        first, second = process_start(child.pid), process_start(other.pid)
        child.kill()
        other.kill()
    own = process_start(os.getpid())
    assert own is not None and first is not None and second is not None
    assert own < first <= second


def test_the_loss_of_the_lock_does_not_hide_a_verdict(transcript: str) -> None:
    lock = _lock(transcript)
    with pytest.raises(KeyError), lock:
        os.unlink(f"{transcript}.lock")
        raise KeyError("verdict")
    with pytest.raises(StaleLockError), lock:
        os.unlink(f"{transcript}.lock")


def test_the_reclaim_is_as_racy_as_the_released_one(
    transcript: str, live: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let two waiters find the same stale lock; the slower one unlinks the faster one's."""
    _leave(transcript, live, age_ms=300_001)
    process: dict[str, Any] = {}
    fast, slow = _lock(transcript, process), _lock(transcript, process)
    real = SidecarLock._unlink

    def unlink_late(lock: SidecarLock) -> None:
        if lock is slow:
            fast.acquire()
        real(lock)

    monkeypatch.setattr(SidecarLock, "_unlink", unlink_late)
    slow.acquire()
    assert fast.held
    assert slow.held


@pytest.mark.parametrize("value", [-1, True, "50", 0.5])
def test_a_time_that_is_no_number_of_milliseconds_is_refused(value: Any, transcript: str) -> None:
    with pytest.raises(ValueError, match="lock_poll_ms"):
        make_lock("sidecar", transcript, {"lock_poll_ms": value})


def test_an_unknown_kind_is_an_error_listing_known_ones(transcript: str) -> None:
    with pytest.raises(ValueError, match="'mutex', expected one of sidecar, flock"):
        make_lock("mutex", transcript, {})


def test_a_left_lock_has_the_id_and_an_earlier_start() -> None:
    assert KIND.left_behind is not None
    left = Payload.decode(KIND.left_behind(os.getpid(), 5))
    now = process_start(os.getpid())
    assert left is not None and now is not None and left.start is not None
    assert (left.pid, left.created_ms) == (os.getpid(), 5)
    assert left.start < now
