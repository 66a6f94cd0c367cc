"""Judge calls that changed lines which they had no business with.

Only a rewrite replaces lines; `whole_entries` judges it. Each other call of a participant may add lines, the
ones that it was asked to write or the rest of a write that a dead holder began. The lines that stood there
before stay: whole, in their order, and without anything torn behind them. That goes for the lines of the
initial transcript and for those that were acknowledged before the call. A rogue's lines are no promise, and a
call near a rogue is left out, for it may have restored what the rogue had changed. Only a recovery, which
accepts what is there, leaves a rogue's lines, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from harness.model.history import Invoke
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Operation
from harness.oracle.verdict import Violation
from harness.oracle.whole_entries import altered, contents_of, dropped, is_disturbed
from harness.oracle.whole_lines import every_id, has_garbage, id_of, keeps, places_of

__all__ = ["changed_lines", "may_change_lines"]

_APPENDING = ("append", "guarded_write")
_RECOVERY = "recover"
#: Calls that are judged elsewhere, or by nothing: a rogue's, and those on another transcript.
_OTHERS = frozenset({"rewrite", "action", "elsewhere"})
#: Outcomes after which a call's changes are its own doing; a failed one may have been cut short.
_ANSWERED = frozenset({"ok", "unsupported", "lock_timeout", "stale_lock", "refused"})

#: Told as a lost entry; the other subkinds are of `harness.oracle.whole_entries.ALTERED`.
_DROPPED = "dropped"

_Found = tuple[str, str]


def may_change_lines(call: Invoke, outcome: str) -> bool:
    """Return whether a call that changed the transcript is one that this question is about."""
    return call.kind not in _OTHERS and outcome in _ANSWERED


def changed_lines(index: HistoryIndex) -> list[Violation]:
    """Return a violation for each call that dropped or changed a line that it was not asked to change."""
    found = []
    for lane, operations in enumerate(index.by_lane):
        if index.is_rogue(lane):
            continue
        for operation in operations:
            if not operation.mutations or operation.cut or operation.kind in _OTHERS:
                continue
            if operation.outcome not in _ANSWERED or any(step.failed for step in index.steps_of(operation)):
                continue
            violation = _violation(index, operation)
            found += [] if violation is None else [violation]
    return found


def _violation(index: HistoryIndex, operation: Operation) -> Violation | None:
    contents = contents_of(index, operation)
    # A recovery accepts what is there now, also what a rogue wrote before it began.
    since = operation.called if operation.kind == _RECOVERY else None
    if contents is None or is_disturbed(index, operation, since):
        return None
    for subkind, name in _wrong(index, operation, *contents):
        if subkind == _DROPPED:
            return dropped(index, operation, name)
        return altered(index, operation, subkind, name)
    return None


def _wrong(index: HistoryIndex, operation: Operation, before: bytes, after: bytes) -> Iterator[_Found]:
    """Return what became of the promised lines, as subkind and id, the worst first."""
    old, new = before.split(b"\n"), after.split(b"\n")
    was, now = places_of(old), places_of(new)
    initial, promised = _promised(index, operation, was, old)
    there = {name for name, line in promised.items() if any(keeps(line, old[at]) for at in was.get(name, ()))}
    still = every_id(after)
    # Of an acknowledged entry that is gone `lost_entries` tells, at the end.
    yield from ((_DROPPED, name) for name in initial if name in there and name not in still)
    for name, line in promised.items():
        if name in there and name in now and not any(keeps(line, new[at]) for at in now[name]):
            yield "other_text", name
    if any(index.is_rogue(mutation.operation.lane) for mutation in index.mutations):
        return
    single = [name for name in promised if len(was.get(name, ())) == 1 == len(now.get(name, ()))]
    single.sort(key=lambda name: was[name][0])
    for early, late in itertools.pairwise(single):
        if now[late][0] < now[early][0]:
            yield "other_order", late
    if operation.kind not in _APPENDING and promised and has_garbage(old, new, new[-1] in (b"", old[-1])):
        yield "garbage", single[-1] if single else min(promised)


def _promised(
    index: HistoryIndex, operation: Operation, was: Mapping[str, Sequence[int]], old: Sequence[bytes]
) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """Return the lines that have to stay, by id: of the initial transcript, then also acknowledged ones."""
    if operation.kind == _RECOVERY:
        there = {name: old[places[0]] for name, places in was.items()}
        return there, there
    lines = index.blobs.get(index.header.initial.content, b"").split(b"\n")
    initial = {name: line for line in lines if (name := id_of(line))}
    promised = dict(initial)
    for operations in index.by_lane:
        for other in operations:
            if other.outcome == "ok" and other.done < operation.called and other.kind in _APPENDING:
                asked = ((name, index.header.lines.get(name, "")) for name, _ in other.entries)
                promised |= {name: line.encode() for name, line in asked if line}
    return initial, promised
