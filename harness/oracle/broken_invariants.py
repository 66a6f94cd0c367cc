"""Ask the rules for the transcript's lines, and find the step that broke one.

A participant is accused, and only where its own step broke the rule: a rule that a rogue broke, or that
nothing but an acknowledgement broke, is not held against a step. The rules themselves are in `invariants`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.model.history import State, Step
from harness.oracle.index import HistoryIndex
from harness.oracle.invariants import Acknowledged, Invariant, InvariantError
from harness.oracle.operations import Mutation, Operation
from harness.oracle.verdict import Violation

__all__ = ["broken_invariants"]


def broken_invariants(index: HistoryIndex, invariants: Iterable[Invariant]) -> list[Violation]:
    """Return a violation for each invariant that a participant's step broke.

    Raises:
        InvariantError: a check raised, returned something else than text, or answered one question twice
            in different ways.
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
    """Return whether a rogue's change fell between the operation's first look at the file and its step.

    Its own part cannot be told then: a line that is written behind a look at the end of the file stands
    where it should for what was seen there, and no fence can look and write at once.
    """
    first = _first_look(index, breaker)
    return any(
        index.is_rogue(other.operation.lane) and other.index > first
        for other in index.mutations[: breaker.position]
    )


def _first_look(index: HistoryIndex, breaker: Mutation) -> int:
    """Return the index of the first step of an operation that read or changed the transcript."""
    operation = breaker.operation
    for at in range(max(operation.invoked, 0), breaker.index):
        event = index.history.events[at]
        if not isinstance(event, Step) or (event.lane, event.op) != (operation.lane, operation.op):
            continue
        if event.path == "T" or event.change is not None:
            return at
    return breaker.index


def _began_broken(index: HistoryIndex, invariant: Invariant, mutation: Mutation) -> bool:
    """Return whether the rule was broken already without what a mutation's operation did.

    An operation that empties the file and writes the lines again keeps the rule in between; it breaks
    nothing that was whole before. Its own entries do not count in that question, because no lane was told
    of them. What other lanes were told meanwhile does: a call that claims to have written breaks a rule
    without any step, and the next step of another lane is innocent of it.
    """
    operation = mutation.operation
    before = operation.mutations[0].before
    others = _acknowledged(index, mutation.index, apart=operation)
    # The operation may have begun before the lane was told of what is missing.
    return bool(
        _wrong(index, invariant, before, others)
        or _wrong(index, invariant, before, _acknowledged(index, operation.invoked - 1))
    )


def _break_of_any_step(index: HistoryIndex, invariant: Invariant) -> tuple[Mutation, str] | None:
    """Return the first mutation of a transcript that kept the rule and does not keep it afterwards."""
    for mutation in index.mutations:
        wrong = _after(index, invariant, mutation)
        if not wrong:
            continue
        others = _acknowledged(index, mutation.index, apart=mutation.operation)
        if not _wrong(index, invariant, mutation.before, others) and not _began_broken(
            index, invariant, mutation
        ):
            return mutation, wrong
    return None


def _break_that_stays(index: HistoryIndex, invariant: Invariant) -> tuple[Mutation, str] | None:
    """Return the mutation after which the rule was never kept again; None if it is kept at the end."""
    found = None
    place = len(index.mutations) - 1
    while place >= 0:
        mutation = index.mutations[place]
        wrong = _after(index, invariant, mutation)
        if wrong:
            found = mutation, wrong
            place -= 1
        elif found is None or not _began_broken(index, invariant, found[0]):
            return found
        else:
            before = found[0].operation.mutations[0].position - 1
            if place <= before:
                # Kept when the operation came, broken without it: by an acknowledgement, by no step.
                return None
            place = before
    # A transcript that broke the rule from the start was broken by no step.
    return None if found is None or _began_broken(index, invariant, found[0]) else found


def _after(index: HistoryIndex, invariant: Invariant, mutation: Mutation) -> str:
    """Return what is wrong in the state that a mutation left."""
    return _wrong(index, invariant, mutation.after, _acknowledged(index, mutation.index))


def _wrong(
    index: HistoryIndex, invariant: Invariant, state: State, acknowledged: Sequence[Acknowledged]
) -> str:
    """Return what is wrong in a state; empty if the bytes were not kept.

    A rule that finds a fault is asked again: one that keeps a state of its own would accuse by chance.
    """
    content = b"" if state.file is None else index.blobs.get(state.content)
    if content is None:
        return ""
    said = _said(invariant, content, acknowledged)
    if said and (again := _said(invariant, content, acknowledged)) != said:
        raise InvariantError(
            f"invariant {invariant.name} answers differently when it is asked the same question again: first "
            f"{said!r}, then {again or None!r}; it has to depend on its arguments alone"
        )
    return said


def _said(invariant: Invariant, content: bytes, acknowledged: Sequence[Acknowledged]) -> str:
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    try:
        # The rule may change what it is given.
        said = invariant.check(lines, list(acknowledged))
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise InvariantError(f"invariant {invariant.name} raised {type(error).__name__}: {error}") from error
    if said is None or isinstance(said, str):
        return said or ""
    if isinstance(said, Sequence) and all(isinstance(one, str) for one in said):
        return "; ".join(said)
    raise InvariantError(
        f"invariant {invariant.name} returned {type(said).__name__}, expected text, a list of texts or None"
    )


def _acknowledged(index: HistoryIndex, at: int, apart: Operation | None = None) -> list[Acknowledged]:
    """Return what has been acknowledged after the event at `at`.

    An operation counts from its last change on: its own steps are asked with its own entries. One that
    changed nothing counts from its end.

    Args:
        index: of the history.
        at: index of the event.
        apart: an operation that does not count.
    """
    found = []
    for lane, operations in enumerate(index.by_lane):
        if index.is_rogue(lane):
            continue
        for operation in operations:
            if operation.outcome != "ok" or operation is apart or not operation.entries:
                continue
            if (operation.mutations[-1].index if operation.mutations else operation.returned) <= at:
                found += [(operation.returned, name, kind, lane) for name, kind in operation.entries]
    found.sort()
    lines, lanes = index.header.lines, index.header.lanes
    return [
        Acknowledged(name, kind, lanes[lane].name, lines.get(name, "").encode())
        for _, name, kind, lane in found
    ]
