"""What a step really did: taken down right after the lane stopped again.

`before` notes what the step could destroy, `after` looks at the world and tells
the change and the lock event of the step. Which looks are needed follows from
the kind of call: what an `opening` or a `closing` does is known beforehand. A lane
with a live shared mapping is looked after at each step, because a store through it
is no call.
"""

from __future__ import annotations

import os
import struct

from harness.gates.kernel import linux_abi
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Process
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.record_locks import RecordLocks
from harness.gates.kernel.syscall_table import MAKES_DIRECTORY
from harness.gates.kernel.virtual_files import TRANSCRIPT, Node, VirtualFiles
from harness.model.history import Change, LockEvent

__all__ = ["EffectRecorder", "open_flags", "replaced", "stat_target"]

#: Kinds of call that stamp the file they are about, unless they are refused.
_STAMPING = frozenset({"open", "data", "meta"})
_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_TIMES = struct.Struct("=4q")
_LINKS_THEMSELVES = frozenset({"lchown", "lsetxattr", "lremovexattr"})
_NOFOLLOW_AT = {"utimensat": 3, "fchownat": 4, "fchmodat2": 3, "setxattrat": 2, "removexattrat": 2}


class EffectRecorder:
    """Observer of one world."""

    def __init__(self, world: VirtualFiles, flocks: Flocks) -> None:
        self._world = world
        self._flocks = flocks
        self._records = RecordLocks(world)
        self._target: Node | None = None
        self._real_mtime = 0
        self._by = (False, False)
        self._descriptor = ""
        self._times: tuple[int | None, int | None] | None = None

    def begin(self) -> None:
        """Start a schedule."""
        self._records.begin()

    def before(self, lane: Lane, stand: PendingSyscall) -> None:
        """Note what must be known before a file call runs."""
        world = self._world
        call = stand.call
        self._by = (world.lock.owner == lane.index, lane.index in world.lock.robbed)
        self._target = stand.node
        assert lane.worker is not None
        if call.name in MAKES_DIRECTORY:
            self._target = world.names.get(stand.name or "")
        if call.kind in _STAMPING:
            if stand.name is not None:
                self._target = self._aim(stand)
            elif call.kind != "open":
                self._descriptor = f"/proc/{stand.space.pid}/fd/{signed(stand.args[max(call.fd, call.at)])}"
            target = self._target
            if world.fine_stamps and target is not None and target.real is None:
                target.real = self._stamps(target)
        if lane.worker.mapped:
            self._real_mtime = self._mtime()
        if call.kind == "meta":
            self._times = self._wanted_times(stand)

    def opening(self, lane: Lane, stand: PendingSyscall) -> bool:
        """Take down an open that leaves names and bytes as they are.

        Returns:
            False for an open that may make or empty a file: it has to be watched.
        """
        target = self._aim(stand) if stand.name is not None else stand.node
        flags = stand.flags
        if target is None:
            return not flags & os.O_CREAT
        if flags & os.O_CREAT and flags & os.O_EXCL:
            self._in_the_way(lane, stand)
        elif flags & os.O_TRUNC and flags & 3:
            return False
        elif not self._is_refused(stand, target):
            target.opens += 1
        return True

    def _is_refused(self, stand: PendingSyscall, target: Node) -> bool:
        """Whether the kernel will not open what is there, whoever asks: no descriptor comes of it."""
        world, flags = self._world, stand.flags
        if flags & os.O_DIRECTORY and target is not world.directory_node:
            return not (world.lock.is_directory and stand.name == world.lock.name)
        return bool(flags & os.O_NOFOLLOW) and stand.name in world.symlinks

    def closing(self, stand: PendingSyscall) -> LockEvent | None:
        """Take down a close that is about to happen, as long as no descriptor was copied."""
        return self._closed(stand, signed(stand.args[0]), stand.node)

    def after(self, lane: Lane, stand: PendingSyscall) -> tuple[Change | None, LockEvent | None]:
        """Take down what the step did.

        Returns:
            The change of the transcript and the event of the write lock, if any.
        """
        world = self._world
        call = stand.call
        lock: LockEvent | None = None
        kind = call.kind
        look = False
        if kind == "open":
            look, lock = self._opened(lane, stand)
        elif kind == "data":
            look = self._written()
        elif kind == "names":
            look = self._renamed(stand)
            lock = world.lock.named(lane.index, world.names)
            if call.name in MAKES_DIRECTORY:
                self._directory_made(lane, stand)
        elif kind == "close":
            lock = self._closed(stand, signed(stand.args[0]), stand.node)
        elif kind == "lock":
            lock = self._records.after(lane, stand)
        elif kind == "table":
            lock = self._replaced(stand)
        elif kind == "meta":
            self._touched()
        elif kind == "map":
            # However it is mapped: mprotect can make it writable later, and is no trap.
            assert lane.worker is not None
            # Of the worker, whoever of its family did it: any of their steps may store something.
            lane.worker.mapped = True
        before = world.state
        if look and world.look():
            return Change(before, world.state, *self._by), lock
        return None, lock

    def stored(self, lane: Lane, change: Change | None) -> Change | None:
        """Look once more at the end of a step of a lane that has the file mapped.

        Args:
            lane: who moved.
            change: what its call changed.

        Returns:
            What call and stores changed together.
        """
        world = self._world
        before = world.state if change is None else change.before
        for node in world.by_ino.values():
            # Stores move the stamps behind our back.
            node.real = None
        if not world.look():
            return change
        if self._mtime() != self._real_mtime:
            # The first store into a clean page; one into a dirty page leaves no stamp.
            self._stamp(world.names.get(TRANSCRIPT))
        return Change(before, world.state, *self._by)

    def _aim(self, stand: PendingSyscall) -> Node | None:
        """The file that a call by name is about, if it is there."""
        world, name = self._world, stand.name
        assert name is not None
        if name in world.symlinks and not _spares_links(stand):
            return self._followed(name)
        return world.names.get(name)

    def _followed(self, name: str) -> Node | None:
        try:
            return self._world.by_ino.get(os.stat(os.path.join(self._world.directory, name)).st_ino)
        except OSError:
            return None

    def _mtime(self) -> int:
        try:
            return os.stat(self._world.path).st_mtime_ns
        except OSError:
            return 0

    def _stamp(self, node: Node | None) -> None:
        if node is not None:
            node.mtime = node.ctime = self._world.stamp()

    def _opened(self, lane: Lane, stand: PendingSyscall) -> tuple[bool, LockEvent | None]:
        world = self._world
        flags = stand.flags
        target = self._target
        lock = None
        look = False
        if target is None and flags & os.O_CREAT:
            look = self._renamed(stand)
            if world.names.get(stand.name or "") is not None:
                lane.poll_name = None
                lane.poll_count = 0
                lock = world.lock.named(lane.index, world.names)
            target = world.names.get(stand.name or "")
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            self._in_the_way(lane, stand)
            return False, None
        elif flags & os.O_TRUNC and flags & 3 and self._moved():
            self._stamp(target)
            look = True
        if target is not None and not self._is_refused(stand, target):
            target.opens += 1
        return look, lock

    def _renamed(self, stand: PendingSyscall) -> bool:
        """Follow the names that a call may have changed; whether that may show in the transcript."""
        world = self._world
        before = world.names.get(TRANSCRIPT)
        names = [name for name in (stand.name, stand.name2) if name is not None]
        if not names or not world.symlinks.isdisjoint(names):
            changed = world.rescan()
        else:
            changed = world.recheck(*names)
        # Bytes do not move with names: only another file behind the path is something to see.
        moved = before is not world.names.get(TRANSCRIPT) or TRANSCRIPT in world.symlinks
        return changed and moved

    def _directory_made(self, lane: Lane, stand: PendingSyscall) -> None:
        if self._target is not None:
            self._in_the_way(lane, stand)
        elif stand.name in self._world.names:
            lane.poll_name, lane.poll_count = None, 0

    def _in_the_way(self, lane: Lane, stand: PendingSyscall) -> None:
        """Somebody has the name: whatever the lane sleeps for next, it waits for that."""
        if lane.poll_name != stand.name:
            lane.poll_name, lane.poll_count = stand.name, 0

    def _written(self) -> bool:
        target = self._target
        if self._moved():
            self._stamp(target)
        world = self._world
        return target is None or TRANSCRIPT in world.symlinks or target is world.names.get(TRANSCRIPT)

    def _closed(self, stand: PendingSyscall, fd: int, node: Node | None) -> LockEvent | None:
        stand.space.fds.pop(fd, None)
        if node is not None:
            self._world.closed(node)
        return self._flocks.dropped(stand.space, node, fd) or self._records.closed(stand, node)

    def _replaced(self, stand: PendingSyscall) -> LockEvent | None:
        """After dup2, dup3 or close_range: what its descriptors stood for is closed."""
        event = None
        for fd in replaced(stand.space, stand):
            node = stand.space.fds.get(fd)
            event = self._closed(stand, fd, node) or event
        return event

    def _stamps(self, node: Node) -> tuple[int, int] | None:
        """Real stamps of a file: by a name that it has, else by the lane's descriptor."""
        try:
            for name in node.names:
                real = os.lstat(f"{self._world.directory}/{name}")
                break
            else:
                real = os.stat(self._descriptor)
        except OSError:
            return None
        return real.st_mtime_ns, real.st_ctime_ns

    def _moved(self) -> bool:
        """Whether the call really touched the file: a refused one leaves no stamp."""
        node = self._target
        if node is None or not self._world.fine_stamps:
            return True
        before = node.real
        node.real = now = self._stamps(node)
        return now != before

    def _wanted_times(self, stand: PendingSyscall) -> tuple[int | None, int | None] | None:
        """Access and modification time asked for by utimensat; None for other calls."""
        call = stand.call
        if call.name not in ("utimensat", "utime", "utimes", "futimesat"):
            return None
        now = self._world.stamp()
        address = stand.args[2] if call.name in ("utimensat", "futimesat") else stand.args[1]
        if address == 0:
            return now, now
        if call.name == "utime":
            times = struct.unpack("=2q", stand.space.memory.read(address, 16))
            return times[0] * 1_000_000_000, times[1] * 1_000_000_000
        a_s, a_f, m_s, m_f = _TIMES.unpack(stand.space.memory.read(address, 32))
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
        target.ctime = self._world.stamp()
        if self._times is not None and self._times[1] is not None:
            modified = self._times[1]
            grain = self._world.grain_ns
            target.mtime = modified - modified % grain if grain else modified


def open_flags(space: Process, stand: PendingSyscall) -> int:
    """Open flags of the call before which a task stands.

    Args:
        space: of the process whose task it is.
        stand: the call.
    """
    call = stand.call
    if call.name == "creat":
        return os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    if call.name == "openat2":
        return int.from_bytes(space.memory.read(stand.args[2], 8), "little")
    return stand.args[call.flags] & 0xFFFFFFFF


def _spares_links(stand: PendingSyscall) -> bool:
    """Whether a call is about a symlink itself and not about what it points to."""
    place = _NOFOLLOW_AT.get(stand.call.name)
    return stand.call.name in _LINKS_THEMSELVES or (
        place is not None and bool(stand.args[place] & linux_abi.AT_SYMLINK_NOFOLLOW)
    )


def replaced(space: Process, stand: PendingSyscall) -> list[int]:
    """Descriptors known to the table that a dup2, dup3 or close_range closes."""
    args = stand.args
    if stand.call.name == "close_range":
        return [fd for fd in space.fds if args[0] <= fd <= args[1]]
    return [signed(args[1])] if stand.call.name in ("dup2", "dup3") else []


def stat_target(world: VirtualFiles, space: Process, stand: PendingSyscall) -> tuple[str, bool] | None:
    """What a stat call is about: a path that the supervisor can stat, and whether to follow links."""
    call = stand.call
    if call.fd >= 0:
        return f"/proc/{space.pid}/fd/{signed(stand.args[0])}", True
    if stand.name is not None:
        follow = call.name != "lstat" and not (
            call.flags >= 0 and stand.args[call.flags] & linux_abi.AT_SYMLINK_NOFOLLOW
        )
        return os.path.join(world.directory, stand.name), follow
    if call.flags >= 0 and stand.args[call.flags] & linux_abi.AT_EMPTY_PATH and stand.node is not None:
        return f"/proc/{space.pid}/fd/{signed(stand.args[call.at])}", True
    return None
