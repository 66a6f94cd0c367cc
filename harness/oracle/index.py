"""Index a history by operation and by mutation, each with its interval of time.

The rest of the oracle uses intervals ``(begin, end)`` only. Under the kernel gate they are indices of
events, and a step is a point. Under the free gate they are nanoseconds, and events that overlap have
no order. Which mutations matter to a fence is decided in `windows` and `effects`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from harness.model.history import ACQUIRING, NO_CHANGE, End, History, Invoke, Return, Step
from harness.oracle.operations import FOREVER, Mutation, Operation
from harness.scenario.faults import OF_NAMES

__all__ = [
    "KILL",
    "TOUCHES",
    "HistoryIndex",
    "UnseenWrite",
    "disturbs",
]

#: A step's fault if the call ran, but with a part of its bytes.
SHORT = "short"
#: A step's fault if the process was killed in the middle of a write; also the call of a step in which it was
#: killed without any call.
KILL = "kill"

#: Calls that leave every byte and every name as it is.
TOUCHES = frozenset(
    (
        *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
        *("utime", "utimes", "futimesat", "utimensat"),
        *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    )
)
# Calls that can change a fingerprint although no reader sees a difference.
_METADATA_CALLS = frozenset(
    (
        *TOUCHES,
        *("truncate", "ftruncate", "fallocate", "write", "pwrite64", "writev", "pwritev", "pwritev2"),
        *("sendfile", "copy_file_range", "mmap", "msync", "open", "openat", "openat2", "creat"),
    )
)
_APPENDING = ("append", "guarded_write")
# Calls that can change the bytes of an open file, also after it was renamed.
_DATA_CALLS = frozenset(
    (
        *("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "splice", "copy_file_range"),
        *("truncate", "ftruncate", "fallocate", "ioctl", "mmap"),
    )
)
_OPEN_CALLS = frozenset(("open", "openat", "openat2"))
_NAME_CALLS = frozenset(
    ("link", "linkat", "rename", "renameat", "renameat2", "symlink", "symlinkat", "unlink", "unlinkat")
)


def disturbs(step: Step) -> bool:
    """Return whether a step changed the transcript, or something about it that stat may show."""
    if step.change is not None:
        return True
    if step.call in _NAME_CALLS:
        return "lock" not in step.path
    if step.call in _OPEN_CALLS and "TRUNC" not in step.note:
        return False
    return step.call in _METADATA_CALLS and step.path == "T"


def _is_cut(step: Step) -> bool:
    """Return whether a step wrote only a part of its bytes."""
    return step.fault == SHORT or (step.fault == KILL and step.call != KILL)


def _had_effect(operation: Operation) -> bool:
    return operation.outcome == "ok" or (operation.outcome == "failed" and operation.cut)


def _may_be_unseen(step: Step) -> bool:
    """Return whether a step may have written to a file that is not, or no longer, the transcript."""
    if step.call not in _DATA_CALLS or step.path.startswith("T.") or step.failed:
        return False
    return step.change is None or step.change.before == step.change.after


class UnseenWrite(NamedTuple):
    """A write that no reader of the transcript saw, and its interval."""

    begin: int
    end: int
    operation: Operation


def _left_no_mutation(operation: Operation) -> bool:
    """Return whether an append wrote something, but no step of it changed the transcript."""
    return _had_effect(operation) and not operation.mutations and operation.begin > operation.called


class HistoryIndex:
    """The operations and mutations of a history.

    Attributes:
        by_lane: operations of each lane, in order.
        mutations: all of them, by time.
        misled: lane and number of operations that a fault told something untrue about a name.
        believed: what `believed_writes` has found; None until it is asked.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.header = history.header
        self.blobs = history.blobs
        self.free = history.header.gate == "free"
        self.by_lane: list[list[Operation]] = [[] for _ in history.header.lanes]
        self.mutations: list[Mutation] = []
        self.misled: set[tuple[int, int]] = set()
        self.believed: frozenset[int] | None = None
        self._operations: dict[tuple[int, int], Operation] = {}
        self._steps: dict[tuple[int, int], list[Step]] = {}
        self._read_events()
        if self.free:
            self.mutations.sort(key=lambda mutation: (mutation.begin, mutation.end))
            self._mark_contested()
        for position, mutation in enumerate(self.mutations):
            mutation.position = position

    def operation(self, lane: int, op: int) -> Operation:
        """Return an operation by lane and number; it is created if it is not there yet."""
        found = self._operations.get((lane, op))
        if found is None:
            found = self._operations[(lane, op)] = Operation(lane, op)
            self.by_lane[lane].append(found)
        return found

    def time_of(self, index: int) -> tuple[int, int]:
        """Return the interval of an event."""
        if not self.free:
            return index, index
        event = self.history.events[index]
        if isinstance(event, Step):
            return event.begin_ns, event.end_ns
        return (FOREVER, FOREVER) if isinstance(event, End) else (event.at_ns, event.at_ns)

    def steps_of(self, operation: Operation) -> list[Step]:
        """Return the steps of an operation, in order."""
        return self._steps.get((operation.lane, operation.op), [])

    @functools.cached_property
    def lock_unseen(self) -> bool:
        """Return whether calls took the lock and returned well, and the watched lock was never taken.

        Kernel gate only. The fence may use a lock on another file; its participants' calls are then
        neither known to be locked nor known not to be.
        """
        if self.free:
            return False
        seen = any(
            isinstance(event, Step) and event.lock is not None and event.lock.kind not in NO_CHANGE
            for _, event in self.history.notable
        )
        return not seen and any(
            operation.kind in ACQUIRING and operation.outcome == "ok" and not self.is_rogue(operation.lane)
            for operations in self.by_lane
            for operation in operations
        )

    @functools.cached_property
    def lock_shared(self) -> bool:
        """Return whether any lane had the watched lock in shared mode."""
        return any(
            isinstance(event, Step) and event.lock is not None and event.lock.kind == "shared"
            for _, event in self.history.notable
        )

    @functools.cached_property
    def unheld(self) -> list[Mutation]:
        """Return the mutations of participants that did not have the lock, and were not robbed of it."""
        return [
            mutation
            for mutation in self.mutations
            if not (mutation.held or mutation.reclaimed or self.is_rogue(mutation.operation.lane))
        ]

    def is_rogue(self, lane: int) -> bool:
        """Return whether the lane is a rogue: it takes no lock."""
        return not self.header.lanes[lane].participant

    def _read_events(self) -> None:
        free = self.free
        for index, event in enumerate(self.history.events):
            if type(event) is Step:
                self._read_step(index, event)
            elif isinstance(event, Invoke):
                operation = self.operation(event.lane, event.op)
                operation.kind = event.kind
                operation.turn = event.turn
                operation.entries = event.entries
                operation.invoked = index
                operation.called = event.at_ns if free else index
            elif isinstance(event, Return):
                operation = self.operation(event.lane, event.op)
                operation.returned = index
                operation.outcome = event.outcome
                operation.detail = event.detail
                operation.done = event.at_ns if free else index
                if operation.begin < 0:
                    operation.begin, operation.end = operation.called, operation.done

    def _read_step(self, index: int, step: Step) -> None:
        key = (step.lane, step.op)
        steps = self._steps.get(key)
        if steps is None:
            self._steps[key] = [step]
        else:
            steps.append(step)
        if step.fault and step.is_process_fault:
            return
        operation = self._operations.get(key) or self.operation(*key)
        begin, end = (step.begin_ns, step.end_ns) if self.free else (index, index)
        if operation.begin < 0:
            operation.begin = begin
        operation.end = max(operation.end, end)
        if step.fault:
            operation.cut |= _is_cut(step)
            if step.fault in OF_NAMES:
                self.misled.add(key)
        change = step.change
        if change is not None and change.before != change.after:
            mutation = Mutation(index, operation, begin, end, step)
            operation.mutations.append(mutation)
            self.mutations.append(mutation)

    @functools.cached_property
    def unseen_appends(self) -> list[Operation]:
        """Return the appends of participants of which readers saw only a part or nothing.

        The path did not name the file at that moment: another lane had moved the file away. It may
        bring the file back, with these lines or with the part of a line that a failed write left.
        """
        unseen = {write.operation for write in self.unseen_writes}
        return [
            operation
            for lane, operations in enumerate(self.by_lane)
            if self.header.lanes[lane].participant
            for operation in operations
            if operation.kind in _APPENDING and operation.entries
            if operation in unseen or _left_no_mutation(operation)
        ]

    @functools.cached_property
    def absences(self) -> list[tuple[int, int]]:
        """Return the intervals in which a file was away from the path and then came back."""
        left: dict[str, int] = {}
        found = []
        for mutation in self.mutations:
            gone, come = mutation.before.file, mutation.after.file
            if gone != come:
                if gone is not None:
                    left[gone] = mutation.begin
                if come in left:
                    found.append((left.pop(come), mutation.end))
        return found

    @functools.cached_property
    def unseen_writes(self) -> list[UnseenWrite]:
        """Return the writes of participants to a file that was away and came back to the path."""
        if not self.absences:
            return []
        found: list[UnseenWrite] = []
        own: set[tuple[int, str]] = set()
        for index, event in enumerate(self.history.events):
            if not isinstance(event, Step) or self.is_rogue(event.lane):
                continue
            if event.call in _OPEN_CALLS:
                own.add((event.lane, event.path))
            elif _may_be_unseen(event) and (event.path == "T" or (event.lane, event.path) not in own):
                begin, end = self.time_of(index)
                # A mapping can be written to at any later time.
                end = FOREVER if event.call == "mmap" else end
                if any(begin <= back and left <= end for left, back in self.absences):
                    found.append(UnseenWrite(begin, end, self.operation(event.lane, event.op)))
        return found

    @functools.cached_property
    def tainted(self) -> frozenset[int]:
        """Return the mutations by which participants brought a file back that a rogue may have changed.

        The bytes that a reader finds then may be the rogue's as well as the participant's. The result
        holds indices of events.
        """
        found: set[int] = set()
        left: dict[str, int] = {}
        for mutation in self.mutations:
            gone, come = mutation.before.file, mutation.after.file
            if gone == come:
                continue
            if gone is not None:
                left[gone] = mutation.begin
            away_since = left.pop(come, None) if come is not None else None
            if away_since is None or self.is_rogue(mutation.operation.lane):
                continue
            if any(begin <= mutation.end and end >= away_since for begin, end in self._rogue_writes):
                found.add(mutation.index)
        return frozenset(found)

    @functools.cached_property
    def _rogue_writes(self) -> list[tuple[int, int]]:
        """Return the intervals of rogues' writes to files that were not the transcript at that moment."""
        found = []
        for index, event in enumerate(self.history.events):
            if not isinstance(event, Step) or not self.is_rogue(event.lane) or event.call not in _DATA_CALLS:
                continue
            if event.change is None or event.change.before == event.change.after:
                begin, end = self.time_of(index)
                found.append((begin, FOREVER if event.call == "mmap" else end))
        return found

    def is_inseparable(self, operation: Operation) -> bool:
        """Return whether a rogue moved a file away and back while a participant wrote to it.

        Their effects cannot be told apart then. If no participant can have written to the file while
        it was away, every difference is the rogue's, and the answer is no.
        """
        mutations = operation.mutations
        if not mutations or not self.is_rogue(operation.lane):
            return False
        first, last = mutations[0], mutations[-1]
        if first.before.file != last.after.file:
            return False
        if first.before == last.after:
            return any(
                other.begin <= operation.end and operation.begin <= other.end for other in self.unseen_appends
            )
        if all(mutation.after.file == first.before.file for mutation in mutations):
            return False
        return any(write.begin <= last.end and first.begin <= write.end for write in self.unseen_writes)

    def _mark_contested(self) -> None:
        for position, early in enumerate(self.mutations):
            for late in self.mutations[position + 1 :]:
                if early.end < late.begin:
                    break
                if early.operation.lane != late.operation.lane:
                    early.contested = late.contested = True
