"""Define the gate interface: a gate stops each lane before each of its steps.

A strategy never sees a gate, and a gate never chooses. Two methods connect them: `settle` returns
the lanes that could step next, and `grant` lets one of them step.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import msgspec

from fence.locks import LockFile
from harness.model.access_set import AccessSet
from harness.model.code_trace import CodeTrace
from harness.model.debug_spec import DebugSpec
from harness.model.history import End, Event, LaneInfo, State
from harness.model.program import Program

__all__ = ["CALL_VERDICTS", "RUN", "Candidate", "Gate", "Layout", "Outcome", "Verdict"]


class Candidate(msgspec.Struct, eq=False, gc=False):
    """A lane that could take its next step.

    Args:
        lane: index of the lane.
        op: index of its operation.
        ordinal: number of steps of this operation before this one.
        call: name of the call, ``think``, ``sleep`` or the like, see `harness.model.history.Step`.
        path: alias of the file that the call is about.
        writes: whether the step may change something that another lane can see.
        access_set: objects that the step touches; None where the gate was not asked for them.
        own: whether it is in a directory where no other lane has been: no strategy needs to be asked.
    """

    lane: int
    op: int
    ordinal: int
    call: str
    path: str
    writes: bool
    access_set: AccessSet | None = None
    own: bool = False

    def is_own(self, own: bool) -> None:
        """Set whether it is in a directory where no other lane has been."""
        self.own = own

    def touches(self, access_set: AccessSet) -> None:
        """Set what the step touches."""
        self.access_set = access_set

    def __repr__(self) -> str:
        return f"Candidate({self.lane}, op {self.op}.{self.ordinal}, {self.call} {self.path})"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The gate's decision about a granted step.

    Args:
        kind: ``run``, ``fail`` with an errno instead of running, ``short``: a write runs
            with a part of its bytes, or the name of a process fault: the call does not
            run. Its lane is then gone, or stands before it still.
        errno: for ``fail``.
        keep_permille: for ``short``, how much of what lies between the first byte and
            the last is written, 0 to 999; for a process fault likewise, -1 for nothing.
        duration_ns: of virtual time, for a process fault that lasts.
    """

    kind: str = "run"
    errno: int = 0
    keep_permille: int = 0
    duration_ns: int = 0


RUN = Verdict()
#: Kinds of verdict about the call itself; any other is a process fault.
CALL_VERDICTS = frozenset({"run", "fail", "short"})


@dataclasses.dataclass(frozen=True)
class Layout:
    """The parts of a scenario that a gate needs before the first schedule.

    Args:
        fence: reference of the fence, as `harness.scenario.fence_reference.resolve` accepts it.
        lanes: in order of their index.
        options: passed to the fence.
        locks: the locks that a lane has to hold when it writes, at least one.
        traces_code: whether workers say where the code of their lanes is; that takes time.
        debug: where lanes stop for a debugger; None for nowhere.
    """

    fence: str
    lanes: tuple[LaneInfo, ...]
    options: dict[str, int | str | bool]
    locks: tuple[LockFile, ...]
    traces_code: bool = False
    debug: DebugSpec | None = None

    def process_index(self, name: str) -> int:
        """Return the place of a process among those of the lanes."""
        return list(dict.fromkeys(lane.process for lane in self.lanes)).index(name)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of one schedule as the gate observed it.

    Args:
        initial: state of the transcript before the first step.
        events: all events; the last one is the `End`.
        blobs: contents of the transcript by digest.
        disturbed: what another program did to a process meanwhile, such as stopping or killing it; the
            schedule is void then, and inconclusive. Empty for nothing.
        stuck: where a lane stood that did not stop, in words; empty where all did. Runs differ in it.
        code: what the code of the lanes did, where that was to be collected.
    """

    initial: State
    events: tuple[Event, ...]
    blobs: dict[str, bytes]
    disturbed: str = ""
    stuck: str = ""
    code: CodeTrace | None = None

    @property
    def end(self) -> End:
        """Return the closing event."""
        last = self.events[-1]
        assert isinstance(last, End)
        return last


class Gate(Protocol):
    """Gate of one explorer: `start`; per schedule `begin`, `settle` and `grant` in turn, `finish`.

    Attributes:
        has_own_steps: whether a candidate of the last `settle` is its lane's own step.
        starts_anew: whether each schedule has processes of its own; else they live over schedules.
    """

    name: str
    has_own_steps: bool
    starts_anew: bool

    @property
    def idle_steps(self) -> int:
        """Return how many steps lanes took to ask for a lock again, because no other lane could go."""

    @property
    def has_own_ids(self) -> bool:
        """Return whether process ids are the session's own, the same in each schedule."""

    def start(self, layout: Layout) -> None:
        """Start the worker processes."""

    def begin(self, program: Program) -> None:
        """Reset files and processes, and bring each lane to its first stop."""

    def settle(self) -> list[Candidate]:
        """Wait until no lane moves.

        Returns:
            The lanes that can step, ordered by index; empty when the schedule is over.
        """

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Let one lane take its step."""

    def finish(self, inconclusive: str = "") -> Outcome:
        """End the schedule and return its events."""

    def pids(self) -> dict[str, int]:
        """Return the workers' process ids by name of the process."""

    def close(self) -> None:
        """Stop every process; the caller removes the session directory."""
