"""Directories in which one lane alone is at work, and which of its steps there need no choice.

A program such as git takes hundreds of steps in a directory that no other lane ever looks at. Asking the
strategy for each of them would leave few schedules in which anything happens to the transcript. So where one
lane has made `_STEPS_OFFERED` calls in a directory of the session directory, with all that is below, and no
other lane has stopped before a call about it, the lane's next calls there are its *own*: they are steps like
all others, and are granted before the strategy is asked. As soon as another lane stops before a call about
the directory they are offered again. Lock folders and their files have so few calls that they
always are.

A call is never its lane's own where it is about a name of the session directory itself, about a file that has
such a name too, about a link, a lock or a mapping, or reads one file and writes another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.gates.kernel.inode import Inode
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.gate import Candidate

__all__ = ["OwnTrees"]

_STEPS_OFFERED = 64
_KINDS = frozenset({"look", "data", "meta", "names", "open", "close", "stat"})
#: Calls that read one file of the session and write another.
_COPYING = frozenset({"sendfile", "splice", "copy_file_range", "ioctl"})


class _Tree:
    """Calls of lanes so far in a directory of the session directory and below."""

    def __init__(self) -> None:
        self._lanes: set[int] = set()
        self._steps = 0
        self._last: PendingSyscall | None = None

    def stopped(self, lane: int, pending: PendingSyscall) -> None:
        """Note that a lane stands before a call about the directory or something in it."""
        if pending is not self._last:
            self._last = pending
            self._steps += 1
            self._lanes.add(lane)

    @property
    def own(self) -> bool:
        """Return whether one lane alone has been there, often enough."""
        return len(self._lanes) == 1 and self._steps > _STEPS_OFFERED


class OwnTrees:
    """The directories of one session directory, over a schedule."""

    def __init__(self, files: VirtualFiles) -> None:
        self._files = files
        self._trees: dict[Inode, _Tree] = {}

    def begin(self) -> None:
        """Start a schedule."""
        self._trees.clear()

    def mark(self, lanes: Sequence[Lane], ready: Iterable[Candidate]) -> bool:
        """Note where lanes stand, and mark the candidates whose step is their lane's own.

        Returns:
            Whether there is one.
        """
        for lane in lanes:
            if lane.status is Status.FILE:
                for name in self._names(lane.pending):
                    directory = self._files.names.get(name.partition("/")[0])
                    if directory is not None and directory.is_directory:
                        self._trees.setdefault(directory, _Tree()).stopped(lane.index, lane.pending)
        found = False
        for candidate in ready:
            own = self._is_own(lanes[candidate.lane])
            candidate.is_own(own)
            found |= own
        return found

    def _names(self, pending: PendingSyscall) -> list[str]:
        """Return the names that a call is about, and the other ones of the files behind them."""
        names = [name for name in (pending.name, pending.name2) if name is not None]
        inodes = [self._files.names.get(name) for name in names]
        for inode in (*inodes, pending.inode):
            if inode is not None:
                names += sorted(inode.names)
        return names

    def _is_own(self, lane: Lane) -> bool:
        pending, thread = lane.pending, lane.delegate
        if lane.status is not Status.FILE or thread is None or thread.tracee.service is not None:
            return False
        if pending.call.kind not in _KINDS or pending.call.name in _COPYING or pending.indirect:
            return False
        if thread.tracee.worker.maps_files:
            return False
        names = self._names(pending)
        return bool(names) and all(self._is_in_own(name) for name in names)

    def _is_in_own(self, name: str) -> bool:
        directory = self._files.names.get(name.partition("/")[0])
        tree = self._trees.get(directory) if directory is not None else None
        return tree is not None and tree.own and "/" in name and name not in self._files.symlinks
