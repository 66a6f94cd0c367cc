"""Measures how a program writes one line: from which length on it takes several calls, and which.

The program is a lane of a scenario of `scenarios/programs/writers`, whose last argument is the length of its
line. It runs alone under the kernel gate, so its calls are the steps of a history.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from harness.explore.explorer import Explorer, ticking
from harness.model.history import History, State, Step
from harness.scenario import Scenario, load, plan
from harness.scenario.roles.program import ProgramSettings
from harness.strategies import make
from harness.system.janitor import place

__all__ = [
    "LOCKING",
    "LONGEST",
    "WRITERS",
    "Line",
    "Measured",
    "Writer",
    "all_writers",
    "length_of_long",
    "measured",
    "unlocked",
    "writer_of",
]

WRITERS = Path(__file__).resolve().parents[1] / "scenarios" / "programs" / "writers"
#: The first words of each command line there take the locks.
LOCKING = 6
#: No longer line is tried, in bytes.
LONGEST = 1 << 20
_SHORTEST = 512


@dataclasses.dataclass(frozen=True)
class Line:
    """One line as it came into the transcript.

    Attributes:
        pieces: bytes that each call added, in order; the newline is in the last one.
        between: what follows the last newline of the transcript after each call but the last.
    """

    pieces: tuple[int, ...]
    between: tuple[bytes, ...]

    @property
    def bytes(self) -> int:
        """Its length with the newline."""
        return sum(self.pieces)

    @property
    def found(self) -> str:
        """Say what a reader finds as the last line before the last call."""
        if not self.between:
            return "-"
        return "a whole line, no newline" if all(map(_parses, self.between)) else "half a line"


class Writer:
    """A program that writes lines of any length; a context manager that holds its workers.

    Args:
        scenario: of `scenarios/programs/writers`.
    """

    def __init__(self, scenario: Scenario) -> None:
        lane = dataclasses.replace(writer_of(scenario), delay_steps=0, pause_ms=0)
        self._scenario = unlocked(dataclasses.replace(scenario, lanes=(lane,)))
        self._explorer = Explorer(self._scenario, "none", "kernel", place(None, real=False))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._explorer.close()

    def line(self, length: int) -> Line:
        """Return a line of about so many bytes as the program writes it."""
        (lane,) = self._scenario.lanes
        assert isinstance(lane, ProgramSettings)
        lane = dataclasses.replace(lane, argv=(*lane.argv[:-1], str(length)))
        program = plan.draw(dataclasses.replace(self._scenario, lanes=(lane,)), 1, 0)
        with ticking():
            history = self._explorer.run(program, make("random"), 1, 0)[0]
        states = [history.header.initial, *_states(history)]
        sizes = tuple(after.size - before.size for before, after in itertools.pairwise(states))
        if not sizes or not history.blobs[states[-1].content].endswith(b"\n"):
            raise ValueError(f"{self._scenario.name}: wrote no line: {history.events[-2:]}")
        tails = tuple(history.blobs[state.content].rpartition(b"\n")[2] for state in states[1:-1])
        return Line(sizes, tails)

    def shortest_cut(self) -> Line | None:
        """Return the shortest line that takes several calls; None if none up to `LONGEST` does."""
        whole, length = 0, _SHORTEST
        while len((found := self.line(length)).pieces) == 1:
            whole, length = length, length * 2
            if length > LONGEST:
                return None
        cut, rest = length, found.bytes - length
        # Most cut at a power of two, so these two end the search.
        border = 1 << (found.bytes - 1).bit_length() - 1
        likely = [border + 1 - rest, border - rest]
        while cut - whole > 1:
            length = likely.pop(0) if likely else (whole + cut) // 2
            if not whole < length < cut:
                continue
            line = self.line(length)
            if len(line.pieces) == 1:
                whole = length
            else:
                cut, found = length, line
        return found


def all_writers() -> list[Path]:
    """Return the scenario files of all writers."""
    return sorted(WRITERS.glob("*.yaml"))


def writer_of(scenario: Scenario) -> ProgramSettings:
    """Return the lane that writes."""
    return next(lane for lane in scenario.lanes if isinstance(lane, ProgramSettings))


def unlocked(scenario: Scenario) -> Scenario:
    """Return a scenario whose writer takes no lock, and is a rogue therefore."""
    lanes = tuple(
        dataclasses.replace(lane, argv=lane.argv[LOCKING:], participant=False, acknowledges=())
        if isinstance(lane, ProgramSettings)
        else lane
        for lane in scenario.lanes
    )
    return dataclasses.replace(scenario, lanes=lanes, policy="coordinated", invariant=())


@dataclasses.dataclass(frozen=True)
class Measured:
    """How a program writes lines.

    Attributes:
        shortest: the shortest line that takes several calls; None if none up to `LONGEST` does.
        long: one that is three times as long, or of the length `LONGEST`.
    """

    shortest: Line | None
    long: Line

    @property
    def how(self) -> str:
        """Say how a line is cut."""
        *full, last = self.long.pieces
        if self.shortest is None or not full:
            return "in one"
        if (len(full), last) == (1, 1):
            return "the newline apart"
        block = self.shortest.pieces[0]
        if len(full) > 1 and set(full) == {block}:
            return f"every {block:,} bytes"
        if all(size % block == 0 for size in full):
            return f"full blocks of {block:,} bytes, then the rest"
        return "begin, text and end apart"


def measured(path: Path) -> Measured:
    """Return how the program of a scenario writes lines."""
    with Writer(load(str(path))) as writer:
        shortest = writer.shortest_cut()
        return Measured(shortest, writer.line(LONGEST if shortest is None else length_of_long(shortest)))


def length_of_long(shortest: Line) -> int:
    """Return the length of a line that shows how all are cut, given the shortest one that is."""
    return 3 * shortest.bytes + 100


def _states(history: History) -> Iterator[State]:
    for event in history.events:
        if isinstance(event, Step) and event.change is not None and event.change.before != event.change.after:
            yield event.change.after


def _parses(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
