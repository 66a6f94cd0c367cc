"""What the call before which a lane stands will touch, told before it runs.

Objects: ``n:NAME`` what a name stands for, ``i:N`` bytes and metadata of file N, ``l:N``
the locks on it, ``dir`` the directory as a list, ``alloc`` which inode numbers are free,
``p:NAME`` the memory that lanes of one process share. Where a call's reach is not
certain it touches everything.
"""

from __future__ import annotations

import fcntl
import os

from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Status
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.syscall_table import FLOCK
from harness.gates.kernel.virtual_files import Node, VirtualFiles
from harness.model.access_set import ANYTHING, NOTHING, AccessSet

__all__ = ["access_set"]

#: Calls that read one file of the session and write another.
_COPYING = frozenset({"sendfile", "splice", "copy_file_range", "ioctl"})
_NEW_NAME = frozenset({"dir", "alloc"})


def access_set(world: VirtualFiles, flocks: Flocks, lane: Lane) -> AccessSet:
    """Footprint of a lane's next step.

    Args:
        world: as it is now; the answer holds until another lane changes names.
        flocks: who holds what.
        lane: stands before a file call, thinks or sleeps.
    """
    worker = lane.worker
    assert worker is not None
    if worker.mapped or world.copied or worker.crowded:
        # Stores are no calls, copies of descriptors close behind the gate's back, and whoever
        # acts for a lane wakes others of its family.
        return ANYTHING
    if lane.status is Status.FILE:
        found = _of_call(world, flocks, lane.stand)
    elif lane.status is Status.SLEEP:
        if lane.poll_name is None:
            return ANYTHING
        polled = frozenset({f"n:{lane.poll_name}"})
        found = AccessSet(reads=polled, waits=polled)
    else:
        found = NOTHING
    if len(worker.lanes) > 1:
        # What lanes of one process do to each other in memory goes with any of their steps.
        memory = found.writes | {f"p:{worker.name}"}
        return AccessSet(found.reads, memory, found.waits, found.frees)
    return found


def _of_call(world: VirtualFiles, flocks: Flocks, stand: PendingSyscall) -> AccessSet:
    kind, node = stand.call.kind, stand.node
    if any(name in world.symlinks for name in (stand.name, stand.name2) if name is not None):
        return ANYTHING
    if stand.call.name in _COPYING or kind in ("map", "table"):
        return ANYTHING
    names = {f"n:{name}" for name in (stand.name, stand.name2) if name is not None}
    nodes = [world.names.get(name) for name in (stand.name, stand.name2) if name is not None]
    files = {f"i:{one.number}" for one in (*nodes, node) if one is not None}
    if kind == "names":
        return AccessSet(writes=frozenset(names | files | _NEW_NAME), frees=frozenset(names))
    if kind in ("data", "meta"):
        return AccessSet(frozenset(names), frozenset(files))
    if kind == "open":
        return _of_open(stand, names, files)
    if kind == "close":
        # A record lock goes with any descriptor.
        return ANYTHING if world.lock.keeper == "record" else _of_close(flocks, stand, node)
    if kind == "lock":
        if node is None or stand.call is not FLOCK:
            return ANYTHING
        locks = frozenset({f"l:{node.number}"})
        if stand.args[1] & fcntl.LOCK_UN:
            return AccessSet(writes=locks, frees=locks)
        return AccessSet(writes=locks, waits=frozenset() if stand.args[1] & fcntl.LOCK_NB else locks)
    if stand.call.name.startswith("getdents") or node is world.directory_node or stand.name == ".":
        names.add("dir")
    return AccessSet(reads=frozenset(names | files))


def _of_open(stand: PendingSyscall, names: set[str], files: set[str]) -> AccessSet:
    flags = stand.flags
    if flags & os.O_CREAT and not files:
        return AccessSet(writes=frozenset(names | _NEW_NAME))
    if flags & os.O_TRUNC and flags & os.O_ACCMODE:
        return AccessSet(frozenset(names), frozenset(files))
    return AccessSet(reads=frozenset(names))


def _of_close(flocks: Flocks, stand: PendingSyscall, node: Node | None) -> AccessSet:
    if node is None:
        return NOTHING
    writes = set()
    frees = set()
    if flocks.holds(stand.space, node, signed(stand.args[0])):
        frees.add(f"l:{node.number}")
    if not node.names:
        # The last one of a file without a name frees its number.
        writes.add("alloc")
    return AccessSet(writes=frozenset(writes | frees), frees=frozenset(frees))
