"""Find the effects among the mutations, and what the policy says of each.

A *net* effect is that of a whole operation, from before its first mutation to after its last: a touch,
an identical rewrite, or a rename away and back has none. It can only be taken if the operation is over
and no other lane wrote in between; otherwise each mutation counts by itself. Where another participant
read the transcript in between, it may know of the change; then either answer is right, as it is when two
operations make and undo it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model.history import State, Step
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Mutation, Operation
from harness.oracle.rules import EITHER, SANCTIONED, TAKEOVER, Rules

__all__ = ["NOTHING", "Effect", "class_of", "effects_of", "interleaved", "is_append"]

NOTHING = "nothing"
#: Of operations; the effect of an action is told by the bytes alone.
_APPENDING = ("append", "guarded_write", "action")
#: A role whose lanes may take the lock and are no participants all the same.
_MAY_LOCK = "program"
#: Calls that tell a lane what the transcript holds, or what stat shows of it.
_READ_CALLS = frozenset(
    (
        *("read", "pread64", "readv", "preadv", "preadv2", "mmap", "sendfile", "copy_file_range"),
        *("stat", "lstat", "fstat", "newfstatat", "statx"),
    )
)


class Effect:
    """One or more mutations of one operation that count as one.

    Attributes:
        rule: ``sanctioned``, ``takeover``, ``either``, or `NOTHING` for a net effect that no reader
            can see.
        before, after: the states before the first mutation and after the last.
        begin, end: begin of the first mutation and end of the last.
    """

    __slots__ = ("after", "before", "begin", "end", "mutations", "rule")

    def __init__(self, rule: str, mutations: Sequence[Mutation]) -> None:
        self.rule = rule
        self.mutations = mutations
        self.before: State = mutations[0].before
        self.after: State = mutations[-1].after
        self.begin = mutations[0].begin
        self.end = mutations[-1].end

    @property
    def operation(self) -> Operation:
        """Return the operation that made the mutations."""
        return self.mutations[0].operation


def is_append(operation: Operation, before: State, after: State, blobs: Mapping[str, bytes]) -> bool:
    """Return whether an appending operation left all earlier bytes as they were, in the same file.

    An append that finds no file creates one; that counts as an append too. Where the bytes were not
    kept, the sizes decide.
    """
    if operation.kind not in _APPENDING:
        return False
    if before.file is None:
        return after.file is not None
    if before.file != after.file or after.size <= before.size:
        return False
    old, new = blobs.get(before.content), blobs.get(after.content)
    return old is None or new is None or new.startswith(old)


def class_of(index: HistoryIndex, mutations: Sequence[Mutation], runner: int, *, locked: bool = False) -> str:
    """Return the class of an effect as the window's runner sees it: a key of the rules.

    Args:
        index: the history.
        mutations: of the effect.
        runner: lane whose window it is.
        locked: count them as made under the lock, whatever was seen of it.
    """
    operation = mutations[0].operation
    before, after = mutations[0].before, mutations[-1].after
    if operation.lane == runner:
        return "own_append"
    if before.content == after.content:
        return "same_bytes_other_file"
    lane = index.header.lanes[operation.lane]
    if not lane.participant and lane.role != _MAY_LOCK:
        return "unlocked"
    if not (locked or all(mutation.held and not mutation.reclaimed for mutation in mutations)):
        return "reclaimed" if any(mutation.reclaimed for mutation in mutations) else "unlocked"
    where = "same_process" if lane.process == index.header.lanes[runner].process else "other_process"
    what = "cotenant_append" if is_append(operation, before, after, index.blobs) else "participant_rewrite"
    return f"{what}_{where}"


def interleaved(index: HistoryIndex, mutations: Sequence[Mutation]) -> bool:
    """Return whether another lane's mutation lies between the first and the last."""
    first, last = mutations[0].position, mutations[-1].position
    if last - first + 1 == len(mutations):
        return False
    lane = mutations[0].operation.lane
    return any(between.operation.lane != lane for between in index.mutations[first + 1 : last])


def effects_of(
    index: HistoryIndex,
    rules: Rules,
    runner: int,
    mutations: Sequence[Mutation],
    *,
    doubtful: frozenset[int],
    believed: frozenset[int],
    over: bool,
) -> list[Effect]:
    """Return the effects of one operation's mutations in the window of `runner`.

    Args:
        index: the history.
        rules: the policy's table.
        runner: lane whose window it is.
        mutations: of one operation, in order, those in the window.
        doubtful: indices of mutations that the runner may or may not know of; they are never held
            against a fence.
        believed: indices of mutations whose lane believed to have the lock; they are held against a fence
            only where the policy calls them a takeover under the lock, too.
        over: whether the operation had ended before the decision began.
    """
    inseparable = index.is_inseparable(mutations[0].operation)
    unsure = [
        mutation
        for mutation in mutations
        if inseparable
        or mutation.contested
        or mutation.index in doubtful
        or (mutation.index in believed and not _is_takeover_anyway(index, rules, mutation, runner))
    ]
    if unsure:
        mutations = [mutation for mutation in mutations if mutation not in unsure]
    result = []
    tainted = [mutation for mutation in mutations if mutation.index in index.tainted]
    if tainted:
        mutations = [mutation for mutation in mutations if mutation not in tainted]
        result += [Effect(EITHER, (mutation,)) for mutation in tainted]
    for mutation in unsure:
        sanctioned = rules[class_of(index, (mutation,), runner)] == SANCTIONED
        result.append(Effect(SANCTIONED if sanctioned else EITHER, (mutation,)))
    if len(mutations) > 1 and over and not interleaved(index, mutations):
        if mutations[0].before == mutations[-1].after:
            rule = EITHER if _was_read(index, mutations[0], mutations[-1]) else NOTHING
            result.append(Effect(rule, mutations))
        else:
            result.append(Effect(rules[class_of(index, mutations, runner)], mutations))
        return result
    for mutation in mutations:
        result.append(Effect(rules[class_of(index, (mutation,), runner)], (mutation,)))
    return result


def _is_takeover_anyway(index: HistoryIndex, rules: Rules, mutation: Mutation, runner: int) -> bool:
    """Return whether the policy sanctions a mutation neither without the lock nor under it."""
    classes = [class_of(index, (mutation,), runner, locked=locked) for locked in (False, True)]
    return all(rules[name] == TAKEOVER for name in classes)


def _was_read(index: HistoryIndex, first: Mutation, last: Mutation) -> bool:
    """Return whether a participant of another lane looked at the transcript between two mutations."""
    return any(
        isinstance(event, Step)
        and event.call in _READ_CALLS
        and event.path == "T"
        and event.lane != first.operation.lane
        and not index.is_rogue(event.lane)
        for event in index.history.events[first.index + 1 : last.index]
    )
