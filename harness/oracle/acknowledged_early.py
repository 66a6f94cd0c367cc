"""Find entries that were acknowledged before they were in the transcript, and came later.

A guarded write takes the lock, decides, appends and releases: its lines are there when it returns. An append
is made under a lock that its lane has, so a fence may keep its lines until the lane gives the lock up; they
are there when that call returns. A program acknowledges by its end. An entry that never came is for
`lost_entries`. Under the free gate the order of a return and a write is not known, and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.model.history import RELEASING, History, Invoke, Return
from harness.oracle.index import HistoryIndex
from harness.oracle.lost_entries import ids_by_state, rogue_near, torn_by_rogue
from harness.oracle.operations import Mutation, Operation
from harness.oracle.verdict import Violation
from harness.oracle.whole_lines import every_id

__all__ = ["Early", "NotYetThere", "early_entries"]

#: A call, the index of the return at which its entry should have been there, and the entry's id.
Early = tuple[Invoke, int, str]
_AT_RETURN = ("action", "guarded_write")


class NotYetThere:
    """Collects, return by return, the acknowledged entries that are not there.

    Attributes:
        early: those that should have been there.
    """

    def __init__(self, history: History) -> None:
        self.early: list[Early] = []
        self._history = history
        self._asks = history.header.gate != "free"
        #: Of appends whose lane has not given up the lock, by lane.
        self._kept: dict[int, list[tuple[Invoke, str]]] = {}

    def note(self, call: Invoke, end: Return, at: int, content: str, held: bool, holds: bool) -> None:
        """Take in the return of a participant's call.

        Args:
            call: that returned.
            end: its return.
            at: index of the return.
            content: key of the transcript's bytes then.
            held, holds: whether the lane had the watched lock when it called, and has it now.
        """
        if not self._asks:
            return
        lane, kind = call.lane, call.kind
        if call.entries and end.acknowledges:
            if kind in _AT_RETURN:
                names = [name for name, _ in call.entries]
                self.early += [(call, at, name) for name in self._missing(names, content)]
            elif kind == "append":
                kept = self._missing([name for name, _ in call.entries], content)
                if kept:
                    self._kept.setdefault(lane, []).extend((call, name) for name in kept)
        elif lane in self._kept and (kind in RELEASING or kind == "begin_turn"):
            # A lane that keeps its lock through the turn has not let go; one whose lock is not watched
            # may do the same.
            if end.outcome == "ok" and (holds or (kind == "release_for_prompt" and not held)):
                return
            due = self._kept.pop(lane)
            if end.outcome == "ok" and kind in RELEASING:
                missing = set(self._missing([name for _, name in due], content))
                self.early += [(own, at, name) for own, name in due if name in missing]

    def _missing(self, names: Sequence[str], content: str) -> list[str]:
        """Return the ids that no whole line of the transcript holds; none if its bytes were not kept."""
        there = self._history.blobs.get(content) if content else b""
        if there is None:
            return []
        lines = self._history.header.lines
        known: set[str] | None = None
        missing = []
        for name in names:
            line = lines.get(name)
            # Quick, and true of nearly all: the line stands as it was asked for.
            if line and _stands(line.encode(), there):
                continue
            known = every_id(there) if known is None else known
            if name not in known:
                missing.append(name)
        return missing


def early_entries(index: HistoryIndex, early: Iterable[Early]) -> list[Violation]:
    """Return a violation for each entry that came after it was acknowledged.

    Args:
        index: of the history.
        early: as `NotYetThere` has them.
    """
    known = ids_by_state(index)
    found = []
    for call, at, name in early if known is not None else ():
        assert known is not None
        first = next((place for place, ids in enumerate(known) if name in ids), 0)
        comes = index.mutations[first - 1] if first else None
        operation = index.operation(call.lane, call.op)
        if comes is None or comes.index < at or _is_excused(index, operation, name, comes, at):
            continue
        lane_name = index.header.lanes[call.lane].name
        detail = f"entry {name} was acknowledged to {lane_name} before it was in the transcript"
        if call.kind == "append":
            detail += "; it was not there either when the lock was given up"
        found.append(Violation("lost_entry", at, call.lane, call.op, detail, (comes.index,)))
    return found


def _is_excused(index: HistoryIndex, operation: Operation, name: str, comes: Mutation, at: int) -> bool:
    """Return whether the entry may have been written, and something else kept it out of sight."""
    if index.is_rogue(comes.operation.lane) or rogue_near(index, operation.called, at):
        return True
    if (operation.lane, operation.op) in index.misled:
        return True
    if any(write.operation is operation for write in index.unseen_writes):
        # It went to a file that was away and came back.
        return True
    mutations = operation.mutations
    if mutations and torn_by_rogue(index, mutations[0]):
        return True
    # Glued to half a line it is no whole line, but its own steps have put it there.
    line = index.header.lines.get(name) or f'"{name}"'
    return any(line.encode() in index.blobs.get(one.after.content, b"") for one in mutations)


def _stands(line: bytes, content: bytes) -> bool:
    at = content.rfind(line + b"\n")
    return at == 0 or (at > 0 and content[at - 1 : at] == b"\n")
