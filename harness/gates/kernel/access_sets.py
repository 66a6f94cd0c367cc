"""Access set of a pending call, known before it runs.

Objects: ``n:NAME`` what a name stands for, ``i:N`` bytes and metadata of file N, for a directory
the list of its names too, ``l:N`` the locks on it, ``dir`` the session directory as a list, ``alloc``
which inode numbers are free, ``p:NAME`` the memory that lanes of one process share. A call by a name in a
directory reads the names of all directories above. Where a call's reach is not certain it touches everything.
"""

from __future__ import annotations

import fcntl
import os

from harness.gates.kernel.directory_entries import all_above
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.lock_attempts import Attempt
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.syscall_table import FLOCK
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.access_set import ANYTHING, NOTHING, AccessSet

__all__ = ["access_set"]

#: Calls that read one file of the session and write another.
_COPYING = frozenset({"sendfile", "splice", "copy_file_range", "ioctl"})
_NEW_NAME = frozenset({"dir", "alloc"})


def access_set(files: VirtualFiles, flocks: Flocks, lane: Lane, attempt: Attempt | None = None) -> AccessSet:
    """Return the access set of a lane's next step.

    Args:
        files: as they are now; the answer holds until another lane changes names.
        flocks: as they are held now.
        lane: is stopped before a file call, thinks or sleeps.
        attempt: its call, where the lane waited before it for a lock that was taken (`lock_polls`).
    """
    worker = lane.worker
    assert worker is not None
    if worker.maps_files or files.copied or worker.has_children:
        # Stores are no calls, copies of descriptors close behind the gate's back, and a process that
        # acts for a lane wakes others of the same worker.
        return ANYTHING
    if lane.status is Status.FILE:
        found = _of_call(files, flocks, lane.pending)
        if attempt is not None and found is not ANYTHING:
            lock = f"n:{attempt.key}" if attempt.kind == "name" else f"l:{attempt.key}"
            found = AccessSet(found.reads, found.writes, frozenset({lock}), found.frees)
    elif lane.status is Status.SLEEP:
        if lane.poll_name is None:
            return ANYTHING
        polled = frozenset({f"n:{lane.poll_name}"})
        found = AccessSet(reads=polled, waits=polled)
    else:
        found = NOTHING
    if len(worker.lanes) > 1:
        # Effects of lanes of one process on each other in memory go with any of their steps.
        memory = found.writes | {f"p:{worker.name}"}
        return AccessSet(found.reads, memory, found.waits, found.frees)
    return found


def _of_call(files: VirtualFiles, flocks: Flocks, pending: PendingSyscall) -> AccessSet:
    kind, inode = pending.call.kind, pending.inode
    paths = [name for name in (pending.name, pending.name2) if name is not None]
    above = [name for path in paths for name in all_above(path)]
    if pending.indirect or any(name in files.symlinks for name in (*paths, *above)):
        return ANYTHING
    if pending.call.name in _COPYING or kind in ("map", "table"):
        return ANYTHING
    names = {f"n:{name}" for name in paths}
    ways = frozenset(f"n:{name}" for name in above)
    touched = {f"i:{one.number}" for one in (*map(files.names.get, paths), inode) if one is not None}
    parents = {f"i:{one.number}" for one in map(files.parent, paths) if one is not None and one.number >= 0}
    if kind == "names":
        # A directory that moves takes along what is below, whose calls read its name.
        writes = frozenset(names | touched | parents | _NEW_NAME)
        return AccessSet(ways - names, writes, frees=frozenset(names))
    if kind in ("data", "meta"):
        return AccessSet(ways | names, frozenset(touched))
    if kind == "open":
        return _of_open(pending, names, touched, parents).with_(AccessSet(ways))
    if kind == "close":
        # A record lock goes with any descriptor.
        return ANYTHING if "record" in files.lock.keepers else _of_close(flocks, pending, inode)
    if kind == "lock":
        if inode is None or pending.call is not FLOCK:
            return ANYTHING
        locks = frozenset({f"l:{inode.number}"})
        if pending.args[1] & fcntl.LOCK_UN:
            return AccessSet(writes=locks, frees=locks)
        return AccessSet(writes=locks, waits=frozenset() if pending.args[1] & fcntl.LOCK_NB else locks)
    if pending.call.name.startswith("getdents") or inode is files.directory_inode or pending.name == ".":
        names.add("dir")
    return AccessSet(reads=frozenset(names | touched | ways))


def _of_open(pending: PendingSyscall, names: set[str], touched: set[str], parents: set[str]) -> AccessSet:
    flags = pending.flags
    if flags & os.O_TMPFILE == os.O_TMPFILE:
        return AccessSet(frozenset(names), frozenset({"alloc"}))
    if flags & os.O_CREAT and not touched:
        return AccessSet(writes=frozenset(names | parents | _NEW_NAME))
    if flags & os.O_TRUNC and flags & os.O_ACCMODE:
        return AccessSet(frozenset(names), frozenset(touched))
    return AccessSet(reads=frozenset(names))


def _of_close(flocks: Flocks, pending: PendingSyscall, inode: Inode | None) -> AccessSet:
    if inode is None:
        return NOTHING
    writes = set()
    frees = set()
    if flocks.holds(pending.process, inode, signed(pending.args[0])):
        frees.add(f"l:{inode.number}")
    if not inode.names:
        # The last one of a file without a name frees its number.
        writes.add("alloc")
    return AccessSet(writes=frozenset(writes | frees), frees=frozenset(frees))
