"""Count what the schedules of a task exercised, so that a pass can say so and can be refused.

A search that found nothing has shown nothing where no fence decided, no rogue wrote and no fault
struck. `Exercise` counts over all schedules; `shortfalls` says in words what never happened.
"""

from __future__ import annotations

import msgspec

from harness.model.history import (
    NO_CHANGE,
    NO_LOCK,
    Header,
    History,
    Invoke,
    LaneInfo,
    LockEvent,
    Return,
    Step,
)

__all__ = ["Exercise", "LaneExercise"]

_TAKING = frozenset({"acquire", "begin_turn"})
#: Length of what a load returns.
_DIGEST_CHARS = 16
_FAILED = frozenset({"failed", "crash"})
_WRITES = frozenset({"write", "pwrite64", "writev", "pwritev"})


class LaneExercise(msgspec.Struct):
    """Counts of the activity of one lane, over schedules.

    Args:
        changed: schedules in which it changed the transcript.
        acted: calls that it made: those that write, rogue actions and programs.
        failed: those of them that came to nothing.
        last: what the last failed one said.
        last_at: number of the schedule in which that was; -1 for none.
        kept: schedules in which it, a program, wrote files in directories of the session directory.
    """

    changed: int = 0
    acted: int = 0
    failed: int = 0
    last: str = ""
    kept: int = 0
    last_at: int = -1

    def merge(self, other: LaneExercise) -> None:
        """Add what the lane did in other schedules."""
        self.changed += other.changed
        self.acted += other.acted
        self.failed += other.failed
        if other.last_at > self.last_at:
            # The same in any order in which schedules are run and added.
            self.last, self.last_at = other.last, other.last_at
        self.kept += other.kept


class Exercise(msgspec.Struct):
    """Counts over schedules.

    Args:
        decisions: calls of a runner by which a fence decided, or was taken to.
        taken: calls that set out to take the lock and returned well; none where the fence has no lock.
        locked: steps in which a participant got the watched lock.
        struck: steps at which a fault struck, by ``lane:fault``.
        lanes: by name.
        touched: schedules in which a lane locked a file that is not watched, by its alias.
        took: the calls of `taken` by kind.
        had: those of them at whose end the lane had the watched lock.
        recovered: calls of recover by outcome, those that were skipped aside.
    """

    decisions: int = 0
    taken: int = 0
    locked: int = 0
    struck: dict[str, int] = msgspec.field(default_factory=dict)
    lanes: dict[str, LaneExercise] = msgspec.field(default_factory=dict)
    touched: dict[str, int] = msgspec.field(default_factory=dict)
    took: dict[str, int] = msgspec.field(default_factory=dict)
    had: dict[str, int] = msgspec.field(default_factory=dict)
    recovered: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, history: History, decisions: int) -> None:
        """Take one schedule in.

        Args:
            history: of the schedule.
            decisions: that its judgement holds, counted or not.
        """
        self.decisions += decisions
        lanes = history.header.lanes
        locks = history.header.lock_kind != NO_LOCK
        changed: set[int] = set()
        kinds: dict[int, str] = {}
        holders: set[int] = set()
        for _, event in history.notable:
            if isinstance(event, Step):
                if event.change is not None:
                    changed.add(event.lane)
                if event.lock is not None:
                    self.locked += event.lock.kind == "acquired"
                    _apply(holders, event.lane, event.lock)
                if event.fault:
                    key = f"{lanes[event.lane].name}:{event.fault}"
                    self.struck[key] = self.struck.get(key, 0) + 1
                if (
                    event.call in ("flock", "fcntl")
                    and event.lock is None
                    and not lanes[event.lane].transcript
                ):
                    self.touched[event.path] = self.touched.get(event.path, 0) + 1
            elif isinstance(event, Invoke):
                kinds[event.lane] = event.kind
            elif isinstance(event, Return):
                kind = kinds.get(event.lane, "")
                if locks or kind not in _TAKING:
                    self._returned(history.header, kind, event, event.lane in holders)
        for lane in changed:
            self._lane(lanes[lane]).changed += 1
        for lane in _keepers(history):
            self._lane(lanes[lane]).kept += 1

    def _lane(self, lane: LaneInfo) -> LaneExercise:
        return self.lanes.setdefault(lane.name, LaneExercise())

    def _returned(self, header: Header, kind: str, event: Return, holds: bool) -> None:
        lane = header.lanes[event.lane]
        if lane.transcript:
            return
        if kind in _TAKING:
            self.taken += event.outcome == "ok"
            _count(self.took, kind, event.outcome == "ok")
            _count(self.had, kind, event.outcome == "ok" and holds)
        elif kind == "recover" and event.outcome != "skipped":
            _count(self.recovered, event.outcome, 1)
        elif kind in ("action", "append", "rewrite", "guarded_write") and event.outcome != "skipped":
            done = self._lane(lane)
            done.acted += 1
            if event.outcome != "ok" or _complains(event.detail):
                done.failed += event.outcome in _FAILED or kind == "action"
                if header.schedule >= done.last_at:
                    done.last, done.last_at = event.detail or event.outcome, header.schedule

    def merge(self, other: Exercise) -> None:
        """Add the counts of other schedules."""
        self.decisions += other.decisions
        self.taken += other.taken
        self.locked += other.locked
        for mine, theirs in (
            (self.struck, other.struck),
            (self.touched, other.touched),
            (self.took, other.took),
            (self.had, other.had),
            (self.recovered, other.recovered),
        ):
            for name, count in theirs.items():
                _count(mine, name, count)
        for name, lane in other.lanes.items():
            self.lanes.setdefault(name, LaneExercise()).merge(lane)


def _keepers(history: History) -> set[int]:
    """Return the programs that wrote a file in a directory of the session directory."""
    programs = {index for index, lane in enumerate(history.header.lanes) if lane.role == "program"}
    if not programs:
        return programs
    return {
        event.lane
        for event in history.events
        if isinstance(event, Step)
        and event.lane in programs
        and "/" in event.path
        and event.call in _WRITES
        and not event.fault
    }


def _apply(holders: set[int], lane: int, event: LockEvent) -> None:
    """Keep track of the lanes that have the watched lock, or were given reason to believe so."""
    if event.kind == "released":
        holders.discard(lane)
    elif event.kind == "reclaimed":
        holders.discard(event.owner)
    elif event.kind == "returned":
        holders.add(event.owner)
    elif event.kind not in NO_CHANGE:
        holders.add(lane)


def _count(counts: dict[str, int], name: str, count: int) -> None:
    counts[name] = counts.get(name, 0) + count


def _complains(detail: str) -> bool:
    """Return whether a program says that it failed: its status, or what it wrote on standard error."""
    return bool(detail) and not detail.startswith("exit status 0") and len(detail) != _DIGEST_CHARS
