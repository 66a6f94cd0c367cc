"""Define a lane that is an unmodified program: an editor, a script, the user's own command line."""

from __future__ import annotations

import dataclasses
import os
import random
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Literal

from annotated_types import MaxLen, MinLen, Predicate, doc

from harness.model.program import Entry, Op
from harness.scenario.exec_program import PYTHON
from harness.scenario.keys import Term, pause, pause_ms
from harness.scenario.roles.role import (
    Ids,
    LaneSettings,
    MsRange,
    Role,
    Size,
    StepRange,
    TimesRange,
    highest,
    is_argument,
    pick,
    waits,
)

__all__ = ["ROLE", "MarkerSettings", "ProgramSettings", "is_marker"]

#: Limits for the arguments, which a stored program repeats in every operation.
_ARGUMENTS_MAX, _ARGUMENT_CHARACTERS_MAX = 32, 400
_IDS_MAX, _ID_CHARACTERS_MAX = 32, 100
_KEYS_MAX, _KEY_CHARACTERS_MAX = 64, 200
_MARKER_CHARACTERS_MAX = 200
_USUAL_TERM: Final = "xterm"


def is_marker(text: str) -> bool:
    """Return whether a text is a regular expression with one group."""
    try:
        return re.compile(text).groups == 1
    except (re.error, OverflowError, RecursionError):
        return False


_Marker = Annotated[str, MinLen(1), MaxLen(_MARKER_CHARACTERS_MAX), Predicate(is_marker)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarkerSettings:
    """Lines of a program's standard output; the group of each expression is the id of the line it writes."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    begin: Annotated[
        _Marker, doc("Regular expression of the line by which the program says that an operation begins.")
    ]
    end: Annotated[
        _Marker,
        doc(
            "Regular expression of the line by which it says that the operation has ended: its id is "
            "acknowledged."
        ),
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProgramSettings(LaneSettings):
    """The keys of a lane of the role program."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    role: Annotated[Literal["program"], doc("Activity of the lane.")]
    delay_steps: Annotated[StepRange, doc("Scheduling points before each start.")] = (0, 12)
    argv: Annotated[
        tuple[Annotated[str, MaxLen(_ARGUMENT_CHARACTERS_MAX), Predicate(is_argument)], ...],
        MinLen(1),
        MaxLen(_ARGUMENTS_MAX),
        doc(
            "The program, looked up on PATH, and its arguments; {transcript} stands for the path of the "
            "transcript, {directory} for the folder that contains it, {python} for the interpreter that runs "
            "the harness."
        ),
    ]
    times: Annotated[
        TimesRange, doc("Number of starts, one after the other; [0, N]: in some schedules it stays away.")
    ] = 1
    pause_ms: Annotated[MsRange, doc("Virtual milliseconds for which the lane waits before each start.")] = 0
    tty: Annotated[
        bool,
        doc(
            "true: the program has a terminal of 24 lines and 80 columns, which is its standard input, "
            "output and error, and its controlling terminal; false: its input is empty."
        ),
    ] = False
    keys: Annotated[
        tuple[Annotated[str, MaxLen(_KEY_CHARACTERS_MAX)], ...],
        MaxLen(_KEYS_MAX),
        doc(
            "Keys that are typed at the terminal, each item at once, when the program waits for them. "
            "Special keys are `<Enter>`, `<Esc>`, `<Tab>`, `<BS>`, `<Up>`, `<F2>`, `<C-x>`, `<M-x>` and "
            "their like; `<lt>` is a `<`, and the item `<500ms>` a pause in virtual time. Only with `tty: "
            "true`."
        ),
    ] = ()
    key_ms: Annotated[
        MsRange, doc("Virtual milliseconds before each item of `keys`, from when the program waits for it.")
    ] = 100
    term: Annotated[
        Term | None,
        doc("Kind of the terminal, in TERM; absent: xterm. Only with `tty: true`."),
    ] = None
    participant: Annotated[
        bool,
        doc(
            "true: the program is a participant. It takes the declared lock before it changes the "
            "transcript and destroys no line of others; an act against these rules is a violation. false: "
            "it is a rogue."
        ),
    ] = False
    acknowledges: Annotated[
        tuple[Annotated[str, MinLen(1), MaxLen(_ID_CHARACTERS_MAX)], ...],
        MaxLen(_IDS_MAX),
        doc(
            "Ids (the field `id` of a line) that are in the transcript once a start has ended with status "
            "0. One that is gone at the end is a lost entry; only with `participant: true`."
        ),
    ] = ()
    operations: Annotated[
        MarkerSettings | None,
        doc(
            "Begin and end of the operations of the program, by lines that it prints: {begin, end}, each a "
            "regular expression with one group, the id (the field `id` of a line). Absent: a start is one "
            "operation. Only with `participant: true`, and without `tty` and `acknowledges`."
        ),
    ] = None


def _draw(settings: ProgramSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    ops: list[Op] = []
    for group in range(1, pick(rng, settings.times) + 1):
        ops += waits(settings, rng, group, settings.pause_ms)
        entries = tuple(Entry(name, "program", "") for name in settings.acknowledges)
        how = os.path.basename(settings.argv[0].replace(PYTHON, "python"))
        term = (settings.term or _USUAL_TERM) if settings.tty else ""
        marks = settings.operations
        ops.append(
            Op(
                "action",
                group=group,
                entries=entries,
                how=how,
                argv=settings.argv,
                term=term,
                keys=tuple(_typed(settings, rng)),
                begins=marks.begin if marks is not None else "",
                ends=marks.end if marks is not None else "",
            )
        )
    return tuple(ops)


def _typed(settings: ProgramSettings, rng: random.Random) -> Iterator[str]:
    """Yield what is typed, with the pauses between."""
    for item in settings.keys:
        if pause_ms(item) is None:
            yield pause(pick(rng, settings.key_ms))
        yield item


def _size(settings: ProgramSettings) -> Size:
    # The arguments are stored with each start.
    return Size(highest(settings.times) * 3, highest(settings.times) * len(settings.acknowledges))


ROLE = Role(
    "program",
    "A program of the machine, unmodified: a rogue, unless it says otherwise; only with --allow-programs.",
    False,
    ProgramSettings,
    _draw,
    _size,
)
