"""Define what the code of the lanes did in one schedule: lines, output, exceptions, stacks.

It is kept beside a history and is no part of it: no oracle reads it, and a history is the same whether it was
collected or not. Only the kernel gate collects it, and only where a schedule is run again to be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

__all__ = ["KEPT_BYTES", "NO_PLACE", "CodeTrace", "Place", "Printed", "Raised", "Stack", "one_line"]

#: So much of what a lane prints is kept from its begin, and as much from its end.
KEPT_BYTES = 4096
#: In `CodeTrace.steps`: the step was made by no line of a fence.
NO_PLACE = -1


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of code.

    Args:
        file: relative to the folder that the harness was started in, or to its own; else absolute.
        line: from 1.
        function: the function that it is in.
        source: its text without indentation; empty where it cannot be read.
        inherited: it is no line of the fence's own: of Python, of an installed package, or of a method of
            `fence.protocol` that the fence has not overridden.
    """

    file: str
    line: int
    function: str
    source: str = ""
    inherited: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}"


class Printed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a lane, or a program of it, printed in one step.

    Args:
        lane: index of the lane.
        op: index of its operation; -1 before the first.
        step: number of the step that was taken last, from 0; -1 before the first.
        stream: 1 for standard output, 2 for standard error.
        text: as it was printed; bytes that are no UTF-8 are written as ``\\xNN``.
        left_out: bytes that the lane printed between what was kept before this and this.
        place: the line of the fence that printed it; None for none.
    """

    lane: int
    op: int
    step: int
    stream: int
    text: str
    left_out: int = 0
    place: Place | None = None


class Raised(msgspec.Struct, frozen=True, omit_defaults=True):
    """An exception that a fence's call ended with.

    Args:
        lane, op: of the call.
        text: the traceback, without frames of the harness.
        place: the innermost line of the fence's own code; None where it had none.
    """

    lane: int
    op: int
    text: str
    place: Place | None = None


class Stack(msgspec.Struct, frozen=True):
    """The place of a lane that did not come to its end.

    Args:
        lane: index of the lane.
        places: the lines, the innermost first.
    """

    lane: int
    places: tuple[Place, ...]


class CodeTrace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines, output and errors of the code of the lanes in one schedule.

    Args:
        places: lines of code, each once.
        steps: for each `Step` of the history the index of the line that made its call, or `NO_PLACE`.
        printed: in order.
        raised: in order of lanes and operations.
        stacks: of the lanes that did not come to their end.
        lines: for each step how many lines of the fence its lane had begun; empty where that was not kept.
        calls: for each step its call with arguments and result, as strace writes it; likewise.
    """

    places: tuple[Place, ...] = ()
    steps: tuple[int, ...] = ()
    printed: tuple[Printed, ...] = ()
    raised: tuple[Raised, ...] = ()
    stacks: tuple[Stack, ...] = ()
    lines: tuple[int, ...] = ()
    calls: tuple[str, ...] = ()

    def place(self, step: int) -> Place | None:
        """Return the line that made the call of a step, given by its number from 0; None for none."""
        at = self.steps[step] if 0 <= step < len(self.steps) else NO_PLACE
        return self.places[at] if 0 <= at < len(self.places) else None

    def told_by(self, told: Callable[[str], str]) -> CodeTrace:
        """Return it with each text that the code of the lanes made as a function tells it."""
        return msgspec.structs.replace(
            self,
            printed=tuple([msgspec.structs.replace(one, text=told(one.text)) for one in self.printed]),
            raised=tuple([msgspec.structs.replace(one, text=told(one.text)) for one in self.raised]),
        )

    def stored(self) -> CodeTrace:
        """Return it as a witness keeps it."""
        return msgspec.structs.replace(self, lines=(), calls=())


def one_line(places: Iterable[Place]) -> str:
    """Return a stack on one line, the innermost place first."""
    return " < ".join(map(str, places))
