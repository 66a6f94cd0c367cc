"""Rebases a recorded schedule to a fence that has changed since: which recorded step is which step now.

Operations keep their numbers, because the program is the recorded one. The steps of an operation
are matched by call and path. A new step has no place in the schedule, and a step that is gone
loses its place.
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.model.history import History, Invoke, Return, Step, program_op
from harness.model.schedule import Choice

__all__ = ["Difference", "Labels", "first_difference", "labels_of", "neighbours", "translated"]

#: Call and path of each step, by lane and operation.
Labels = Mapping[tuple[int, int], Sequence[str]]
_SHIFTS = (1, -1, 2, -2)


class Difference(msgspec.Struct, frozen=True):
    """The first difference between a replay and its record.

    Args:
        step: how many steps were alike.
        lane: name of the recorded lane, or of the one that is there where the record is over.
        op: index of its operation.
        operation: that operation's kind, or the action's name.
        ordinal: how many steps of the operation came before.
        expected, found: in words, in the record and in the replay.
    """

    step: int
    lane: str
    op: int
    operation: str
    ordinal: int
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"{self.lane} op {self.op}.{self.ordinal} ({self.operation})"
        return f"step {self.step}: {where}: recorded {self.expected}, there is {self.found}"


def labels_of(history: History) -> dict[tuple[int, int], list[str]]:
    """Return call and path of each step of each operation."""
    labels: dict[tuple[int, int], list[str]] = {}
    for event in history.events:
        if isinstance(event, Step):
            labels.setdefault((event.lane, program_op(event.op)), []).append(_label(event))
    return labels


def _label(step: Step) -> str:
    return f"{step.call} {step.path}".rstrip()


def translated(choices: Sequence[Choice], recorded: Labels, seen: Labels) -> tuple[Choice, ...]:
    """Return a recorded schedule with the step numbers of another fence.

    Args:
        choices: as recorded.
        recorded, seen: the steps of each operation then and now. An operation that was
            not seen keeps its steps.
    """
    places: dict[tuple[int, int], dict[int, int]] = {}
    for key, before in recorded.items():
        now = seen.get(key)
        if now is not None and list(now) != list(before):
            matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
            places[key] = {
                block.a + at: block.b + at
                for block in matcher.get_matching_blocks()
                for at in range(block.size)
            }
    result = []
    for choice in choices:
        key = (choice.lane, choice.op)
        ordinal = places[key].get(choice.ordinal) if key in places else choice.ordinal
        if ordinal is not None:
            result.append(Choice(choice.lane, choice.op, ordinal))
    return tuple(result)


def neighbours(choices: Sequence[Choice]) -> Iterator[tuple[int, int, tuple[Choice, ...]]]:
    """Yield schedules in which one switch comes a step or two later or earlier.

    Yields:
        Step of the switch, by how many steps it is moved (less than 0: earlier), and the schedule.
    """
    places = [at for at in range(1, len(choices)) if choices[at].lane != choices[at - 1].lane]
    for shift in _SHIFTS:
        for at in places:
            moved = _later(choices, at, shift) if shift > 0 else _earlier(choices, at, -shift)
            if moved is not None:
                yield at, shift, moved


def _later(choices: Sequence[Choice], at: int, count: int) -> tuple[Choice, ...] | None:
    """Return the schedule in which the lane before a switch takes more steps; None if it has too few."""
    lane = choices[at - 1].lane
    more = [index for index in range(at, len(choices)) if choices[index].lane == lane][:count]
    if len(more) < count:
        return None
    rest = [choices[index] for index in range(at, len(choices)) if index not in more]
    return (*choices[:at], *(choices[index] for index in more), *rest)


def _earlier(choices: Sequence[Choice], at: int, count: int) -> tuple[Choice, ...] | None:
    """Return the schedule in which the lane before a switch takes its last steps after the next lane."""
    last = choices[max(0, at - count) : at]
    if len(last) < count or any(choice.lane != choices[at - 1].lane for choice in last):
        return None
    end = next((i for i in range(at, len(choices)) if choices[i].lane != choices[at].lane), len(choices))
    return (*choices[: at - count], *choices[at:end], *last, *choices[end:])


def first_difference(recorded: History, now: History) -> Difference | None:
    """Return the first step or outcome that is not as recorded; None where all is."""
    before, after = _Reading(recorded), _Reading(now)
    for one, other in itertools.zip_longest(before.events, after.events):
        if one is None or other is None or _essence(one) != _essence(other):
            lane, op, ordinal = before.place(one) if one is not None else after.place(other)
            return Difference(
                before.steps,
                recorded.header.lanes[lane].name,
                op,
                (before if one is not None else after).operation(lane, op),
                ordinal,
                before.words(one, one),
                after.words(other, one),
            )
        before.advance(one)
        after.advance(other)
    return None


_Compared = Step | Return


def _essence(event: _Compared) -> tuple[object, ...]:
    if isinstance(event, Step):
        return event.lane, event.op, event.call, event.path
    return event.lane, event.op, event.outcome


class _Reading:
    """One history, read up to some event."""

    def __init__(self, history: History) -> None:
        self._lanes = history.header.lanes
        self._kinds = {
            (event.lane, event.op): event.how if event.kind == "action" else event.kind
            for event in history.events
            if isinstance(event, Invoke)
        }
        self.events: list[_Compared] = [event for event in history.events if isinstance(event, Step | Return)]
        self.steps = 0
        self._taken: Counter[tuple[int, int]] = Counter()

    def advance(self, event: _Compared) -> None:
        """Count an event as read."""
        if isinstance(event, Step):
            self.steps += 1
            self._taken[(event.lane, event.op)] += 1

    def place(self, event: _Compared) -> tuple[int, int, int]:
        """Return lane, operation, and how many of its steps came before."""
        return event.lane, event.op, self._taken[(event.lane, event.op)]

    def operation(self, lane: int, op: int) -> str:
        """Return the name of an operation."""
        return self._kinds.get((lane, op), "nothing")

    def words(self, event: _Compared | None, beside: _Compared | None) -> str:
        """Return the event in words, with its place if the compared event has another one."""
        if event is None:
            return "the end"
        what = _label(event) if isinstance(event, Step) else f"its end ({event.outcome})"
        if beside is None or (event.lane, event.op) == (beside.lane, beside.op):
            return what
        lane, op, ordinal = self.place(event)
        return f"{what} of {self._lanes[lane].name} op {op}.{ordinal} ({self.operation(lane, op)})"
