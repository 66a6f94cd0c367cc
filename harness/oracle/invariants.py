"""Judge rules that a transcript has to keep, beside what the protocol of fences promises.

An invariant is a function over the transcript's lines: it gets the lines, without their newlines,
and the entries that were acknowledged by then, and returns what is wrong, or nothing. It is asked of
the final transcript, or after each step that changed it. A participant is accused, and only where
its own step broke the rule: a rule that a rogue broke is not held against a fence.

Two rules are asked of every history in which a call did more than to append its lines, for every
reader relies on them: `unique_ids` and `unique_ordinals`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from fence.registry import Registry
from harness.model.errors import UsageError
from harness.model.history import State
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Mutation
from harness.oracle.verdict import Violation

__all__ = [
    "ALWAYS",
    "INVARIANTS",
    "Acknowledged",
    "Check",
    "Invariant",
    "InvariantError",
    "broken_invariants",
    "every_line_parses",
    "linear_parents",
    "one_header",
    "unique_ids",
    "unique_ordinals",
]


class Acknowledged(NamedTuple):
    """An entry that a participant was told is stored.

    Attributes:
        id: its id.
        type: its type.
        lane: name of the lane.
        line: what it was to be, without the newline; empty where that is not known.
    """

    id: str
    type: str
    lane: str
    line: bytes


Check = Callable[[Sequence[bytes], Sequence[Acknowledged]], str | Sequence[str] | None]


class Invariant(NamedTuple):
    """A check and when it is asked.

    Attributes:
        name: as the user wrote it.
        check: the function.
        each_step: whether it is asked after each step that changed the transcript.
    """

    name: str
    check: Check
    each_step: bool = False


class InvariantError(Exception):
    """A user's check raised, or returned something else than text."""


def unique_ids(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which id stands on two lines."""
    return _repeated("id", _entries(lines), str)


def unique_ordinals(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which number in the field ``ordinal`` or ``seq`` was given twice."""
    entries = _entries(lines)
    return _repeated("ordinal", entries, int) or _repeated("seq", entries, int)


def linear_parents(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which ``parentId`` names no earlier line, or is the parent of two."""
    seen: set[object] = {None, "root"}
    parents: set[object] = set()
    for entry in _entries(lines):
        parent = entry.get("parentId")
        if parent not in seen:
            return f"entry {entry.get('id')} has the parent {parent}, which no line before it bears"
        if parent is not None and parent in parents:
            return f"entry {entry.get('id')} is the second one with the parent {parent}"
        parents.add(parent)
        seen.add(entry.get("id"))
    return ""


def every_line_parses(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which line is no JSON object."""
    for number, line in enumerate(lines, 1):
        if _parse(line) is None:
            return f"line {number} is no JSON object: {line[:40]!r}"
    return ""


def one_header(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which line is a second header, of type ``session``, or that no line is one."""
    headers = [
        number for number, line in enumerate(lines, 1) if (_parse(line) or {}).get("type") == "session"
    ]
    if len(headers) > 1:
        return f"line {headers[1]} is a second header"
    return "no line is a header" if lines and not headers else ""


def _fault(name: str, found: object) -> str:
    if not callable(found):
        return f"is a {type(found).__name__}, expected a function"
    try:
        inspect.signature(found).bind((), ())
    except (TypeError, ValueError):
        return "does not take the arguments of an invariant: the lines, and the acknowledged entries"
    return ""


#: By the name that a scenario, a fence or the command line gives.
INVARIANTS: Final[Registry[Check]] = Registry(
    "invariant",
    "takeover_harness.invariants",
    {
        "unique_ids": unique_ids,
        "unique_ordinals": unique_ordinals,
        "linear_parents": linear_parents,
        "every_line_parses": every_line_parses,
        "one_header": one_header,
    },
    _fault,
    error=UsageError,
)
ALWAYS: Final = (Invariant("unique_ids", unique_ids), Invariant("unique_ordinals", unique_ordinals))


def broken_invariants(index: HistoryIndex, invariants: Iterable[Invariant]) -> list[Violation]:
    """Return a violation for each invariant that a participant's step broke.

    Raises:
        InvariantError: a check raised, or returned something else than text.
    """
    if any(mutation.contested for mutation in index.mutations):
        return []
    found = []
    for invariant in invariants:
        violation = _first_break(index, invariant)
        if violation is not None:
            found.append(violation)
    return found


def _first_break(index: HistoryIndex, invariant: Invariant) -> Violation | None:
    breaks = _break_of_any_step if invariant.each_step else _break_that_stays
    found = breaks(index, invariant)
    if found is None:
        return None
    breaker, wrong = found
    lane = breaker.operation.lane
    if index.is_rogue(lane) or _rogue_in_between(index, breaker):
        return None
    name = index.header.lanes[lane].name
    detail = f"{invariant.name}: after a step of {name}, {wrong}"
    return Violation("invariant", breaker.index, lane, breaker.operation.op, detail, (breaker.index,))


def _rogue_in_between(index: HistoryIndex, breaker: Mutation) -> bool:
    """Return whether a rogue's change fell into the operation: its own part cannot be told then."""
    first = breaker.operation.mutations[0].position
    return any(index.is_rogue(other.operation.lane) for other in index.mutations[first : breaker.position])


def _began_broken(index: HistoryIndex, invariant: Invariant, mutation: Mutation) -> bool:
    """Return whether the rule was broken already when a mutation's operation began.

    An operation that empties the file and writes the lines again keeps the rule in between; it breaks
    nothing that was whole before.
    """
    first = mutation.operation.mutations[0]
    return bool(_ask(index, invariant, first.before, first.index - 1))


def _break_of_any_step(index: HistoryIndex, invariant: Invariant) -> tuple[Mutation, str] | None:
    """Return the first mutation of a transcript that kept the rule and does not keep it afterwards."""
    for mutation in index.mutations:
        wrong = _ask(index, invariant, mutation.after, mutation.index)
        if not wrong or _ask(index, invariant, mutation.before, mutation.index - 1):
            continue
        if not _began_broken(index, invariant, mutation):
            return mutation, wrong
    return None


def _break_that_stays(index: HistoryIndex, invariant: Invariant) -> tuple[Mutation, str] | None:
    """Return the mutation after which the rule was never kept again; None if it is kept at the end."""
    found = None
    place = len(index.mutations) - 1
    while place >= 0:
        mutation = index.mutations[place]
        wrong = _ask(index, invariant, mutation.after, mutation.index)
        if wrong:
            found = mutation, wrong
            place -= 1
        elif found is None or not _began_broken(index, invariant, found[0]):
            return found
        else:
            place = found[0].operation.mutations[0].position - 1
    # A transcript that broke the rule from the start was broken by no step.
    return None if found is None or _ask(index, invariant, index.header.initial, -1) else found


def _ask(index: HistoryIndex, invariant: Invariant, state: State, at: int) -> str:
    """Return what is wrong in a state that the event `at` left; empty if the bytes were not kept."""
    content = b"" if state.file is None else index.blobs.get(state.content)
    if content is None:
        return ""
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    try:
        said = invariant.check(lines, _acknowledged(index, at))
    except Exception as error:
        raise InvariantError(f"invariant {invariant.name} raised {type(error).__name__}: {error}") from error
    if said is None or isinstance(said, str):
        return said or ""
    if isinstance(said, Sequence) and all(isinstance(one, str) for one in said):
        return "; ".join(said)
    raise InvariantError(
        f"invariant {invariant.name} returned {type(said).__name__}, expected text, a list of texts or None"
    )


def _acknowledged(index: HistoryIndex, at: int) -> list[Acknowledged]:
    """Return what had been acknowledged by the end of the operation that made the event at `at`."""
    found = []
    for lane, operations in enumerate(index.by_lane):
        if index.is_rogue(lane):
            continue
        for operation in operations:
            if operation.outcome == "ok" and 0 <= operation.invoked <= at:
                found += [(operation.returned, name, kind, lane) for name, kind in operation.entries]
    found.sort()
    lines, lanes = index.header.lines, index.header.lanes
    return [
        Acknowledged(name, kind, lanes[lane].name, lines.get(name, "").encode())
        for _, name, kind, lane in found
    ]


def _repeated(field: str, entries: Sequence[dict[str, Any]], kind: type) -> str:
    seen: set[object] = set()
    for entry in entries:
        value = entry.get(field)
        if type(value) is not kind:
            continue
        if value in seen:
            return f"two lines have the {field} {value}"
        seen.add(value)
    return ""


def _entries(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    return [entry for entry in map(_parse, lines) if entry is not None]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
