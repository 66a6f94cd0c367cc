"""The effect of a step on the session directory, recorded right after its call returned.

`before` notes what the call could destroy, `after` looks at the files and returns
the change and the lock event of the step. Which looks are needed follows from
the kind of call: the effect of most opens (`record_open`) and closes (`record_close`) is known
before they run. After each step of a lane with a live shared mapping the files are looked at,
because a store through it is no call.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from harness.gates.kernel import linux_abi
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.laid_files import TRANSCRIPT
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.nameless_files import makes_nameless, take_in_nameless
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.record_locks import RecordLocks
from harness.gates.kernel.syscall_arguments import closed_by_copy
from harness.gates.kernel.syscall_table import MAKES_DIRECTORY
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.history import Change, LockEvent

__all__ = ["EffectRecorder"]

#: Kinds of call that stamp the file they are about, unless they are refused.
_STAMPING: Final = frozenset({"open", "data", "meta"})
_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_TIMES: Final = struct.Struct("=4q")
_LINKS_THEMSELVES: Final = frozenset({"lchown", "lsetxattr", "lremovexattr"})
_NOFOLLOW_AT: Final = {"utimensat": 3, "fchownat": 4, "fchmodat2": 3, "setxattrat": 2, "removexattrat": 2}


class EffectRecorder:
    """Observer of one session directory."""

    def __init__(self, files: VirtualFiles, flocks: Flocks) -> None:
        self._files = files
        self._flocks = flocks
        self._records = RecordLocks(files)
        self._target: Inode | None = None
        self._real_mtime = 0
        self._by = (False, False)
        self._descriptor = ""
        self._times: tuple[int | None, int | None] | None = None

    def begin(self) -> None:
        """Start a schedule."""
        self._records.begin()

    def must_wait(self, pending: PendingSyscall) -> bool:
        """Return whether a pending call sleeps for a record lock that is held."""
        return self._records.must_wait(pending)

    def takes_record_lock(self, pending: PendingSyscall) -> bool:
        """Return whether a pending fcntl asks for a record lock, and neither lets one go nor looks."""
        return self._records.takes(pending)

    def sets_record_lock(self, pending: PendingSyscall) -> bool:
        """Return whether a pending fcntl asks for a record lock or lets one go."""
        return self._records.sets(pending)

    def wanted_record_lock(self, pending: PendingSyscall) -> bytes:
        """Return the record lock that a pending fcntl asks for, as it takes it."""
        return self._records.wanted(pending)

    def is_record_lock_taken(self, pending: PendingSyscall, wanted: bytes) -> bool:
        """Return whether another process has a record lock that a call asks, or has asked, for."""
        return self._records.is_taken(pending, wanted)

    def before(self, lane: Lane, pending: PendingSyscall) -> None:
        """Note what must be known before a file call runs."""
        files = self._files
        call = pending.call
        kind = call.kind
        self._by = (files.lock.owner == lane.index, lane.index in files.lock.robbed)
        self._target = pending.inode
        assert lane.worker is not None
        if kind == "lock" and "record" in files.lock.keepers:
            self._records.before(pending)
        elif kind == "names" and call.name in MAKES_DIRECTORY:
            self._target = files.names.get(pending.name or "")
        elif kind in _STAMPING:
            if pending.name is not None:
                self._target = self._aim(pending)
            elif kind != "open":
                self._descriptor = (
                    f"/proc/{pending.process.pid}/fd/{signed(pending.args[max(call.fd, call.at)])}"
                )
            target = self._target
            if files.fine_stamps and target is not None and target.real is None:
                target.keep_real(self._stamps(target))
        if lane.worker.maps_files:
            self._real_mtime = self._mtime()
        if kind == "meta":
            self._times = self._wanted_times(pending)

    def record_open(self, lane: Lane, pending: PendingSyscall) -> bool:
        """Record an open that leaves names and bytes as they are, before it runs.

        Returns:
            False for an open that may make or empty a file: it has to be watched.
        """
        target = self._aim(pending) if pending.name is not None else pending.inode
        flags = pending.flags
        if target is None:
            return not (flags & os.O_CREAT or makes_nameless(pending))
        if target.is_directory and makes_nameless(pending):
            return False
        if flags & os.O_CREAT and flags & os.O_EXCL:
            lane.poll_for(pending.name)
        elif flags & os.O_TRUNC and flags & 3:
            return False
        elif not self._is_refused(pending, target):
            target.opened()
        return True

    def _is_refused(self, pending: PendingSyscall, target: Inode) -> bool:
        """Return whether the kernel refuses to open a file that exists, for any process."""
        flags = pending.flags
        if target.is_directory:
            return bool(flags & (os.O_ACCMODE | os.O_CREAT))
        if flags & os.O_DIRECTORY:
            return True
        return bool(flags & os.O_NOFOLLOW) and pending.name in self._files.symlinks

    def record_close(self, pending: PendingSyscall) -> LockEvent | None:
        """Record a close before it runs, as long as no descriptor was copied."""
        return self._closed(pending, signed(pending.args[0]), pending.inode)

    def after(self, lane: Lane, pending: PendingSyscall) -> tuple[Change | None, LockEvent | None]:
        """Record what the step did.

        Returns:
            The change of the transcript and the event of the write lock, if any.
        """
        files = self._files
        call = pending.call
        lock: LockEvent | None = None
        kind = call.kind
        look = False
        if kind == "open":
            look, lock = self._opened(lane, pending)
        elif kind == "data":
            look = self._written()
        elif kind == "names":
            look = self._renamed(pending)
            lock = files.lock.named(lane.index, files.names)
            if call.name in MAKES_DIRECTORY:
                self._directory_made(lane, pending)
        elif kind == "close":
            lock = self._closed(pending, signed(pending.args[0]), pending.inode)
        elif kind == "lock":
            lock = self._records.after(lane, pending)
        elif kind == "table":
            lock = self._replaced(pending)
        elif kind == "meta":
            self._touched()
        elif kind == "map":
            # However it is mapped: mprotect can make it writable later, and is no trap.
            assert lane.worker is not None
            # Of the worker, whichever of its processes did it: any of their steps may store something.
            lane.worker.maps_file()
        before = files.state
        if look and files.look():
            return Change(before, files.state, *self._by), lock
        return None, lock

    def stored(self, lane: Lane, change: Change | None) -> Change | None:
        """Look once more at the end of a step of a lane that has the file mapped.

        Args:
            lane: that moved.
            change: what its call changed.

        Returns:
            The change by the call and the stores together.
        """
        files = self._files
        before = files.state if change is None else change.before
        for inode in files.by_ino.values():
            # Stores move the stamps behind our back.
            inode.keep_real(None)
        if not files.look():
            return change
        if self._mtime() != self._real_mtime:
            # The first store into a clean page; one into a dirty page leaves no stamp.
            self._stamp(files.names.get(TRANSCRIPT))
        return Change(before, files.state, *self._by)

    def target_of(self, pending: PendingSyscall) -> Inode | None:
        """Return the file that a call is about, by name or by descriptor, if there is one."""
        return self._aim(pending) if pending.name is not None else pending.inode

    def _aim(self, pending: PendingSyscall) -> Inode | None:
        """Return the file that a call by name is about, if it exists."""
        files, name = self._files, pending.name
        assert name is not None
        if name in files.symlinks and not _spares_links(pending):
            return self._followed(name)
        return files.names.get(name)

    def _followed(self, name: str) -> Inode | None:
        try:
            return self._files.by_ino.get(os.stat(os.path.join(self._files.directory, name)).st_ino)
        except OSError:
            return None

    def _mtime(self) -> int:
        try:
            return os.stat(self._files.path).st_mtime_ns
        except OSError:
            return 0

    def _stamp(self, inode: Inode | None) -> None:
        if inode is not None:
            inode.content_changed(self._files.stamp())

    def _opened(self, lane: Lane, pending: PendingSyscall) -> tuple[bool, LockEvent | None]:
        files = self._files
        flags = pending.flags
        target = self._target
        lock = None
        look = False
        if makes_nameless(pending):
            take_in_nameless(files, pending)
            return False, None
        if target is None and flags & os.O_CREAT:
            look = self._renamed(pending)
            if files.names.get(pending.name or "") is not None:
                lane.stop_polling()
                lock = files.lock.named(lane.index, files.names)
            target = files.names.get(pending.name or "")
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            lane.poll_for(pending.name)
            return False, None
        elif flags & os.O_TRUNC and flags & 3 and self._moved():
            self._stamp(target)
            look = True
        if target is not None and not self._is_refused(pending, target):
            target.opened()
        return look, lock

    def _renamed(self, pending: PendingSyscall) -> bool:
        """Follow the names that a call may have changed; whether that may show in the transcript."""
        files = self._files
        before = files.names.get(TRANSCRIPT)
        names = [name for name in (pending.name, pending.name2) if name is not None]
        if not names or not files.symlinks.isdisjoint(names):
            changed = files.rescan()
        else:
            changed = files.recheck(*names)
        # Bytes do not move with names: only another file behind the path is something to see.
        moved = before is not files.names.get(TRANSCRIPT) or TRANSCRIPT in files.symlinks
        return changed and moved

    def _directory_made(self, lane: Lane, pending: PendingSyscall) -> None:
        if self._target is not None:
            lane.poll_for(pending.name)
        elif pending.name in self._files.names:
            lane.stop_polling()

    def _written(self) -> bool:
        target = self._target
        if self._moved():
            self._stamp(target)
        files = self._files
        return target is None or TRANSCRIPT in files.symlinks or target is files.names.get(TRANSCRIPT)

    def _closed(self, pending: PendingSyscall, fd: int, inode: Inode | None) -> LockEvent | None:
        pending.process.forget_fd(fd)
        if inode is not None:
            self._files.closed(inode)
        return self._flocks.release(pending.process, inode, fd) or self._records.release(pending, inode)

    def _replaced(self, pending: PendingSyscall) -> LockEvent | None:
        """Record that a dup2, dup3 or close_range closed descriptors."""
        event = None
        for fd in closed_by_copy(pending.process, pending):
            inode = pending.process.fds.get(fd)
            event = self._closed(pending, fd, inode) or event
        return event

    def _stamps(self, inode: Inode) -> tuple[int, int] | None:
        """Return the real stamps of a file: by a name that it has, else by the lane's descriptor."""
        try:
            for name in inode.names:
                real = os.lstat(f"{self._files.directory}/{name}")
                break
            else:
                real = os.stat(self._descriptor)
        except OSError:
            return None
        return real.st_mtime_ns, real.st_ctime_ns

    def _moved(self) -> bool:
        """Return whether the call really touched the file: a refused one leaves no stamp."""
        inode = self._target
        if inode is None or not self._files.fine_stamps:
            return True
        before, now = inode.real, self._stamps(inode)
        inode.keep_real(now)
        return now != before

    def _wanted_times(self, pending: PendingSyscall) -> tuple[int | None, int | None] | None:
        """Return access and modification time asked for by utimensat; None for other calls."""
        call = pending.call
        if call.name not in ("utimensat", "utime", "utimes", "futimesat"):
            return None
        now = self._files.stamp()
        address = pending.args[2] if call.name in ("utimensat", "futimesat") else pending.args[1]
        if address == 0:
            return now, now
        if call.name == "utime":
            times = struct.unpack("=2q", pending.process.memory.read(address, 16))
            return times[0] * 1_000_000_000, times[1] * 1_000_000_000
        a_s, a_f, m_s, m_f = _TIMES.unpack(pending.process.memory.read(address, 32))
        if call.name != "utimensat":
            return a_s * 1_000_000_000 + a_f * 1000, m_s * 1_000_000_000 + m_f * 1000
        if m_f == _UTIME_NOW:
            return now, now
        if m_f == _UTIME_OMIT:
            return now, None
        return a_s * 1_000_000_000 + a_f, m_s * 1_000_000_000 + m_f

    def _touched(self) -> None:
        target = self._target
        if target is None or not self._moved():
            return
        target.metadata_changed(self._files.stamp())
        if self._times is not None and self._times[1] is not None:
            modified = self._times[1]
            grain = self._files.grain_ns
            target.set_mtime(modified - modified % grain if grain else modified)


def _spares_links(pending: PendingSyscall) -> bool:
    """Return whether a call is about a symlink itself and not about what it points to."""
    place = _NOFOLLOW_AT.get(pending.call.name)
    return pending.call.name in _LINKS_THEMSELVES or (
        place is not None and bool(pending.args[place] & linux_abi.AT_SYMLINK_NOFOLLOW)
    )
