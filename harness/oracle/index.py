"""Operations and mutations of a history, each with its place in time.

The rest of the oracle speaks of intervals ``(begin, end)`` alone. Under the kernel
gate they are indices of events and a step is a point; under the free gate they are
nanoseconds, and what overlaps has no order. Which of them matter to a fence is
decided elsewhere.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from harness.model.history import End, History, Invoke, Return, State, Step

__all__ = [
    "FOREVER",
    "KILL",
    "Blind",
    "HistoryIndex",
    "Mutation",
    "Operation",
    "disturbs",
]

FOREVER = 1 << 62
#: What a step's fault says where the call ran, but with a part of its bytes.
SHORT = "short"
#: The same of a write in whose midst the process was killed; where no call ran, the step is called so, too.
KILL = "kill"

# Calls that can upset a fingerprint although no reader sees a difference.
_METADATA = frozenset(
    (
        *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
        *("utime", "utimes", "futimesat", "utimensat"),
        *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
        *("truncate", "ftruncate", "fallocate", "write", "pwrite64", "writev", "pwritev", "pwritev2"),
        *("sendfile", "copy_file_range", "mmap", "msync", "open", "openat", "openat2", "creat"),
    )
)
_APPENDING = ("append", "guarded_write")
# Calls that can change the bytes of a file that is open, whatever its name is by then.
_DATA = frozenset(
    (
        *("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "splice", "copy_file_range"),
        *("truncate", "ftruncate", "fallocate", "ioctl", "mmap"),
    )
)
_OPENING = frozenset(("open", "openat", "openat2"))
_NAMING = frozenset(
    ("link", "linkat", "rename", "renameat", "renameat2", "symlink", "symlinkat", "unlink", "unlinkat")
)


def disturbs(step: Step) -> bool:
    """Whether a step changed the transcript, or something about it that stat may show."""
    if step.change is not None:
        return True
    if step.call in _NAMING:
        return "lock" not in step.path
    if step.call in _OPENING and "TRUNC" not in step.note:
        return False
    return step.call in _METADATA and step.path == "T"


def _is_cut(step: Step) -> bool:
    """Whether a step wrote a part of its bytes."""
    return step.fault == SHORT or (step.fault == KILL and step.call != KILL)


def _came_to_something(operation: Operation) -> bool:
    return operation.outcome == "ok" or (operation.outcome == "failed" and operation.cut)


def _is_blind(step: Step) -> bool:
    """Whether a step may have written to something that is not, or no longer, the transcript."""
    if step.call not in _DATA or step.path.startswith("T.") or step.failed:
        return False
    return step.change is None or step.change.before == step.change.after


class Operation:
    """One call of a lane; its interval is that of its steps.

    Attributes:
        begin, end: first and last step; Invoke and Return where there is no step.
        called, done: Invoke and Return; `done` is `FOREVER` without a Return.
        invoked, returned: indices of Invoke and Return, -1 where there is none.
        mutations: its steps that changed the transcript, in order.
        cut: whether one of its calls was cut short.
    """

    __slots__ = (
        "begin",
        "called",
        "cut",
        "detail",
        "done",
        "end",
        "entries",
        "invoked",
        "kind",
        "lane",
        "mutations",
        "op",
        "outcome",
        "returned",
        "turn",
    )

    def __init__(self, lane: int, op: int) -> None:
        self.lane = lane
        self.op = op
        self.kind = ""
        self.turn = -1
        self.entries: tuple[tuple[str, str], ...] = ()
        self.invoked = self.returned = -1
        self.outcome = self.detail = ""
        self.begin = self.end = -1
        self.called, self.done = -1, FOREVER
        self.mutations: list[Mutation] = []
        self.cut = False


class Mutation:
    """One step after which a reader of the transcript sees something else.

    Attributes:
        position: its place among all mutations.
        contested: another lane's mutation overlaps it in time, so that nobody can
            say which of the two did what. Never under the kernel gate.
    """

    __slots__ = (
        "after",
        "before",
        "begin",
        "contested",
        "end",
        "held",
        "index",
        "operation",
        "position",
        "reclaimed",
    )

    def __init__(self, index: int, operation: Operation, begin: int, end: int, step: Step) -> None:
        change = step.change
        assert change is not None
        self.index = index
        self.operation = operation
        self.begin = begin
        self.end = end
        self.before: State = change.before
        self.after: State = change.after
        self.held = change.held
        self.reclaimed = change.reclaimed
        self.position = -1
        self.contested = False


class Blind(NamedTuple):
    """A write of which no reader saw anything, and its interval."""

    begin: int
    end: int
    operation: Operation


def _vanished(operation: Operation) -> bool:
    """Whether an append came to something and no step of it changed anything."""
    return _came_to_something(operation) and not operation.mutations and operation.begin > operation.called


class HistoryIndex:
    """A history laid out by operation and by mutation.

    Attributes:
        by_lane: operations of each lane, in order.
        mutations: all of them, by time.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.header = history.header
        self.blobs = history.blobs
        self.free = history.header.gate == "free"
        self.by_lane: list[list[Operation]] = [[] for _ in history.header.lanes]
        self.mutations: list[Mutation] = []
        self._operations: dict[tuple[int, int], Operation] = {}
        self._read()
        if self.free:
            self.mutations.sort(key=lambda mutation: (mutation.begin, mutation.end))
            self._contest()
        for position, mutation in enumerate(self.mutations):
            mutation.position = position

    def operation(self, lane: int, op: int) -> Operation:
        """The operation of that name, made when it was not there yet."""
        found = self._operations.get((lane, op))
        if found is None:
            found = self._operations[(lane, op)] = Operation(lane, op)
            self.by_lane[lane].append(found)
        return found

    def time_of(self, index: int) -> tuple[int, int]:
        """Interval of an event."""
        if not self.free:
            return index, index
        event = self.history.events[index]
        if isinstance(event, Step):
            return event.begin_ns, event.end_ns
        return (FOREVER, FOREVER) if isinstance(event, End) else (event.at_ns, event.at_ns)

    def is_rogue(self, lane: int) -> bool:
        """Whether the lane takes no lock."""
        return not self.header.lanes[lane].participant

    def _read(self) -> None:
        free = self.free
        for index, event in enumerate(self.history.events):
            if isinstance(event, Step):
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
        if step.is_process_fault:
            return
        operation = self.operation(step.lane, step.op)
        begin, end = (step.begin_ns, step.end_ns) if self.free else (index, index)
        if operation.begin < 0:
            operation.begin = begin
        operation.end = max(operation.end, end)
        operation.cut |= _is_cut(step)
        change = step.change
        if change is not None and change.before != change.after:
            mutation = Mutation(index, operation, begin, end, step)
            operation.mutations.append(mutation)
            self.mutations.append(mutation)

    @functools.cached_property
    def off_path(self) -> list[Operation]:
        """Appends of participants of which no reader saw all.

        The file they wrote to was not behind the path at that moment: somebody had
        moved it away, and may bring it back with their lines in it, or with the part of
        one that a failed write had left.
        """
        unseen = {write.operation for write in self.blind}
        return [
            operation
            for lane, operations in enumerate(self.by_lane)
            if self.header.lanes[lane].participant
            for operation in operations
            if operation.kind in _APPENDING and operation.entries
            if operation in unseen or _vanished(operation)
        ]

    @functools.cached_property
    def absences(self) -> list[tuple[int, int]]:
        """Times from a file's leaving the path until its coming back."""
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
    def blind(self) -> list[Blind]:
        """Writes of participants that a file may have brought back to the path."""
        if not self.absences:
            return []
        found: list[Blind] = []
        own: set[tuple[int, str]] = set()
        for index, event in enumerate(self.history.events):
            if not isinstance(event, Step) or self.is_rogue(event.lane):
                continue
            if event.call in _OPENING:
                own.add((event.lane, event.path))
            elif _is_blind(event) and (event.path == "T" or (event.lane, event.path) not in own):
                begin, end = self.time_of(index)
                # A mapping can be written to for ever after.
                end = FOREVER if event.call == "mmap" else end
                if any(begin <= back and left <= end for left, back in self.absences):
                    found.append(Blind(begin, end, self.operation(event.lane, event.op)))
        return found

    @functools.cached_property
    def carried(self) -> frozenset[int]:
        """Indices of participants' mutations that brought a file back to which a rogue may have written.

        What a reader finds then is the rogue's as much as the participant's.
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
        """Times of rogues' writes to something that was not the transcript just then."""
        found = []
        for index, event in enumerate(self.history.events):
            if not isinstance(event, Step) or not self.is_rogue(event.lane) or event.call not in _DATA:
                continue
            if event.change is None or event.change.before == event.change.after:
                begin, end = self.time_of(index)
                found.append((begin, FOREVER if event.call == "mmap" else end))
        return found

    def tangled(self, operation: Operation) -> bool:
        """Whether a rogue's operation took a file away and brought it back under a participant's write.

        What the rogue did and what the participant did cannot be told apart then. Where
        no participant can have written to the file while it was away, all that is
        different about it is the rogue's.
        """
        mutations = operation.mutations
        if not mutations or not self.is_rogue(operation.lane):
            return False
        first, last = mutations[0], mutations[-1]
        if first.before.file != last.after.file:
            return False
        if first.before == last.after:
            return any(
                other.begin <= operation.end and operation.begin <= other.end for other in self.off_path
            )
        if all(mutation.after.file == first.before.file for mutation in mutations):
            return False
        return any(write.begin <= last.end and first.begin <= write.end for write in self.blind)

    def _contest(self) -> None:
        for position, early in enumerate(self.mutations):
            for late in self.mutations[position + 1 :]:
                if early.end < late.begin:
                    break
                if early.operation.lane != late.operation.lane:
                    early.contested = late.contested = True
