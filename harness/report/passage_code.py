"""Tell the code of a lane in one passage of a story: its lines, what it printed, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.model.code_trace import CodeTrace, Place, Printed, Raised, Stack, one_line
from harness.model.history import End, Event, History, Invoke, Return, Step

__all__ = ["NOTHING", "CodeOfPassages", "Part", "PassageCode", "code_lines", "escaped"]

#: Consecutive events of one operation, each with its index.
Part = Sequence[tuple[int, Event]]

_STREAMS = {1: "out", 2: "err"}
#: Lines that a passage prints in a story that is not told in whole: the first and the last.
_PRINTED_MAX = 12
_TEXT_MAX = 400


class PassageCode(NamedTuple):
    """Lines and output of the code in one passage.

    Attributes:
        places: lines that made its calls, each once; lines of the protocol's own methods are left out.
        printed: what was printed.
        raised: the exception that ended the operation there.
        stack: where the lane stood in it at the end.
    """

    places: tuple[Place, ...] = ()
    printed: tuple[Printed, ...] = ()
    raised: Raised | None = None
    stack: Stack | None = None


NOTHING = PassageCode()


class CodeOfPassages:
    """Deals a code trace out to the passages of a history.

    Args:
        history: the history.
        code: its code trace; None where that is not known.
        parts: all passages, in order.
    """

    def __init__(self, history: History, code: CodeTrace | None, parts: Sequence[Part]) -> None:
        self._code = code or CodeTrace()
        self._left = list(self._code.printed)
        self._number: dict[int, int] = {}
        for at, event in enumerate(history.events):
            if isinstance(event, Step):
                self._number[at] = len(self._number)
        self._last = {_key(part): place for place, part in enumerate(parts)}
        self._ops = {event.lane: event.op for event in history.events if isinstance(event, Invoke)}
        self._steps = 0
        self._place = -1

    def next(self, part: Part) -> PassageCode:
        """Return what the code did in the next passage; to be called once for each, in order."""
        self._place += 1
        lane, op = key = _key(part)
        numbers = [self._number[at] for at, event in part if isinstance(event, Step)]
        self._steps = max([self._steps, *(number + 1 for number in numbers)])
        places = (self._code.place(number) for number in numbers)
        ended = any(isinstance(event, Return) for _, event in part)
        is_last = self._last[key] == self._place
        stacks = (one for one in self._code.stacks if (one.lane, self._ops.get(one.lane)) == key)
        return PassageCode(
            tuple(dict.fromkeys(one for one in places if one is not None and not one.inherited)),
            self._printed(lane, op, is_last),
            next((one for one in self._code.raised if (one.lane, one.op) == key), None) if ended else None,
            next(stacks, None) if is_last else None,
        )

    def _printed(self, lane: int, op: int, all_of_them: bool) -> tuple[Printed, ...]:
        """Take what the operation printed until now; an operation may print before its first step."""
        found = [
            one
            for one in self._left
            if (one.lane, one.op) == (lane, op) and (all_of_them or one.step < self._steps)
        ]
        self._left = [one for one in self._left if one not in found]
        return tuple(found)


def _key(part: Part) -> tuple[int, int]:
    event = part[0][1]
    assert not isinstance(event, End)
    return event.lane, event.op


def code_lines(code: PassageCode, crashed: bool, whole: bool = False) -> list[str]:
    """Return what the code did in a passage, as lines of text.

    Args:
        code: what it did.
        crashed: whether the operation ended with an exception that the protocol does not know.
        whole: whether everything is told that was kept.
    """
    lines = [f"at {where}" for where in _where(code.places)]
    printed = _printed_lines(code.printed)
    if len(printed) > _PRINTED_MAX and not whole:
        half = _PRINTED_MAX // 2
        gap = f"... {len(printed) - 2 * half} more lines, `replay` shows them ..."
        printed = [*printed[:half], gap, *printed[-half:]]
    lines += printed
    if code.raised is not None and crashed:
        lines += code.raised.text.split("\n")
    elif code.raised is not None and code.raised.place is not None:
        lines.append(f"raised at {_with_source(code.raised.place)}")
    if code.stack is not None and code.stack.places:
        places = code.stack.places
        within = f" (innermost first: {one_line(places)})" if len(places) > 1 else ""
        lines.append(f"stands at {_with_source(_innermost(places))}{within}")
    return [escaped(line if len(line) <= _TEXT_MAX else f"{line[:_TEXT_MAX]}...") for line in lines]


def escaped(text: str) -> str:
    """Return a text in which letters that cannot be printed are spelled, as in ``\\x1b``."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def _innermost(places: Sequence[Place]) -> Place:
    """Return the innermost line of the fence's own, if there is one."""
    return next((one for one in places if not one.inherited), places[0])


def _with_source(place: Place) -> str:
    return f"{place}: {place.source}" if place.source else str(place)


def _where(places: Sequence[Place]) -> list[str]:
    """Return lines of code, those of one function together: ``my_fence.py:31, 33 guarded_write``."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for place in places:
        numbers.setdefault((place.file, place.function), []).append(place.line)
    return [
        f"{file}:{', '.join(map(str, dict.fromkeys(lines)))} {function}"
        for (file, function), lines in numbers.items()
    ]


def _printed_lines(printed: Sequence[Printed]) -> list[str]:
    lines = []
    for one in printed:
        if one.left_out:
            lines.append(f"... {one.left_out} bytes left out ...")
        mark = _STREAMS.get(one.stream, str(one.stream))
        if one.place is not None:
            mark += f" {one.place.file}:{one.place.line}"
        lines += [f"{mark}| {text}" for text in one.text.removesuffix("\n").split("\n")]
    return lines
