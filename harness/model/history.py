"""Define the history of one schedule: the only input of the oracle.

A history is a header and events in a total order. Under the kernel gate one lane moves at a time,
and the position of an event is its time. Under the free gate every event also carries monotonic
nanoseconds, and overlapping events cannot be ordered.

Nothing in it depends on the machine: files are named in their order of appearance, contents by digest,
lanes by index. `harness.model.history_text` has its form as text.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

__all__ = [
    "ACQUIRING",
    "IDLE",
    "IN_REAL_TIME",
    "KEEPING",
    "NOT_SAID",
    "NO_CHANGE",
    "NO_END_MARKER",
    "NO_LOCK",
    "PAUSES",
    "RELEASING",
    "VERSION",
    "Absent",
    "Change",
    "End",
    "Event",
    "Header",
    "History",
    "Invoke",
    "LaneInfo",
    "LockEvent",
    "Return",
    "State",
    "Step",
    "digest",
    "mark",
    "part_of",
    "program_op",
    "steps_of",
]

VERSION = 1
#: A header's `lock_kind` where the fence has no lock, a name of `fence.locks.KINDS`.
NO_LOCK: Final = "none"


def digest(content: bytes) -> str:
    """Return the name of a content: 16 hexadecimal digits of BLAKE2b."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


class State(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The result that a reader would get from opening the transcript's path.

    Args:
        file: identity of the file behind the path, ``f0 f1 ...`` by order of
            appearance; None when there is none.
        content: digest of its bytes, empty when there is no file.
        size: bytes; -1 when there is no file.
    """

    file: str | None
    content: str = ""
    size: int = -1


Absent = State(None)


class Change(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A difference that a step made to the `State` that readers see.

    Args:
        before: state before the step.
        after: state after it.
        held: the lane owned the write lock at the step, and it had not been taken away.
        reclaimed: the lane believed that it owned the lock, but the lock had been reclaimed from
            it.
    """

    before: State
    after: State
    held: bool = False
    reclaimed: bool = False


class LockEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A change of the write lock's owner, or a failed attempt at one.

    Args:
        kind: ``acquired``, ``released`` (by its owner), ``reclaimed`` (taken away from `owner` by
            the lane of the step), ``returned`` (given back to `owner`, which had lost it),
            ``hollow`` (acquired on a file that no longer has the lock's name, so that it excludes
            no other lane), ``shared`` (acquired, or kept, in a mode that other lanes can have as well),
            ``blocked`` (the lane has to wait) or ``several`` (processes have record locks on several ranges
            of the file, and the fence does not say which one is the write lock).
        owner: index of the lane that lost it, for ``reclaimed``; -1 when no lane owned the lock
            (it was left over from before the schedule).
    """

    kind: str
    owner: int = -1


#: Kinds of lock event after which each lane has what it had.
NO_CHANGE = frozenset({"blocked", "several"})
#: Kinds of operation that acquired the write lock if they were ok; that release it; that touch no file.
ACQUIRING = frozenset({"acquire", "begin_turn"})
RELEASING = frozenset({"release", "release_for_prompt", "end_turn"})
IDLE = frozenset({"think", "pause"})
#: Steps without a call.
PAUSES = frozenset({"think", "sleep", "timer", "turn", "start", "key"})
#: Outcomes after which a lane that had the lock still has it.
KEEPING = frozenset({"ok", "skipped", "unsupported"})


class LaneInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """The properties of a lane that the oracle and the reports need.

    Args:
        transcript: name of the transcript that it works on; empty for the watched one.
        clock: how the clock of its process is off, in words; empty for a right one.
    """

    name: str
    role: str
    process: str
    participant: bool = False
    pid_namespace: str = ""
    transcript: str = ""
    clock: str = ""


class Invoke(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="invoke", tag_field="event"):
    """The begin of an operation.

    Args:
        lane: index into the header's lanes.
        op: index of the operation in its lane, from 0; see `part_of` for one that a program divides.
        kind: as in `harness.model.program.Op`.
        turn: the runner's turn, -1 outside one.
        entries: ``(id, type)`` of the lines that the operation appends.
        how: manner of a rewrite, or name of an action.
        route: ``fence`` or ``writer``.
        at_ns: monotonic time, free gate only.
    """

    lane: int
    op: int
    kind: str
    turn: int = -1
    entries: tuple[tuple[str, str], ...] = ()
    how: str = ""
    route: str = "fence"
    at_ns: int = 0


class Step(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="step", tag_field="event"):
    """One file operation of a lane, from the grant to the lane's next stop.

    Args:
        lane: index into the header's lanes.
        op: operation that the step belongs to; -1 before a lane's first.
        call: name of the system call, or ``think``, ``sleep``, ``turn``, or ``key`` (something is typed at
            its program's terminal), or the name of a process fault: then the lane made no call.
        path: alias of what it touches: ``T`` the transcript, ``T.lock`` and the
            like its sidecars, ``tmp1`` ... anything else by order of appearance.
        note: what else a reader of the story wants to know, e.g. open flags.
        change: what it changed for a reader of the transcript, if anything.
        lock: what it did to the write lock, if anything.
        fault: the verdict of the gate where it was not a plain run: the errno's name
            that the call failed with, ``short``, or the name of a process fault: ``kill`` (also with
            a call that was cut short by it), ``stop``, ``slow``, ``ahead``.
        begin_ns, end_ns: free gate only.
    """

    lane: int
    op: int
    call: str
    path: str = ""
    note: str = ""
    change: Change | None = None
    lock: LockEvent | None = None
    fault: str = ""
    begin_ns: int = 0
    end_ns: int = 0

    @property
    def is_process_fault(self) -> bool:
        """Return whether a process fault took the place of a call; such a step is called as its fault."""
        return self.call == self.fault

    @property
    def failed(self) -> bool:
        """Return whether its call was made to fail: the fault is then the name of an errno, in capitals."""
        return self.fault.isupper()


#: Detail of an operation that a program began and did not end.
NO_END_MARKER = "no end marker"
#: How the detail of a program begins, and how that of one which says that it did well.
_ENDS, _WELL = ("exit status ", "killed by ", "not started: ", NO_END_MARKER), ("exit status 0",)
#: The parts into which a program divides one operation by its markers have numbers that differ by this.
_PART = 1000


def part_of(op: int, number: int) -> int:
    """Return the number that a history gives a part of an operation; part 0 has that of the operation."""
    return op + _PART * number if number else op


def program_op(op: int) -> int:
    """Return the number that a program gives an operation, from that of a history, or of a part of it."""
    return op % _PART if op >= 0 else op


#: Instead of a time that a call has waited.
NOT_SAID, IN_REAL_TIME = -1, -2


class Return(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="return", tag_field="event"):
    """The end of an operation.

    Args:
        outcome: ``ok``, ``refused`` (takeover reported), ``lock_timeout``,
            ``stale_lock``, ``unsupported``, ``skipped``, ``failed`` (the fence passed on the
            error of a file call that a fault had made fail), ``hindered`` (it failed, and an answer or a
            limit of the harness may be why; the history is inconclusive then), or ``crash`` (an exception
            that the fence does not document, or the end of the process).
        detail: message of the exception, or digest of the content that a ``load`` returned.
        waited_ms: virtual time since the call began, of a ``lock_timeout`` under the kernel gate; `NOT_SAID`
            where the history does not say, `IN_REAL_TIME` where the call may have waited by another clock.
    """

    lane: int
    op: int
    outcome: str
    detail: str = ""
    at_ns: int = 0
    waited_ms: int = NOT_SAID

    @property
    def acknowledges(self) -> bool:
        """Return whether the call says that it did what was asked; a program says so by its status."""
        if self.outcome != "ok" or not self.detail:
            return self.outcome == "ok"
        return self.detail.startswith(_WELL) or not self.detail.startswith(_ENDS)


class End(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="end", tag_field="event"):
    """The end of the schedule.

    Args:
        final: state of the transcript at the end.
        waiting: lanes that could not finish, each with the thing that it waits for, or with "it ..."
            and its activity.
        lock_owner: lane that still holds the write lock; -1 for none.
        inconclusive: why the truth is not known; empty when it is known.
        inode_reused: whether a lane was shown an inode number that an earlier file had.
    """

    final: State
    waiting: tuple[tuple[int, str], ...] = ()
    lock_owner: int = -1
    inconclusive: str = ""
    inode_reused: bool = False


Event = Invoke | Step | Return | End


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts that are needed to read the events.

    Args:
        scenario, fence, gate, strategy: names.
        policy: name of the scenario's policy.
        policy_rules: table of that policy (see `harness.model.policy`), so that a history can be
            judged without the scenario.
        seed, schedule: seed and index that the program was drawn from.
        lanes: in order of their index.
        initial: the transcript before the first step.
        version: of this format.
        lock_kind: what kind of lock the fence uses. Under the kernel gate, which tells what became of the
            lock, only that there is none (``none``), else empty.
        lines: by id, the line that each entry of the program was to be, without its newline; empty
            where that is not known.
        lock_timeout_ms: for how long a lane is to wait for the lock; -1 where the scenario does not say.
        step_ms: virtual time that passes with each step.
        invariants: names of those that were asked; ``@step`` behind one that was asked after each step.
        left_lock: whether a lock file of a dead process was there before the first step.
        file_clock: how the clock is off that time stamps come from, in words; empty for a right one.
    """

    scenario: str
    fence: str
    gate: str
    strategy: str
    policy: str
    policy_rules: dict[str, Any]
    seed: int
    schedule: int
    lanes: tuple[LaneInfo, ...]
    initial: State
    version: int = VERSION
    lock_kind: str = ""
    lines: dict[str, str] = {}
    lock_timeout_ms: int = -1
    step_ms: int = 1
    invariants: tuple[str, ...] = ()
    left_lock: bool = False
    file_clock: str = ""


#: Calls that lock a file; it may be another one than the watched one.
_LOCKING = frozenset({"flock", "fcntl"})


class History(msgspec.Struct, frozen=True, dict=True):
    """The complete history of one schedule.

    Args:
        header: names, lanes and settings.
        events: in total order; the last one is an `End`.
        blobs: contents by digest, as far as they were kept.
    """

    header: Header
    events: tuple[Event, ...]
    blobs: dict[str, bytes] = {}

    @functools.cached_property
    def notable(self) -> list[tuple[int, Event]]:
        """Return the events but for plain steps, each with its index.

        A plain step changed nothing that a reader sees, no lock, and was no fault: nine of ten steps.
        """
        return [
            (at, event)
            for at, event in enumerate(self.events)
            if type(event) is not Step
            or event.change is not None
            or event.lock is not None
            or event.fault
            or event.call in _LOCKING
        ]


_mark_encoder = msgspec.msgpack.Encoder()


def mark(history: History) -> int:
    """Return 64 bits that identify a history; sums of them identify sets of histories."""
    data = _mark_encoder.encode(history.events)
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def steps_of(events: Iterable[Event]) -> int:
    """Return the number of steps among the events."""
    return sum(1 for event in events if isinstance(event, Step))
