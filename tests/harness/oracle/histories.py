"""Write histories by hand: a small model of one file, changed step by step.

A `Story` keeps the transcript's bytes and the identity of the file at the path, so its history is
consistent. Times under the free gate are ten nanoseconds an event unless a step is given its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.model.history import (
    Absent,
    Change,
    End,
    Event,
    Header,
    History,
    Invoke,
    LaneInfo,
    LockEvent,
    Return,
    State,
    Step,
    digest,
)

__all__ = [
    "COORDINATED",
    "POLICIES",
    "RUNNER_APPENDS",
    "SAME_PROCESS",
    "Story",
    "compaction",
    "line",
    "lines",
]

COORDINATED = {
    "own_append": "sanctioned",
    "cotenant_append_same_process": "sanctioned",
    "cotenant_append_other_process": "sanctioned",
    "participant_rewrite_same_process": "sanctioned",
    "participant_rewrite_other_process": "sanctioned",
    "unlocked": "takeover",
    "reclaimed": "takeover",
    "same_bytes_other_file": "either",
}
SAME_PROCESS = COORDINATED | {
    "cotenant_append_other_process": "takeover",
    "participant_rewrite_other_process": "takeover",
}
RUNNER_APPENDS = SAME_PROCESS | {
    "cotenant_append_same_process": "takeover",
    "participant_rewrite_same_process": "takeover",
    "same_bytes_other_file": "takeover",
}
POLICIES = {"coordinated": COORDINATED, "same-process": SAME_PROCESS, "runner-appends": RUNNER_APPENDS}

LANES = (
    LaneInfo("runner", "runner", "gateway", True),
    LaneInfo("heartbeat", "heartbeat", "gateway", True),
    LaneInfo("cron", "cron", "cron", True),
    LaneInfo("editor", "editor", "shell", False),
    LaneInfo("script", "script", "shell2", False),
)
RUNNER, HEARTBEAT, CRON, EDITOR, SCRIPT = range(5)


def line(name: str) -> bytes:
    """Return one whole entry."""
    return json.dumps({"id": name, "type": "user"}).encode() + b"\n"


def lines(*names: str) -> bytes:
    """Return whole entries, one after the other."""
    return b"".join(line(name) for name in names)


def compaction(name: str, *taken: str) -> bytes:
    """Return a summary that lists the entries it replaced."""
    return json.dumps({"id": name, "type": "compaction", "compacts": taken}).encode() + b"\n"


class Story:
    """A history under construction, with a model of the file.

    Attributes:
        content: bytes of the file at the path; None if there is no file.
        file: identity of the file at the path.
    """

    def __init__(
        self,
        policy: str = "coordinated",
        lanes: tuple[LaneInfo, ...] = LANES,
        initial: bytes | None = line("first"),
        gate: str = "kernel",
    ) -> None:
        self.lanes = lanes
        self.content = initial
        self.file: str | None = None if initial is None else "f0"
        self.events: list[Event] = []
        self.blobs: dict[str, bytes] = {}
        self.gate = gate
        self._files = 1
        self._turns = [-1] * len(lanes)
        self._ops = [-1] * len(lanes)
        initial_state = self.state()
        self.header = Header(
            "hand", "hand", gate, "hand", policy, dict(POLICIES[policy]), 0, 0, lanes, initial_state
        )

    # The file

    def state(self) -> State:
        if self.content is None:
            return Absent
        self.blobs[digest(self.content)] = self.content
        return State(self.file, digest(self.content), len(self.content))

    def new_file(self) -> str:
        self._files += 1
        return f"f{self._files - 1}"

    # The events

    @property
    def now(self) -> int:
        return 10 * len(self.events) if self.gate == "free" else 0

    def call(self, lane: int, kind: str, *names: str) -> int:
        """Add an Invoke and return its index; a begin_turn starts the lane's next turn."""
        self._ops[lane] += 1
        if kind == "begin_turn":
            self._turns[lane] += 1
        turn = self._turns[lane] if kind not in ("acquire", "release", "rewrite", "action") else -1
        pairs = tuple((name, "user") for name in names)
        self.events.append(Invoke(lane, self._ops[lane], kind, turn, pairs, at_ns=self.now))
        return len(self.events) - 1

    def done(self, lane: int, outcome: str = "ok", detail: str = "", waited_ms: int = -1) -> int:
        self.events.append(Return(lane, self._ops[lane], outcome, detail, self.now, waited_ms))
        return len(self.events) - 1

    def look(
        self,
        lane: int,
        call: str = "read",
        path: str = "T",
        note: str = "",
        at: tuple[int, int] | None = None,
        fault: str = "",
    ) -> int:
        """Add a step that changes nothing and return its index."""
        begin, end = self._when(at)
        self.events.append(
            Step(lane, self._ops[lane], call, path, note, fault=fault, begin_ns=begin, end_ns=end)
        )
        return len(self.events) - 1

    def put(
        self,
        lane: int,
        content: bytes | None,
        file: str | None = None,
        held: bool | None = None,
        reclaimed: bool = False,
        call: str = "write",
        at: tuple[int, int] | None = None,
        fault: str = "",
        note: str = "",
    ) -> int:
        """Add a step after which the path has these bytes, in the same file unless another is named."""
        before = self.state()
        self.content = content
        if content is None:
            self.file = None
        else:
            self.file = file or self.file or self.new_file()
        after = self.state()
        held = self.lanes[lane].participant and not reclaimed if held is None else held
        change = Change(before, after, held, reclaimed) if before != after else None
        begin, end = self._when(at)
        self.events.append(Step(lane, self._ops[lane], call, "T", note, change, None, fault, begin, end))
        return len(self.events) - 1

    def lock(self, lane: int, kind: str, owner: int = -1) -> int:
        begin, end = self._when(None)
        call = "openat" if kind == "acquired" else "unlink"
        event = LockEvent(kind, owner)
        self.events.append(
            Step(lane, self._ops[lane], call, "T.lock", lock=event, begin_ns=begin, end_ns=end)
        )
        return len(self.events) - 1

    def _when(self, at: tuple[int, int] | None) -> tuple[int, int]:
        if self.gate != "free":
            return 0, 0
        return at or (self.now, self.now + 5)

    # Whole operations

    @contextmanager
    def op(self, lane: int, kind: str, *names: str, outcome: str = "ok", detail: str = "") -> Iterator[None]:
        self.call(lane, kind, *names)
        yield
        self.done(lane, outcome, detail)

    def begin(self, lane: int = RUNNER) -> None:
        """Add a turn up to its load."""
        with self.op(lane, "begin_turn"):
            self.lock(lane, "acquired")
        self.load(lane)

    def load(self, lane: int = RUNNER) -> int:
        self.call(lane, "load")
        self.look(lane, "openat")
        self.look(lane)
        return self.done(lane, "ok", digest(self.content or b""))

    def rest(self, lane: int = RUNNER) -> None:
        with self.op(lane, "release_for_prompt"):
            self.lock(lane, "released")

    def window(self, lane: int = RUNNER) -> None:
        """Add a turn up to the prompt."""
        self.begin(lane)
        self.rest(lane)

    def admit(self, *names: str, lane: int = RUNNER, during: Callable[[], object] | None = None) -> int:
        """Add an admitted guarded write; `during` is called between its two reads."""
        self.call(lane, "guarded_write", *names)
        self.lock(lane, "acquired")
        self.look(lane, "statx")
        if during is not None:
            during()
        self.look(lane, "openat")
        if names:
            self.put(lane, (self.content or b"") + lines(*names))
        self.lock(lane, "released")
        return self.done(lane)

    def refuse(
        self,
        *names: str,
        lane: int = RUNNER,
        during: Callable[[], object] | None = None,
        kind: str = "guarded_write",
    ) -> int:
        self.call(lane, kind, *names)
        self.look(lane, "openat", "T.lock")
        if during is not None:
            during()
        self.look(lane, "statx")
        return self.done(lane, "refused", "fingerprint")

    def recover(self, lane: int = RUNNER, detail: str = "") -> int:
        self.call(lane, "recover")
        self.look(lane, "openat")
        self.look(lane)
        return self.done(lane, "ok", detail)

    def add(self, lane: int, *names: str) -> int:
        """Add an append, under the lock if the lane is a participant."""
        kind = "append" if self.lanes[lane].participant else "action"
        with self.op(lane, kind, *names):
            at = self.put(lane, (self.content or b"") + lines(*names))
        return at

    def write(self, lane: int, content: bytes | None, file: str | None = None, kind: str = "action") -> int:
        """Add one operation of one step and return the index of the step."""
        with self.op(lane, kind):
            at = self.put(lane, content, file)
        return at

    def touch(self, lane: int = EDITOR, call: str = "utimensat") -> int:
        with self.op(lane, "action"):
            at = self.look(lane, call)
        return at

    def history(self, **end: object) -> History:
        final = End(self.state(), **end)  # type: ignore[arg-type]
        return History(self.header, (*self.events, final), dict(self.blobs))
