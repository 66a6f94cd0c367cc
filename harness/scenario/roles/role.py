"""Define the type of a role, and what all roles share: ranges, draws, ids, the keys of every lane.

A role is data and a pure function: its settings are the keys that a scenario may give a lane, and
`draw` turns them into operations with every argument fixed. It touches no file; a worker executes
the operations.

The settings are plain dataclasses. Their annotations are all that the scenario loader needs to check a
file; nothing here depends on the loader's libraries.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, Protocol, TypeVar

from annotated_types import Ge, Gt, Le, Predicate, doc

from harness.model.program import ClockSkew, Entry, Op
from harness.model.transcript_lines import TEXT_BYTES_MAX, make

__all__ = [
    "ByteRange",
    "ClockSettings",
    "CountRange",
    "Ids",
    "LaneSettings",
    "LineRange",
    "MsRange",
    "Name",
    "NamedRole",
    "Range",
    "RestartSettings",
    "Role",
    "Size",
    "StepRange",
    "TimesRange",
    "again",
    "choose",
    "geometric",
    "highest",
    "is_argument",
    "is_name",
    "is_ordered",
    "pick",
    "waits",
]

#: A fixed number, or the lowest and the highest number that may be drawn.
Range = int | tuple[int, int]


def is_ordered(span: tuple[int, int]) -> bool:
    """Return whether the lower end comes first."""
    return span[0] <= span[1]


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


def is_name(text: str) -> bool:
    """Return whether a text can name a lane or a process: names occur in ids, file names and reports."""
    return _NAME.fullmatch(text) is not None


Name = Annotated[str, Predicate(is_name)]


def is_argument(text: str) -> bool:
    """Return whether a text can be an argument of a program."""
    return "\0" not in text


_Ordered = Predicate(is_ordered)
_Count = Annotated[int, Ge(1), Le(50)]
_Lines = Annotated[int, Ge(0), Le(50)]
_Steps = Annotated[int, Ge(0), Le(1000)]
_Ms = Annotated[int, Ge(0), Le(86_400_000)]
_Offset = Annotated[int, Ge(-86_400_000), Le(86_400_000)]
_Bytes = Annotated[int, Ge(0), Le(TEXT_BYTES_MAX)]

CountRange = _Count | Annotated[tuple[_Count, _Count], _Ordered]
#: From 0 on, the lane stays away in some schedules.
TimesRange = _Count | Annotated[tuple[_Lines, _Count], _Ordered]
LineRange = _Lines | Annotated[tuple[_Lines, _Lines], _Ordered]
StepRange = _Steps | Annotated[tuple[_Steps, _Steps], _Ordered]
MsRange = _Ms | Annotated[tuple[_Ms, _Ms], _Ordered]
OffsetRange = _Offset | Annotated[tuple[_Offset, _Offset], _Ordered]
ByteRange = _Bytes | Annotated[tuple[_Bytes, _Bytes], _Ordered]


def pick(rng: random.Random, span: Range) -> int:
    """Draw a number from a range, uniformly; a fixed number uses no random number."""
    if isinstance(span, int):
        return span
    low, high = span
    return low + int(rng.random() * (high - low + 1))


def highest(span: Range) -> int:
    """Return the largest number that `pick` can return."""
    return span if isinstance(span, int) else span[1]


_Item = TypeVar("_Item")


def choose(rng: random.Random, items: Sequence[_Item]) -> _Item:
    """Draw one of the items, uniformly."""
    return items[int(rng.random() * len(items))]


_WAIT_BITS: Final = 12
_AGAIN: Final = "-again"


def geometric(rng: random.Random, rate: float) -> int:
    """Draw the number of scheduling points before an event of a given rate.

    Inversion of the geometric distribution by bisection: it uses multiplications only, because the
    last bit of a logarithm depends on the C library.

    Args:
        rng: generator; one number is drawn.
        rate: mean number of events in 100 points, above 0 and at most 100.

    Returns:
        0 to 4095; the small rest of the distribution is cut off there.
    """
    rest = rng.random()
    stays = 1.0 - rate / 100.0
    powers = [stays]
    for _ in range(_WAIT_BITS - 1):
        powers.append(powers[-1] * powers[-1])
    reached, wait = 1.0, 0
    for bit in range(_WAIT_BITS - 1, -1, -1):
        if reached * powers[bit] > rest:
            reached *= powers[bit]
            wait += 1 << bit
    return wait


class Ids:
    """Assigns ids to the lines of one lane: ``<lane>-<n>``, n from 1.

    Args:
        lane: name of the lane.
        text_bytes: length of the text of a line.
    """

    def __init__(self, lane: str, text_bytes: Range) -> None:
        self._lane = lane
        self._text_bytes = text_bytes
        self._used = 0

    def next(self) -> str:
        """Return an id that was not used before."""
        self._used += 1
        return f"{self._lane}-{self._used}"

    def entry(self, rng: random.Random, kind: str) -> Entry:
        """Return a new line of the given type."""
        return make(kind, self.next(), pick(rng, self._text_bytes))

    def entries(self, rng: random.Random, kinds: Sequence[str], count: int) -> tuple[Entry, ...]:
        """Return new lines, the type of each drawn from `kinds`."""
        return tuple([self.entry(rng, choose(rng, kinds)) for _ in range(count)])


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestartSettings:
    """The new start of a process that was killed."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    after_ms: Annotated[MsRange, doc("Virtual milliseconds between its end and its new start.")]
    pid: Annotated[
        Literal["fresh", "same", "taken"],
        doc(
            "Process id of the new process: an unused id (fresh), the id of the dead process (same), or "
            "an unused id while another process has the id of the dead one (taken). `same` and `taken` "
            "need process ids of the session's own."
        ),
    ] = "fresh"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClockSettings:
    """A clock of the date that is wrong: another host's, or a file server's."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    off_ms: Annotated[
        OffsetRange, doc("Milliseconds by which the clock is ahead; a negative number: behind.")
    ] = 0
    back_ms: Annotated[MsRange, doc("Milliseconds by which the clock is set back once; 0: never.")] = 0
    after_ms: Annotated[
        MsRange, doc("Virtual milliseconds from the first step until the clock is set back.")
    ] = 0

    def draw(self, rng: random.Random) -> ClockSkew:
        """Return the clock of one schedule."""
        return ClockSkew(pick(rng, self.off_ms), pick(rng, self.back_ms), pick(rng, self.after_ms))


class NamedRole(Protocol):
    """A role that a scenario composes, see `harness.scenario.roles.composed`."""

    @property
    def name(self) -> str:
        """Name of the role."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaneSettings:
    """The keys of every lane; a role adds its own, and ``role`` itself."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    #: Its name, or a mapping that has one.
    role: str | NamedRole
    name: Annotated[
        Name | None, doc("Name of the lane, unique in the scenario. Absent: the name of the role.")
    ] = None
    process: Annotated[
        Name | None,
        doc("Process of the lane; lanes that give the same name share it. Absent: a process of its own."),
    ] = None
    pid_namespace: Annotated[
        Name | None,
        doc(
            "PID namespace of that process, as in a container: processes of other namespaces appear dead "
            "to it. Absent: the machine's own namespace; kernel gate only."
        ),
    ] = None
    clock: Annotated[
        ClockSettings | None,
        doc(
            "Clock of that process, as on another host: the date that it reads is wrong. Waits, and "
            "clocks that only go forward, are right. Absent: a clock that is right; kernel gate only."
        ),
    ] = None
    transcript: Annotated[
        Name | None,
        doc(
            "Name of a second transcript for the lane: NAME.jsonl beside the watched transcript, made by "
            "its first writer. The lane is judged for crashes and dead ends alone. Absent: the watched "
            "transcript; kernel gate only."
        ),
    ] = None
    count: Annotated[
        int, Ge(1), Le(8), doc("Number of such lanes; several are called name-1, name-2 and so on.")
    ] = 1
    restart: Annotated[
        RestartSettings | None,
        doc(
            "New start of the lane after a fault has killed its process: as the lane NAME-again, in a "
            "new process, from its first activity on. Absent: the lane stays dead; kernel gate only."
        ),
    ] = None
    delay_steps: Annotated[StepRange, doc("Scheduling points before each activity.")] = 0
    rate: Annotated[
        Annotated[float, Gt(0), Le(100)] | None,
        doc("Activities in 100 scheduling points on average: a random wait in addition to delay_steps."),
    ] = None

    @property
    def role_name(self) -> str:
        """Return the name of the role."""
        return self.role if isinstance(self.role, str) else self.role.name

    def names_again(self) -> tuple[str, ...]:
        """Return the names of the lanes that come back when their process was killed."""
        return tuple(again(name) for name in self.names()) if self.restart is not None else ()

    def names(self) -> tuple[str, ...]:
        """Return the names of the lanes that these settings define."""
        name = self.name or self.role_name
        return (name,) if self.count == 1 else tuple(f"{name}-{n}" for n in range(1, self.count + 1))


def again(name: str) -> str:
    """Return the name of a lane or process after it was started again."""
    return f"{name}{_AGAIN}"


def waits(settings: LaneSettings, rng: random.Random, group: int, pause: Range = 0) -> list[Op]:
    """Return the waits of a lane before an activity: think, then pause; waits of length 0 are left out."""
    ops = []
    steps = pick(rng, settings.delay_steps)
    if settings.rate is not None:
        steps += geometric(rng, settings.rate)
    if steps:
        ops.append(Op("think", group=group, steps=steps))
    pause_ms = pick(rng, pause)
    if pause_ms:
        ops.append(Op("pause", group=group, duration_ms=pause_ms))
    return ops


@dataclasses.dataclass(frozen=True)
class Size:
    """The maximum size of a lane's program.

    Args:
        ops: number of operations.
        entries: number of lines.
    """

    ops: int
    entries: int


_Settings = TypeVar("_Settings", bound=LaneSettings)


@dataclasses.dataclass(frozen=True)
class Role(Generic[_Settings]):
    """One kind of lane.

    Args:
        name: as in a scenario's ``role``.
        about: one line for ``list roles``.
        participant: whether it is registered with the fence and takes the write lock.
        settings: the dataclass of its keys, with their defaults.
        draw: returns the lane's operations for settings, generator and ids; pure.
        size: returns the maximum size of the result of `draw`.
    """

    name: str
    about: str
    participant: bool
    settings: type[_Settings]
    draw: Callable[[_Settings, random.Random, Ids], tuple[Op, ...]]
    size: Callable[[_Settings], Size]

    def takes_part(self, settings: LaneSettings) -> bool:
        """Return whether a lane keeps the rules: its role does, or it says so itself."""
        return self.participant or bool(getattr(settings, "participant", False))
