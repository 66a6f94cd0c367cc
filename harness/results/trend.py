"""Compare runs over time: which violations appeared, which went, and after how many schedules each shows.

The runs come in the order of their time. A violation is compared from one run to the next one that asked the
same question, a scenario under a fence, and knows the answer: a run that left it out says nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from harness.model.errors import FormatError
from harness.model.unreadable import UNREADABLE

__all__ = ["Change", "Line", "Run", "Seen", "Trend", "lines_of", "trend_of"]

_Question = tuple[str, str]


class Line(msgspec.Struct, frozen=True):
    """The part of one line of ``verdicts.jsonl`` that a trend needs; fields are those of `Summary`."""

    scenario: str
    fence: str
    schedules: int
    violations: dict[str, int]
    first_violation: dict[str, Any] | None = None
    firsts: dict[str, int] = {}
    why_inconclusive: str = ""
    not_exercised: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Return whether the line says that a kind of violation which it lacks does not show."""
        return self.schedules > 0 and not (self.why_inconclusive or self.not_exercised)

    def first(self, kind: str) -> int | None:
        """Return the lowest schedule that shows a kind; None where an earlier release did not store it."""
        told = self.first_violation or {}
        of_first = told.get("schedule") if told.get("kind") == kind else None
        return self.firsts.get(kind, of_first if isinstance(of_first, int) else None)


class Run(msgspec.Struct, frozen=True):
    """One run.

    Args:
        name: of its folder.
        began: time in UTC, ``YYYY-MM-DD HH:MM``.
        lines: its results.
    """

    name: str
    began: str
    lines: tuple[Line, ...]


class Seen(msgspec.Struct, frozen=True):
    """The result of one run for one kind of violation in one question.

    Args:
        state: ``shows``, ``not``, ``unknown`` (inconclusive or not exercised), or ``not asked``.
        schedules: how many were run.
        violating: how many of them show it.
        to_first: schedules up to the first that shows it, from 1; None where that is not known.
    """

    state: Literal["shows", "not", "unknown", "not asked"]
    schedules: int = 0
    violating: int = 0
    to_first: int | None = None


class Change(msgspec.Struct, frozen=True):
    """A violation that appeared, or went.

    Args:
        run: number of the run in which it did, from 0.
        what: which of the two.
        scenario, fence, kind: of the violation.
        now: what that run says.
        before: number of the run that it is compared with.
    """

    run: int
    what: Literal["appeared", "went"]
    scenario: str
    fence: str
    kind: str
    now: Seen
    before: int


class Trend(msgspec.Struct, frozen=True):
    """All runs compared.

    Args:
        runs: name and time of each.
        violations: by scenario, fence and kind that any run shows, what each run says.
        changes: in the order of the runs.
    """

    runs: tuple[tuple[str, str], ...]
    violations: tuple[tuple[str, str, str, tuple[Seen, ...]], ...]
    changes: tuple[Change, ...]


def lines_of(data: bytes, where: str) -> tuple[Line, ...]:
    """Return the results of a run.

    Args:
        data: content of its ``verdicts.jsonl``.
        where: path of that file, for errors.

    Raises:
        FormatError: a line is no result.
    """
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=Line))
        except UNREADABLE as error:
            raise FormatError(
                f"{where}:{number}: {error}; expected it as `run` wrote it; move the folder away"
            ) from error
    return tuple(found)


def trend_of(runs: Sequence[Run]) -> Trend:
    """Return the comparison of runs.

    Args:
        runs: the earliest first.
    """
    answers = [_answers(run) for run in runs]
    kinds: dict[_Question, dict[str, None]] = {}
    for found in answers:
        for question, line in found.items():
            kinds.setdefault(question, {}).update(dict.fromkeys(line.violations))
    violations = tuple(
        (*question, kind, tuple(_seen(found.get(question), kind) for found in answers))
        for question, shown in sorted(kinds.items())
        for kind in sorted(shown)
    )
    changes = sorted(
        (change for one in violations for change in _changes(*one)),
        key=lambda change: (change.run, change.what, change.scenario, change.fence, change.kind),
    )
    return Trend(tuple((run.name, run.began) for run in runs), violations, tuple(changes))


def _answers(run: Run) -> dict[_Question, Line]:
    """Return the lines by their question; a scenario of the same name in another folder gets a number."""
    found: dict[_Question, Line] = {}
    for line in run.lines:
        number, name = 1, line.scenario
        while (name, line.fence) in found:
            number += 1
            name = f"{line.scenario} ({number})"
        found[name, line.fence] = line
    return found


def _seen(line: Line | None, kind: str) -> Seen:
    if line is None:
        return Seen("not asked")
    count = line.violations.get(kind, 0)
    if count:
        first = line.first(kind)
        return Seen("shows", line.schedules, count, None if first is None else first + 1)
    return Seen("not" if line.known else "unknown", line.schedules)


def _changes(scenario: str, fence: str, kind: str, seen: Sequence[Seen]) -> Iterator[Change]:
    known = [number for number, one in enumerate(seen) if one.state in ("shows", "not")]
    for before, now in itertools.pairwise(known):
        if seen[before].state != seen[now].state:
            what: Literal["appeared", "went"] = "appeared" if seen[now].state == "shows" else "went"
            yield Change(now, what, scenario, fence, kind, seen[now], before)
