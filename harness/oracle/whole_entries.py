"""Judge whether an acknowledged call wrote what it was asked to write, line by line.

`lost_entries` asks whether an entry is there at the end. Here each call that returned well is
measured by its own steps: the transcript before its first change against the transcript after
its last one. A call into which another lane's change fell, or that a fault cut short, is left
out: its own part cannot be told. An entry is the whole line. A fence may add fields to it and
link it to another parent; every other field has to be there with the value that was asked for.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.model.history import History, Invoke, State
from harness.oracle.effects import interleaved
from harness.oracle.index import HistoryIndex
from harness.oracle.lost_entries import lock_requested_at, rogue_near
from harness.oracle.operations import Operation
from harness.oracle.verdict import Violation
from harness.oracle.whole_lines import every_id, has_garbage, id_of, keeps, parse, places_of, tells

__all__ = [
    "ALTERED",
    "altered",
    "altered_entries",
    "contents_of",
    "dropped",
    "is_disturbed",
    "is_plain_append",
    "is_plain_rewrite",
]

#: The damage to an acknowledged entry whose id is there, and the words of the verdict.
ALTERED = {
    "other_text": "stands with other content than it was asked to write",
    "written_twice": "stands more than once",
    "other_order": "stands in another order than it was asked to write",
    "misplaced": "stands in front of lines that were there before it",
    "garbage": "has bytes beside it that are no entry",
    "not_replaced": "still stands beside the summary that was to replace it",
}
_APPENDING = ("append", "guarded_write")
_OF_CALLS = {"rewrite": "a rewrite", **dict.fromkeys(_APPENDING, "an acknowledged write")}
#: Fields that have to be unique, as they stand in a line.
_NUMBERS = (b'"ordinal"', b'"seq"')


def is_plain_append(history: History, call: Invoke, first: State, last: State) -> bool:
    """Return whether a call added its lines at the end, and nothing else.

    Args:
        history: with the contents.
        call: that was acknowledged.
        first, last: the transcript before its first change and after its last one.
    """
    blobs, lines = history.blobs, history.header.lines
    before = blobs.get(first.content) if first.file is not None else b""
    after = blobs.get(last.content)
    if before is None or after is None or not lines:
        return False
    asked = "".join([f"{lines.get(name, '')}\n" for name, _ in call.entries]).encode()
    return len(after) == len(before) + len(asked) and after.endswith(asked) and after.startswith(before)


def is_plain_rewrite(history: History, first: State, last: State) -> bool:
    """Return whether a rewrite kept lines in their order, named the others alone, and added new ids.

    Args:
        history: with the contents.
        first, last: the transcript before the rewrite's first change and after its last one.
    """
    before = history.blobs.get(first.content) if first.file is not None else None
    after = history.blobs.get(last.content) if last.file is not None else None
    if before is None or after is None or before == after:
        return False
    old, new = before.split(b"\n"), after.split(b"\n")
    was, now = set(old), set(new)
    if [line for line in old if line in now] != [line for line in new if line in was]:
        return False
    fresh = [line for line in new if line not in was]
    standing = {name: line in now for line in old if (name := id_of(line))}
    ids = [name for line in (*old, *fresh) if (name := id_of(line))]
    if len(set(ids)) != len(ids) or new[-1] not in (b"", old[-1]):
        return False
    if any(parse(line) is None for line in fresh if line.strip()):
        return False
    added = b"\n".join(fresh)
    if any(field in added for field in _NUMBERS):
        return False
    gone = b"\n".join([line for line in old if line not in now])
    told = every_id(added)
    return every_id(gone) <= told and not any(standing.get(name) for name in told)


def altered_entries(index: HistoryIndex) -> list[Violation]:
    """Return a violation for each call that was acknowledged and wrote something else."""
    found = []
    for lane, operations in enumerate(index.by_lane):
        if index.is_rogue(lane):
            continue
        for operation in operations:
            if operation.outcome != "ok" or operation.cut:
                continue
            if operation.kind in _APPENDING and operation.entries and operation.mutations:
                found += [] if _faulted(index, operation) else _append(index, operation)
            elif operation.kind == "rewrite" and (lane, operation.op) not in index.misled:
                # It may have done something else than the call that failed, but it said that it is done.
                found += _rewrite(index, operation)
    return found


def _faulted(index: HistoryIndex, operation: Operation) -> bool:
    return any(step.failed for step in index.steps_of(operation))


def _append(index: HistoryIndex, operation: Operation) -> list[Violation]:
    contents = contents_of(index, operation)
    if contents is None:
        return []
    before, after = contents
    asked = [index.header.lines.get(name, "").encode() for name, _ in operation.entries]
    if after == before + b"".join(line + b"\n" for line in asked):
        return []
    if before and not before.endswith(b"\n"):
        # Another lane left half a line; a line glued to it is judged as a lost entry.
        return []
    old, new = before.splitlines(), after.split(b"\n")
    ids = [name for name, _ in operation.entries]
    places = places_of(new)
    earlier = Counter(id_of(line) for line in old)
    fresh = {name: [at for at in places.get(name, ()) if new[at] not in old] for name in ids}
    inside = _inside(old, new)
    told = _told(dict(zip(ids, asked, strict=True)), [name for name in ids if not fresh[name]], inside)
    found = []
    for name, line in zip(ids, asked, strict=True):
        if len(places.get(name, ())) - earlier[name] > 1:
            found.append(("written_twice", name))
        elif len(fresh[name]) == 1 and line and not keeps(line, new[fresh[name][0]]):
            found.append(("other_text", name))
        elif not fresh[name] and line and name in inside and name not in told:
            # An id alone, or one that a summary names, is no entry.
            found.append(("other_text", name))
    single = [(fresh[name][0], name) for name in ids if len(fresh[name]) == 1]
    found += [("other_order", late[1]) for early, late in itertools.pairwise(single) if late[0] < early[0]]
    last_old = max((at for at, line in enumerate(new) if line in old and line), default=-1)
    found += [("misplaced", name) for at, name in single if at < last_old]
    there = [name for _, name in single] or [name for name in ids if name in inside]
    if there and has_garbage(old, new, after.endswith(b"\n")):
        found.append(("garbage", there[-1]))
    return [altered(index, operation, *found[0])] if found else []


def _inside(old: Sequence[bytes], new: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return the new lines by the ids that stand in them at any depth, also those that they only name."""
    found: dict[str, list[bytes]] = {}
    for line in new:
        if line not in old:
            for name in every_id(line):
                found.setdefault(name, []).append(line)
    return found


def _told(asked: Mapping[str, bytes], names: Sequence[str], inside: Mapping[str, list[bytes]]) -> set[str]:
    """Return those of some ids whose entry stands in a line that has the id below its top."""
    by_line: dict[bytes, list[str]] = {}
    for name in names:
        for line in inside.get(name, ()):
            by_line.setdefault(line, []).append(name)
    return {
        name
        for line, there in by_line.items()
        if tells([asked[name] for name in there], line)
        for name in there
    }


def _rewrite(index: HistoryIndex, operation: Operation) -> list[Violation]:
    """Compare the lines before and after a rewrite by a participant."""
    if is_disturbed(index, operation):
        return []
    if not operation.mutations:
        return _unchanged(index, operation)
    contents = contents_of(index, operation)
    if contents is None:
        return []
    before, after = contents
    if before == after:
        return _unchanged(index, operation)
    # Acknowledged entries are the business of `lost_entries`, a rogue's are no promise.
    initial = every_id(index.blobs.get(index.header.initial.content, b""))
    gone = (initial & every_id(before)) - every_id(after)
    if gone:
        return [dropped(index, operation, min(gone))]
    old, new = before.split(b"\n"), after.split(b"\n")
    wrong = _wrong_line(old, new) or _wrong_order(old, new)
    return [altered(index, operation, *wrong)] if wrong else []


def _wrong_line(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[str, str] | None:
    """Return subkind and id of a line that a rewrite left as it must not be."""
    was, now = places_of(old), places_of(new)
    for name, places in now.items():
        if name in was and len(places) > len(was[name]):
            return "written_twice", name
        if name in was and len(places) == 1 and not any(keeps(old[at], new[places[0]]) for at in was[name]):
            return "other_text", name
    for name in _named_anew(old, new):
        # Of a line that stood twice one copy may have been replaced.
        if name in was and len(now.get(name, ())) >= len(was[name]):
            return "not_replaced", name
    return None


def _wrong_order(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[str, str] | None:
    """Return subkind and id of a line that a rewrite put in another place, or that has bytes beside it."""
    was, now = places_of(old), places_of(new)
    # Of a line that stood twice the rewrite may have kept either copy.
    in_order = _is_part([id_of(line) for line in new if id_of(line) in was], [id_of(line) for line in old])
    kept = [] if in_order else [name for name in was if name in now]
    for early, late in itertools.pairwise(kept):
        if now[late][0] < now[early][0]:
            return "other_order", late
    # Half a line of before may stay as it is; `old` and `new` end with what follows their last newline.
    if now and has_garbage(old, new, new[-1] in (b"", old[-1])):
        return "garbage", list(now)[-1]
    return None


def _is_part(some: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether some names stand among others in the same order."""
    rest = iter(names)
    return all(name in rest for name in some)


def _named_anew(old: Sequence[bytes], new: Sequence[bytes]) -> list[str]:
    """Return the ids that new lines of a rewrite say they replace."""
    found = []
    for line in new:
        if line not in old and isinstance(names := (parse(line) or {}).get("compacts"), list):
            found += [name for name in names if isinstance(name, str)]
    return found


def is_disturbed(index: HistoryIndex, operation: Operation, since: int | None = None) -> bool:
    """Return whether a rogue was near, or another lane changed the transcript during the call.

    Args:
        index: of the history.
        operation: the call.
        since: time from which on a rogue counts; None for the time at which the lane asked for the lock.
    """
    begun = lock_requested_at(index, operation) if since is None else since
    if index.is_inseparable(operation) or rogue_near(index, begun, operation.done, touches=False):
        return True
    return any(
        mutation.begin <= operation.done and mutation.end >= operation.called
        for mutation in index.mutations
        if mutation.operation.lane != operation.lane
    )


def _unchanged(index: HistoryIndex, operation: Operation) -> list[Violation]:
    state = index.header.initial
    for mutation in index.mutations:
        if mutation.begin < operation.called:
            state = mutation.after
    content = index.blobs.get(state.content, b"")
    if index.absences or not any(every_id(line) for line in content.split(b"\n")):
        return []
    name = index.header.lanes[operation.lane].name
    detail = f"{name} was told that its rewrite is done, but the transcript is as it was"
    return [Violation("lost_entry", operation.returned, operation.lane, operation.op, detail)]


def dropped(index: HistoryIndex, operation: Operation, entry: str) -> Violation:
    """Return the violation of a call after which an entry is gone."""
    name = index.header.lanes[operation.lane].name
    where = "a rewrite that" if operation.kind == "rewrite" else f"its {operation.kind}, which"
    detail = f"{name} dropped entry {entry} in {where} neither keeps nor names it"
    return _violation("lost_entry", operation, detail)


def altered(index: HistoryIndex, operation: Operation, subkind: str, entry: str) -> Violation:
    """Return the violation of a call after which an entry is not as it has to be, see `ALTERED`."""
    name = index.header.lanes[operation.lane].name
    what = _OF_CALLS.get(operation.kind, f"the {operation.kind}")
    detail = f"{subkind}: after {what} of {name} entry {entry} {ALTERED[subkind]}"
    return _violation("altered_entry", operation, detail)


def _violation(kind: str, operation: Operation, detail: str) -> Violation:
    causes = tuple(mutation.index for mutation in operation.mutations)
    return Violation(kind, operation.returned, operation.lane, operation.op, detail, causes)


def contents_of(index: HistoryIndex, operation: Operation) -> tuple[bytes, bytes] | None:
    """Return the bytes before and after a call's own changes; None where they are not its own."""
    mutations = operation.mutations
    if interleaved(index, mutations) or any(mutation.contested for mutation in mutations):
        return None
    before, after = mutations[0].before, mutations[-1].after
    old = index.blobs.get(before.content) if before.file is not None else b""
    new = index.blobs.get(after.content) if after.file is not None else b""
    return None if old is None or new is None else (old, new)
