"""Lock by a file that is made with O_EXCL, as OpenClaw does.

``<transcript>.lock`` names its maker: pid, time, and the start time of the process, because pids are
reused. Waiters poll. A lock that looks stale is *reclaimed*: unlinked, then made anew.

The reclaim is racy on purpose, because the released one is: between the check that found the lock stale
and the unlink, another waiter may have reclaimed it; then a fresh lock is unlinked and two handles hold
it. In the same way the holder's own check at its release precedes its unlink. `fence.locks.flock` is a
lock without these races.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from typing import Any

from fence.errors import StaleLockError
from fence.locks.kind import LockKind
from fence.locks.lock import Lock, Options, Patience, milliseconds

__all__ = ["KIND", "Payload", "SidecarLock", "process_start"]

#: Start time of no process but the machine's first one.
_FIRST_TICK = 1


def process_start(pid: int) -> int | None:
    """Return the start time of a live process in clock ticks since boot; None if it is dead.

    Field 22 of ``/proc/PID/stat``. Without such a file system, 0 for every process that can be
    signalled. A zombie counts as dead.
    """
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            # The second field is the program's name, which may contain blanks and brackets.
            fields = os.read(fd, 4096).rpartition(b")")[2].split()
        finally:
            os.close(fd)
    except (FileNotFoundError, ProcessLookupError):
        return None if os.path.exists("/proc/self/stat") else _signalled(pid)
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _signalled(pid: int) -> int | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0
    return 0


@dataclasses.dataclass(frozen=True)
class Payload:
    """The content of a lock file, which describes its maker.

    Args:
        pid: process that made it.
        created_ms: wall clock, milliseconds since 1970.
        start: start time of that process, see `process_start`; None if absent.
        serial: distinguishes the locks that one process made in one millisecond.
    """

    pid: int
    created_ms: int
    start: int | None
    serial: int = 0

    def encode(self) -> bytes:
        """Return the text form; the first three keys are those of OpenClaw."""
        fields = {"pid": self.pid, "createdAt": self.created_ms, "starttime": self.start}
        return json.dumps({**fields, "serial": self.serial}).encode()

    @staticmethod
    def decode(data: bytes) -> Payload | None:
        """Parse a text form; return None if it is invalid."""
        try:
            fields = json.loads(data)
            pid, created_ms = fields["pid"], fields["createdAt"]
            start, serial = fields.get("starttime"), fields.get("serial", 0)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        valid = all(type(number) is int for number in (pid, created_ms, serial)) and pid > 0
        return Payload(pid, created_ms, start if type(start) is int else None, serial) if valid else None


class SidecarLock(Lock):
    """Handle on ``<transcript>.lock``.

    Args:
        transcript: path of the transcript.
        options: ``lock_poll_ms`` (50), ``lock_timeout_ms`` (60,000),
            ``lock_grace_ms`` for a payload that is missing (5,000),
            ``lock_max_hold_ms`` (300,000), ``lock_stale_ms`` (1,800,000), and
            ``lock_rob_live``: whether the lock of a live holder that exceeded its time is
            reclaimed, as up to 2026.5.28 (True), or reported to the waiter, as from 5.31 on.
        process: shared by all handles of this process; it keeps the locks that they hold.
            Without it no lock is considered an orphan of this process.
    """

    def __init__(self, transcript: str, options: Options, process: dict[str, Any] | None = None) -> None:
        self._path = f"{transcript}.lock"
        self._patience = Patience(self._path, options, timeout_ms=60_000)
        self._grace_ms = milliseconds(options, "lock_grace_ms", 5_000)
        self._max_hold_ms = milliseconds(options, "lock_max_hold_ms", 300_000)
        self._stale_ms = milliseconds(options, "lock_stale_ms", 1_800_000)
        self._rob_live = bool(options.get("lock_rob_live", True))
        self._process = process
        self._ours: set[Payload] = set() if process is None else process.setdefault("sidecar.held", set())
        self._mine: Payload | None = None

    @property
    def held(self) -> bool:
        """Return whether this handle made the lock and has not released it; it may have been reclaimed."""
        return self._mine is not None

    def acquire(self) -> None:
        """Take the lock; a stale one is reclaimed on the way."""
        assert self._mine is None, "a handle is not re-entrant"
        self._patience.begin()
        while not self._make():
            if not self._reclaim():
                self._patience.wait()

    def release(self) -> None:
        """Unlink the lock file if it still belongs to this handle."""
        if self._mine is None:
            raise StaleLockError(f"{self._path}: released, but not held by this handle; acquire it first")
        mine, self._mine = self._mine, None
        try:
            data = self._read()
            if data is None or Payload.decode(data) != mine:
                raise StaleLockError(f"{self._path}: reclaimed by somebody else while it was held here")
            self._unlink()
        finally:
            # Only after the unlink, or another handle of this process would consider it an orphan.
            self._ours.discard(mine)

    def release_if_held(self) -> None:
        """Unlink the lock file if it is held and still belongs to this handle."""
        if self._mine is not None:
            try:
                self.release()
            except StaleLockError:
                return

    # The file

    def _make(self) -> bool:
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return False
        pid = os.getpid()
        mine = Payload(pid, int(time.time() * 1000), self._own_start(pid), self._next_serial())
        # Noted before the file can be read, or another handle of this process would consider it an orphan.
        self._ours.add(mine)
        try:
            os.write(fd, mine.encode())
        except BaseException:
            self._ours.discard(mine)
            self._unlink()
            raise
        finally:
            os.close(fd)
        self._mine = mine
        return True

    def _own_start(self, pid: int) -> int | None:
        """Return the start time of this process, looked up once; a forked child is another process."""
        if self._process is None:
            return process_start(pid)
        known: dict[int, int | None] = self._process.setdefault("sidecar.start", {})
        if pid not in known:
            known[pid] = process_start(pid)
        return known[pid]

    def _next_serial(self) -> int:
        if self._process is None:
            return 0
        serial: int = self._process.get("sidecar.serial", 0) + 1
        self._process["sidecar.serial"] = serial
        return serial

    def _read(self) -> bytes | None:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            return os.read(fd, 4096)
        finally:
            os.close(fd)

    def _unlink(self) -> None:
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return

    # Staleness

    def _reclaim(self) -> bool:
        """Unlink the lock file if it is stale; also return True if it no longer exists.

        All checks use the one file that was opened. The set of locks that this process holds is
        copied at that moment too: until the payload is read, another handle of the process may have
        released its lock.
        """
        held_here = set(self._ours)
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            held_here |= self._ours
            holder = Payload.decode(os.read(fd, 4096))
            stale = self._unclaimed(fd) if holder is None else self._stale(holder, held_here)
        finally:
            os.close(fd)
        if stale:
            self._unlink()
        return stale

    def _stale(self, holder: Payload, held_here: set[Payload]) -> bool:
        start = process_start(holder.pid)
        return (
            self._dead(start)
            or self._recycled(holder, start)
            or self._orphaned(holder, held_here)
            or self._too_old(holder)
            or self._overstayed(holder)
        )

    def _dead(self, start: int | None) -> bool:
        """Return whether the maker's process has ended."""
        return start is None

    def _recycled(self, holder: Payload, start: int | None) -> bool:
        """Return whether the pid belongs to another process now."""
        return holder.start is not None and start != holder.start

    def _orphaned(self, holder: Payload, held_here: set[Payload]) -> bool:
        """Return whether this process made the lock, but none of its handles held it at the check."""
        return self._process is not None and holder.pid == os.getpid() and holder not in held_here

    def _too_old(self, holder: Payload) -> bool:
        """Return whether it is older than any work may take, its maker live or not."""
        return self._age_ms(holder) > self._stale_ms

    def _overstayed(self, holder: Payload) -> bool:
        """Return whether a live holder has kept the lock for longer than allowed."""
        if self._age_ms(holder) <= self._max_hold_ms:
            return False
        if self._rob_live:
            return True
        raise StaleLockError(
            f"{self._path}: held by a live process for {self._age_ms(holder)} ms, "
            f"at most {self._max_hold_ms} are allowed; end that process or wait for it"
        )

    def _unclaimed(self, fd: int) -> bool:
        """Return whether it has no payload although its maker has had time enough to write one."""
        return time.time_ns() - os.fstat(fd).st_mtime_ns > self._grace_ms * 1_000_000

    def _age_ms(self, holder: Payload) -> int:
        return int(time.time() * 1000) - holder.created_ms


def _left_behind(pid: int, created_ms: int) -> bytes:
    """Return the content of a lock whose maker had this process id, and started before its present owner."""
    return Payload(pid, created_ms, _FIRST_TICK).encode()


KIND = LockKind(
    "sidecar",
    "a file made with O_EXCL that names its maker; a stale one is reclaimed (OpenClaw)",
    ".lock",
    "file",
    SidecarLock,
    (
        "lock_grace_ms",
        "lock_max_hold_ms",
        "lock_poll_ms",
        "lock_rob_live",
        "lock_stale_ms",
        "lock_timeout_ms",
    ),
    _left_behind,
)
