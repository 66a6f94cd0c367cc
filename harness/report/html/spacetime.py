"""Lay a history out as rows and columns: a column for each lane, a row for each step, time downwards.

Nothing here knows pixels; `diagram_svg` makes the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.model.history import NO_CHANGE, Change, End, Event, History, Invoke, Return, Step
from harness.report.html.markup import visible
from harness.report.html.page_data import Example
from harness.scenario.faults import process_fault

__all__ = ["ROWS_MAX", "Column", "Diagram", "Row", "Span", "diagram_of"]

#: Longer diagrams are cut in the middle.
ROWS_MAX = 120
_QUIET = frozenset({"think", "pause"})
_LOCK_WORDS = {
    "reclaimed": "lock reclaimed",
    "blocked": "waits for the lock",
    "several": "locks another range",
    "returned": "lock returned, taken",
    "hollow": "a lock on a file without its name",
    "shared": "a lock that other lanes can share",
}
_HELD = ("acquired", "hollow", "shared")
_KEPT_MARKS = ("verdict", "window", "cause")


class Column(NamedTuple):
    """A lane with events.

    Attributes:
        lane: index in the history.
        name, process: names in the scenario.
    """

    lane: int
    name: str
    process: str


class Row(NamedTuple):
    """One line of the diagram.

    Attributes:
        kind: ``operation`` (a head), ``step``, ``note`` (how an operation ended) or ``gap``.
        column: index of the column; -1 for a gap.
        text: main text.
        more: the effect of a step, in few words.
        at: index of the event; -1 for none.
        mark: ``effect``, ``cause``, ``fault``, ``verdict`` or ``window``; otherwise empty.
        pair: 1 or 2 for the steps of the critical pair, otherwise 0.
        times: number of equal steps that the row stands for.
    """

    kind: str
    column: int
    text: str
    more: str = ""
    at: int = -1
    mark: str = ""
    pair: int = 0
    times: int = 1


class Span(NamedTuple):
    """A range of rows in one column, both ends included."""

    column: int
    first: int
    last: int


class Diagram(NamedTuple):
    """A violation laid out as columns, rows and spans.

    Attributes:
        columns: lanes; those of one process are neighbours.
        rows: rows from the first to the last.
        operations: rows of each operation.
        locks: rows during which a lane held the write lock.
        window: the window of the lane that decided wrongly; None if there is none.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    operations: tuple[Span, ...]
    locks: tuple[Span, ...]
    window: Span | None


def diagram_of(example: Example) -> Diagram:
    """Return the layout of a violation."""
    columns = _columns(example.history)
    builder = _Builder(example, {column.lane: number for number, column in enumerate(columns)})
    kept = _kept(builder.rows)
    numbers = {old: new for new, old in enumerate(kept) if old >= 0}
    rows = tuple(builder.rows[old] if old >= 0 else _gap(-old) for old in kept)

    def moved(span: Span) -> Span:
        inside = [new for old, new in numbers.items() if span.first <= old <= span.last]
        return span._replace(first=min(inside), last=max(inside)) if inside else span._replace(column=-1)

    return Diagram(
        columns,
        rows,
        tuple(span for span in map(moved, builder.operations()) if span.column >= 0),
        tuple(span for span in map(moved, builder.locks()) if span.column >= 0),
        None if builder.window() is None else moved(builder.window() or Span(-1, 0, 0)),
    )


def _columns(history: History) -> tuple[Column, ...]:
    lanes = history.header.lanes
    active = {event.lane for event in history.events if not isinstance(event, End)}
    processes = list(dict.fromkeys(lane.process for lane in lanes))
    order = sorted(active, key=lambda lane: (processes.index(lanes[lane].process), lane))
    return tuple(Column(lane, visible(lanes[lane].name), visible(lanes[lane].process)) for lane in order)


def _kept(rows: Sequence[Row]) -> list[int]:
    """Return the indices of the rows that are drawn; minus n stands for n rows that are not.

    Rows of the verdict are kept first, then rows near them, then other effects, then the beginning and
    the end.
    """
    if len(rows) <= ROWS_MAX:
        return list(range(len(rows)))
    sure = {number for number, row in enumerate(rows) if row.pair or row.mark in _KEPT_MARKS}
    near = {other for number in sure for other in range(number - 3, number + 4)}

    def rank(number: int) -> tuple[int, int]:
        level = 0 if number in sure else 1 if number in near else 2 if rows[number].mark else 3
        return level, min(number, len(rows) - number)

    chosen = sorted(sorted(range(len(rows)), key=rank)[:ROWS_MAX])
    found: list[int] = []
    for number in chosen:
        gap = number - (found[-1] + 1 if found else 0)
        found += [-gap] * (gap > 0) + [number]
    left = len(rows) - 1 - chosen[-1]
    return found + [-left] * (left > 0)


def _gap(rows: int) -> Row:
    return Row("gap", -1, f"{rows} more")


class _Builder:
    """The rows and spans of a violation, built in one pass over its events."""

    def __init__(self, example: Example, places: dict[int, int]) -> None:
        self.rows: list[Row] = []
        self._history = example.history
        self._violation = example.violation
        self._places = places
        self._invokes: dict[tuple[int, int], Invoke] = {}
        self._headed: dict[tuple[int, int], int] = {}
        self._last: dict[tuple[int, int], int] = {}
        self._row_of: dict[int, int] = {}
        self._locks: list[Span] = []
        self._held: dict[int, int] = {}
        steps = [at for at, event in enumerate(self._history.events) if isinstance(event, Step)]
        pair = example.critical[:1]
        wanted = [place.step for one in pair for place in (one.first, one.second)]
        self._pair = {steps[step]: number for number, step in enumerate(wanted, 1) if step < len(steps)}
        for at, event in enumerate(self._history.events):
            self._add(at, event)
            if at == self._violation.at and not (self.rows and self.rows[-1].mark == "verdict"):
                self._note(at, self._violation.lane, self._violation.kind.replace("_", " "), "verdict")
        for lane, first in self._held.items():
            self._locks.append(Span(self._places[lane], first, len(self.rows) - 1))

    def operations(self) -> list[Span]:
        """Return the rows of each operation, from its head to its last row."""
        return [
            Span(self._places[lane], first, self._last[(lane, op)])
            for (lane, op), first in self._headed.items()
        ]

    def locks(self) -> list[Span]:
        """Return the rows during which each lane held the write lock."""
        return self._locks

    def window(self) -> Span | None:
        """Return the rows of the window, from its opening to the decision.

        A window opens with the bytes that the load read. An effect during the load, but after that
        read, is not in these bytes, so the window begins before it although the load is not over.
        """
        opened, decided = self._violation.window_from, self._violation.at
        if (
            opened < 0
            or self._violation.lane < 0
            or opened not in self._row_of
            or decided not in self._row_of
        ):
            return None
        column, first = self._places[self._violation.lane], self._row_of[opened]
        early = self._first_cause_before(opened)
        if early >= 0:
            before = [at for at in range(self._row_of[early]) if self.rows[at].column == column]
            first = before[-1] if before else first
        return Span(column, first, self._row_of[decided])

    def _first_cause_before(self, opened: int) -> int:
        """Return the first effect before the end `opened` of the load; -1 if there is none."""
        return min((cause for cause in self._violation.causes if cause < opened), default=-1)

    def _add(self, at: int, event: Event) -> None:
        if isinstance(event, Invoke):
            self._invokes[(event.lane, event.op)] = event
        elif isinstance(event, Step):
            self._step(at, event)
        elif isinstance(event, Return):
            self._return(at, event)
        else:
            self._end(at, event)

    def _step(self, at: int, step: Step) -> None:
        invoke = self._invokes.get((step.lane, step.op))
        row = self._row(at, step)
        if invoke is not None and invoke.kind not in _QUIET:
            self._head(step.lane, step.op, invoke)
        before = self.rows[-1] if self.rows else None
        if before is not None and _alike(before, row):
            self.rows[-1] = before._replace(times=before.times + 1)
        else:
            self.rows.append(row)
        self._note_place(at, step.lane, step.op)
        self._note_lock(step)

    def _row(self, at: int, step: Step) -> Row:
        mark, more = "", []
        if step.fault:
            mark = "fault"
            more.append(_fault(step))
        if step.change is not None:
            mark = mark or "effect"
            more.append(_change(step.change))
        if step.lock is not None and step.lock.kind in _LOCK_WORDS:
            owner = step.lock.owner
            whose = f" from {self._history.header.lanes[owner].name}" if owner >= 0 else ""
            more.append(_LOCK_WORDS[step.lock.kind] + whose)
        if at in self._violation.causes:
            mark = "cause"
        text = visible(_brief(step) if step.is_process_fault else f"{step.call} {step.path}".rstrip(" "))
        effect = visible(", ".join(more))
        return Row("step", self._places[step.lane], text, effect, at, mark, self._pair.get(at, 0))

    def _head(self, lane: int, op: int, invoke: Invoke) -> None:
        if (lane, op) not in self._headed:
            self._headed[(lane, op)] = len(self.rows)
            name = invoke.how if invoke.kind == "action" else invoke.kind
            more = "+".join(kind for _, kind in invoke.entries)
            if invoke.kind == "rewrite":
                more = invoke.how
            self.rows.append(Row("operation", self._places[lane], visible(name), visible(more)))

    def _return(self, at: int, event: Return) -> None:
        words, mark = [], ""
        if event.outcome not in ("ok", "skipped"):
            words.append(event.outcome.replace("_", " "))
        if at == self._violation.window_from:
            words.append("window opens" if self._first_cause_before(at) < 0 else "loaded")
            mark = "window"
        if at == self._violation.at:
            words += [] if words else ["admitted"] * self._violation.kind.startswith("missed")
            words.append(self._violation.kind.replace("_", " "))
            mark = "verdict"
        if not words:
            return
        invoke = self._invokes.get((event.lane, event.op))
        if invoke is not None:
            self._head(event.lane, event.op, invoke)
        self._note(at, event.lane, ": ".join(words), mark)
        self._note_place(at, event.lane, event.op)

    def _end(self, at: int, event: End) -> None:
        """Add notes on lanes that wait for ever."""
        for lane, what in event.waiting:
            if lane in self._places:
                self._note(-1, lane, f"waits for {what}", "")

    def _note(self, at: int, lane: int, words: str, mark: str) -> None:
        column = self._places.get(lane, 0)
        self._row_of[at] = len(self.rows)
        self.rows.append(Row("note", column, visible(words), at=at, mark=mark))

    def _note_place(self, at: int, lane: int, op: int) -> None:
        self._row_of[at] = len(self.rows) - 1
        if (lane, op) in self._headed:
            self._last[(lane, op)] = len(self.rows) - 1

    def _note_lock(self, step: Step) -> None:
        lock, row = step.lock, len(self.rows) - 1
        if lock is None or lock.kind in NO_CHANGE:
            return
        loser = lock.owner if lock.kind == "reclaimed" else step.lane
        first = self._held.pop(loser, None)
        if first is not None and lock.kind not in _HELD:
            self._locks.append(Span(self._places[loser], first, row))
        if lock.kind in _HELD:
            self._held[step.lane] = row if first is None else first
        elif lock.kind == "returned":
            self._held[lock.owner] = row


def _alike(before: Row, row: Row) -> bool:
    """Return whether a step repeats the one before it and neither has a mark."""
    plain = not (before.mark or before.pair or row.mark or row.pair or before.more or row.more)
    return plain and (before.kind, before.column, before.text) == ("step", row.column, row.text)


def _fault(step: Step) -> str:
    if step.is_process_fault:
        return step.note
    if step.failed or not step.fault:
        return step.fault
    return "cut short" if step.fault == "short" else f"{_brief(step)} after {step.note}"


def _brief(step: Step) -> str:
    """Return a process fault in a word or two."""
    kind = process_fault(step.fault)
    return kind.brief if kind is not None else step.fault


def _change(change: Change) -> str:
    before, after = change.before, change.after
    if after.file is None:
        return "file gone"
    if before.file is None:
        return f"new file, {after.size} B"
    other = f", {before.file} → {after.file}" if before.file != after.file else ""
    if before.size != after.size:
        return f"{before.size} → {after.size} B{other}"
    return ("same size" if before.content != after.content else "same bytes") + other
