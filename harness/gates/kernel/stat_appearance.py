"""Answers of stat that differ from the file: `filesystem` keys whose values change by themselves.

Only a scenario that asks for one of them has an `Appearance`. All of it follows from the virtual time and
the steps of the schedule.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import NamedTuple

from harness.gates.kernel.inode import Inode, Shown
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.syscall_table import opens_for_writing
from harness.model.program import Filesystem

__all__ = ["Appearance", "appearance_of", "watches"]

_MS = 1_000_000
#: By so much stamps of a file become later.
_SETTLED_NS = 1 * _MS
#: The first of the numbers that are told in the place of another one.
_FIRST = 1 << 20
#: Kinds of call after which a process looks for itself.
_RENEWING = frozenset({"open", "data", "meta", "names"})


class _Remembered(NamedTuple):
    """An answer that a process got, the time until which it holds, and its file."""

    until_ns: int
    number: int
    real: os.stat_result
    shown: Shown


class Appearance:
    """Answers of stat in one schedule.

    Args:
        filesystem: of the program.
        now: virtual time, nanoseconds.
        ahead: how far the clock that stamps come from is ahead of it, nanoseconds.
        is_pinned: whether the kernel may not forget a file, for a process has it open, or watches it.
        laid: files that were there before the first step.
    """

    def __init__(
        self,
        filesystem: Filesystem,
        now: Callable[[], int],
        ahead: Callable[[], int],
        is_pinned: Callable[[Inode], bool],
        laid: frozenset[Inode],
    ) -> None:
        self._forget_ns = filesystem.inode_forget_ms * _MS
        self._settle_ns = filesystem.stamps_settle_ms * _MS
        self._looks_back = self._forget_ns >= 0 or self._settle_ns >= 0
        self._ctime_own = filesystem.ctime_own
        self._drift_ns = filesystem.ctime_drift_ms * _MS
        self._cache_ns = filesystem.attribute_cache_ms * _MS
        self._links_share = filesystem.links_share_inode
        self._now = now
        self._ahead = ahead
        self._is_pinned = is_pinned
        self._below = set(laid) if filesystem.copy_up else set()
        self._numbers: dict[tuple[Inode, str], int] = {}
        self._used_ns: dict[Inode, int] = {}
        #: By file the ctime of the change whose stamps have become later since.
        self._settled: dict[Inode, int] = {}
        self._next = _FIRST
        self._told: dict[tuple[str, str], _Remembered] = {}

    def before(self, pending: PendingSyscall, target: Inode | None, stamp: int) -> None:
        """Take in that a process is about to make a call that is no stat.

        Args:
            pending: the call.
            target: the file that it is about, if there is one.
            stamp: as a change has it now.
        """
        kind = pending.call.kind
        if self._looks_back and target is not None and kind != "stat":
            self._used(target)
        if kind not in _RENEWING:
            return
        if self._told:
            self._renew(pending, target)
        writes = kind != "open" or opens_for_writing(pending.flags)
        if target in self._below and target is not None and writes:
            self._below.discard(target)
            target.copied_up(stamp)

    def _used(self, inode: Inode) -> None:
        """Take in that a process uses a file, so that the kernel has it in mind again.

        One that it had forgotten has another number, or later stamps, from then on.
        """
        now = self._now()
        unused_ns = now - self._used_ns.get(inode, inode.btime - self._ahead())
        self._used_ns[inode] = now
        forgotten, settled = (0 <= limit <= unused_ns for limit in (self._forget_ns, self._settle_ns))
        if not (forgotten or settled) or self._is_pinned(inode):
            return
        if forgotten:
            for known in [known for known in self._numbers if known[0] is inode]:
                del self._numbers[known]
            self._numbers[inode, ""] = self._new()
        if settled:
            self._settled[inode] = inode.ctime

    def _renew(self, pending: PendingSyscall, target: Inode | None) -> None:
        process = pending.process.name
        number = -1 if target is None else target.number
        names = (pending.name, pending.name2)
        for key, known in list(self._told.items()):
            if key[0] == process and (known.number == number or key[1] in names):
                del self._told[key]

    def remembered(self, pending: PendingSyscall) -> tuple[os.stat_result, Shown] | None:
        """Return what a stat is told once more; None where the file has to be looked at."""
        known = self._told.get(_key(pending)) if self._told else None
        if known is None or self._now() >= known.until_ns:
            return None
        return known.real, known.shown

    def show(self, pending: PendingSyscall, real: os.stat_result, inode: Inode) -> Shown:
        """Return what a stat is told of a file.

        Args:
            pending: the call.
            real: what the file system says.
            inode: the file.
        """
        now = self._now()
        number = self._number(pending.name, inode)
        changed, modified = self._stamps(inode, now)
        shown = Shown(number, inode.btime, changed, modified)
        if self._cache_ns:
            self._told[_key(pending)] = _Remembered(now + self._cache_ns, inode.number, real, shown)
        return shown

    def _stamps(self, inode: Inode, now: int) -> tuple[int, int]:
        """Return ctime and mtime."""
        changed, modified = inode.ctime, inode.mtime
        if self._settled.get(inode) == changed:
            # An mtime that is another one was set by a process, and is the file's own.
            modified += _SETTLED_NS * (modified == changed)
            changed += _SETTLED_NS
        if self._drift_ns:
            changed += (now + self._ahead() - changed) // self._drift_ns * self._drift_ns
        return changed if self._ctime_own else modified, modified

    def _number(self, name: str | None, inode: Inode) -> int:
        if self._looks_back:
            self._used(inode)
        if not self._links_share and name is not None and len(inode.names) > 1 and name != min(inode.names):
            if (inode, name) not in self._numbers:
                self._numbers[inode, name] = self._new()
            return self._numbers[inode, name]
        return self._numbers.get((inode, ""), inode.virtual_ino)

    def _new(self) -> int:
        self._next += 1
        return self._next


def watches(pid: int, ino: int) -> bool:
    """Return whether a process has an inotify watch on the file with a real number; it pins the file."""
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{fd}") != "anon_inode:inotify":
                    continue
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                    if any(f" ino:{ino:x} " in line for line in file):
                        return True
    return False


def _key(pending: PendingSyscall) -> tuple[str, str]:
    """Return which process looks, and by what: a name, or the file of a descriptor."""
    by = pending.name if pending.name is not None else f"/{pending.inode.number if pending.inode else -1}"
    return pending.process.name, by


def appearance_of(
    filesystem: Filesystem,
    now: Callable[[], int],
    ahead: Callable[[], int],
    is_pinned: Callable[[Inode], bool],
    laid: frozenset[Inode],
) -> Appearance | None:
    """Return what stat tells, as `Appearance`; None where it is what the files are."""
    plain = Filesystem(
        filesystem.time_grain_ms, filesystem.birth_time, filesystem.inode_reuse, clock=filesystem.clock
    )
    return None if filesystem == plain else Appearance(filesystem, now, ahead, is_pinned, laid)
