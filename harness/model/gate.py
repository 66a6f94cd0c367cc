"""What a gate is: the thing that stops a lane before each step.

A strategy never sees a gate, and a gate never picks. Between them stand
`settle`, which says which lanes could go next, and `grant`, which lets one go.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import msgspec

from harness.model.access_set import AccessSet
from harness.model.history import End, Event, LaneInfo, State
from harness.model.program import Program

__all__ = ["RUN", "Candidate", "Gate", "Layout", "Outcome", "Verdict"]


class Candidate(msgspec.Struct, eq=False, gc=False):
    """A lane that could take its next step.

    Args:
        lane: index of the lane.
        op: index of its operation.
        ordinal: how many steps of this operation came before.
        call: name of the call, ``think`` or ``sleep``.
        path: alias of what it is about.
        writes: whether it may change something that another lane can see.
        access_set: what it touches, where the gate was asked to tell.
    """

    lane: int
    op: int
    ordinal: int
    call: str
    path: str
    writes: bool
    access_set: AccessSet | None = None

    def touches(self, access_set: AccessSet) -> None:
        """Set what the step touches."""
        self.access_set = access_set

    def __repr__(self) -> str:
        return f"Candidate({self.lane}, op {self.op}.{self.ordinal}, {self.call} {self.path})"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What happens to a granted step.

    Args:
        kind: ``run``, ``fail`` with an errno instead of running, ``short``: a write runs
            with a part of its bytes, or one of `harness.model.history.PROCESS_FAULTS`: the call does not
            run. Its lane is then gone, or stands before it still.
        errno: for ``fail``.
        keep_permille: for ``short``, how much of what lies between the first byte and
            the last is written, 0 to 999; for ``kill`` likewise, -1 for nothing.
        duration_ns: of virtual time, for the other process faults.
    """

    kind: str = "run"
    errno: int = 0
    keep_permille: int = 0
    duration_ns: int = 0


RUN = Verdict()


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a gate must know of a scenario before the first schedule.

    Args:
        fence: reference of the fence, as `harness.scenario.fence_reference.resolve` takes it.
        lanes: in order of their index.
        options: handed to the fence.
        lock_kind: which lock the fence uses, a name of `fence.locks.KINDS`.
    """

    fence: str
    lanes: tuple[LaneInfo, ...]
    options: dict[str, int | str | bool]
    lock_kind: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One schedule as the gate saw it.

    Args:
        initial: the transcript before the first step.
        events: everything, the `End` last.
        blobs: the transcript's contents by digest.
    """

    initial: State
    events: tuple[Event, ...]
    blobs: dict[str, bytes]

    @property
    def end(self) -> End:
        """The closing event."""
        last = self.events[-1]
        assert isinstance(last, End)
        return last


class Gate(Protocol):
    """One explorer's gate: `start`, then per schedule `begin`, `settle` and `grant` in turn, `finish`."""

    name: str

    def start(self, layout: Layout) -> None:
        """Start the worker processes."""

    def begin(self, program: Program) -> None:
        """Reset files and processes, and bring each lane to its first stop."""

    def settle(self) -> list[Candidate]:
        """Wait until nothing moves.

        Returns:
            The lanes that can step, ordered by lane; empty when the schedule is over.
        """

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Let one lane take its step."""

    def finish(self, inconclusive: str = "") -> Outcome:
        """End the schedule and hand its events over."""

    def pids(self) -> dict[str, int]:
        """Process ids of the workers by name of the process."""

    def close(self) -> None:
        """Stop every process; the session directory belongs to the caller."""
