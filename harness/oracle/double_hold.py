"""Find two lanes that were in the locked section at once.

A lane is in its locked section from the step that acquired the lock until the step that released it,
or until the end of the operation that was to release it. Four cases are weaker, and are a double
hold only if the lane then changes the transcript, because a library that checks once more may notice
them:

- a paused lane whose lock was reclaimed still believes that it holds the lock;
- a lane got the lock on a file without its name, which excludes no other lane (a *hollow* lock);
- a lane gave the lock back to the lane from which it had reclaimed it;
- two lanes hold the lock in shared mode: either may be the one that changes the transcript.

A lane whose process was killed does nothing any more.
"""

from __future__ import annotations

from harness.model.history import RELEASING, Invoke, Return, Step
from harness.oracle.claimed_sections import ClaimedSection, claimed_sections, stays_inside
from harness.oracle.crash import kill_step
from harness.oracle.handed_on import handed_on
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import FOREVER, Mutation, Operation
from harness.oracle.verdict import Violation

__all__ = ["double_holds", "shared_writes", "unlocked_writes"]

#: Kinds of operation that release the lock; a guarded write releases the lock that it took itself.
_RELEASING = RELEASING | {"guarded_write"}


class _LockedSection:
    """The time between one acquisition of a lane and its release.

    Attributes:
        acquired: the step that acquired the lock.
        steps: later steps of the lane, without the step that released the lock.
        entered: time from which the lane knew that it held the lock: its call had returned, or it
            touched the transcript.
        left: time at which the lane was outside again.
        reclaimed_at: the step that reclaimed the lock from the lane; -1 for none.
        hollow: the lock excluded no other lane, or was given back; the lane may have noticed.
        shared: the lock was had in a mode that other lanes can have as well.
    """

    __slots__ = ("acquired", "entered", "hollow", "lane", "left", "op", "reclaimed_at", "shared", "steps")

    def __init__(self, lane: int, op: int, acquired: int, kind: str) -> None:
        self.lane = lane
        self.op = op
        self.acquired = acquired
        self.hollow = kind == "hollow"
        self.shared = kind == "shared"
        self.steps: list[int] = []
        self.entered = FOREVER
        self.left = FOREVER
        self.reclaimed_at = -1


def double_holds(index: HistoryIndex) -> list[Violation]:
    """Return one violation for each acquisition inside another lane's section."""
    sections = _sections(index)
    found = []
    for late in sections:
        for early in sections:
            if early.lane != late.lane:
                violation = _violation_of(index, early, late)
                if violation is not None:
                    found.append(violation)
    return found


def unlocked_writes(index: HistoryIndex) -> list[Violation]:
    """Return a violation for each operation that wrote without the lock, which `double_holds` does not see.

    Either another lane held it, or the lane was inside its own section: the call that takes the lock had
    returned. One violation per operation; kernel gate only, where steps have an order.
    """
    if index.free or not index.unheld:
        return []
    sections = _sections(index)
    claims, kept = claimed_sections(index), handed_on(index)
    found: dict[Operation, Violation] = {}
    for mutation in index.unheld:
        at, operation = mutation.index, mutation.operation
        told = next((one for one in claims if one.covers(operation.lane, at)), None)
        if at in kept or index.lock_unseen:
            told = None
        own = [one for one in sections if one.lane == operation.lane and one.acquired < at < one.left]
        if operation in found or (own and (told is None or own[0].shared or own[0].hollow)):
            continue
        holder = _holder_at(index, sections, mutation)
        if holder is not None:
            found[operation] = _beside(index, mutation, holder)
        elif told is not None and not _rogue_touched_lock(index, told.asked, at):
            found[operation] = _told_so(index, mutation, told)
    return list(found.values())


def _holder_at(
    index: HistoryIndex, sections: list[_LockedSection], mutation: Mutation
) -> _LockedSection | None:
    """Return the section of another lane into which a mutation fell."""
    holder = next(
        (
            one
            for one in sections
            if one.lane != mutation.operation.lane and one.entered <= mutation.index < one.left
            if one.reclaimed_at < 0 and not one.hollow
        ),
        None,
    )
    if holder is None or _rogue_touched_lock(index, holder.acquired, mutation.index):
        return None
    return None if 0 <= kill_step(index.history, holder.lane) < mutation.index else holder


def _beside(index: HistoryIndex, mutation: Mutation, holder: _LockedSection) -> Violation:
    lanes, operation = index.header.lanes, mutation.operation
    detail = (
        f"{lanes[operation.lane].name} changed the transcript in its {operation.kind} without the write "
        f"lock while {lanes[holder.lane].name} held it"
    )
    causes = (holder.acquired, mutation.index)
    return Violation("double_hold", mutation.index, operation.lane, operation.op, detail, causes)


def _told_so(index: HistoryIndex, mutation: Mutation, told: ClaimedSection) -> Violation:
    operation = mutation.operation
    name = index.header.lanes[operation.lane].name
    detail = (
        f"{name} was told that it has the write lock, and did not have it when it changed the transcript "
        f"in its {operation.kind}"
    )
    causes = (told.begin, mutation.index)
    return Violation("double_hold", mutation.index, operation.lane, operation.op, detail, causes)


def shared_writes(index: HistoryIndex) -> frozenset[int]:
    """Return the mutations of participants that had the lock in shared mode, as indices of events.

    Whether such a write was alone is asked of the lock, by `double_holds`, and not of the fence.
    """
    if not index.lock_shared:
        return frozenset()
    sections = [section for section in _sections(index) if section.shared]
    return frozenset(
        mutation.index
        for mutation in index.mutations
        if any(
            one.lane == mutation.operation.lane and one.acquired < mutation.index < one.left
            for one in sections
        )
    )


def _sections(index: HistoryIndex) -> list[_LockedSection]:
    """Return the locked sections of all lanes, in the order of their acquisition."""
    found: list[_LockedSection] = []
    inside: dict[int, _LockedSection] = {}
    kinds: dict[int, str] = {}
    for at, event in enumerate(index.history.events):
        if isinstance(event, Step):
            _apply_step(index, at, event, inside, found)
        elif isinstance(event, Invoke):
            kinds[event.lane] = event.kind
        elif isinstance(event, Return) and event.lane in inside:
            kind = kinds.get(event.lane, "")
            over = kind in _RELEASING or not stays_inside(kind, event.outcome)
            section = inside[event.lane]
            section.entered = min(section.entered, index.time_of(at)[1])
            if over:
                inside.pop(event.lane).left = index.time_of(at)[0]
    return found


def _apply_step(
    index: HistoryIndex, at: int, step: Step, inside: dict[int, _LockedSection], found: list[_LockedSection]
) -> None:
    kind = step.lock.kind if step.lock is not None else ""
    owner = step.lock.owner if step.lock is not None else -1
    section = inside.get(step.lane)
    if section is not None and kind == ("acquired" if section.shared else "shared"):
        # The lane goes on with the lock in another mode.
        inside.pop(step.lane).left = index.time_of(at)[0]
        section = None
    if section is not None:
        if kind in ("released", "returned"):
            inside.pop(step.lane).left = index.time_of(at)[0]
            section.hollow |= kind == "returned"
        elif not step.is_process_fault:
            section.steps.append(at)
            if step.path == "T":
                section.entered = min(section.entered, index.time_of(at)[1])
    elif kind in ("acquired", "hollow", "shared"):
        inside[step.lane] = _LockedSection(step.lane, step.op, at, kind)
        found.append(inside[step.lane])
    if owner in inside and kind in ("reclaimed", "returned"):
        inside[owner].reclaimed_at = at if kind == "reclaimed" else -1


def _violation_of(index: HistoryIndex, early: _LockedSection, late: _LockedSection) -> Violation | None:
    """Return a violation if the early lane provably went on in its section after the late one acquired."""
    second = index.time_of(late.acquired)
    if not index.time_of(early.acquired)[1] < second[0] <= second[1] < early.left:
        return None
    if max(early.entered, late.entered) >= min(early.left, late.left):
        # One lane still waited for the lock when the other was outside again: it may check once more.
        return None
    if _rogue_touched_lock(index, early.acquired, late.acquired):
        return None
    reclaimed = early.reclaimed_at >= 0 and index.time_of(early.reclaimed_at)[0] <= second[1]
    since = index.time_of(early.reclaimed_at)[1] if reclaimed else second[1]
    actions = [at for at in early.steps if index.time_of(at)[0] > since]
    if reclaimed or early.hollow:
        actions = [at for at in actions if _changes_transcript(index, at)]
    writes = [at for at in late.steps if _changes_transcript(index, at) and index.time_of(at)[1] < early.left]
    if early.shared or late.shared:
        # Lanes may read together; a write has to be alone.
        own = [at for at in actions if _changes_transcript(index, at) and index.time_of(at)[1] < late.left]
        actions = sorted(own + writes)
    elif late.hollow:
        if not writes:
            return None
        # A lane that held the lock properly all the time need not act once more.
        actions = actions or ([] if reclaimed or early.hollow else writes)
    if not actions:
        return None
    first_name = index.header.lanes[early.lane].name
    name = index.header.lanes[late.lane].name
    if reclaimed:
        how = "was robbed of it and then still changed the transcript"
    elif early.shared or late.shared:
        how = "held it too, in shared mode, and one of them changed the transcript"
    else:
        how = "still held it and went on"
    detail = f"{name} acquired the write lock while {first_name} {how}"
    causes = sorted(
        {early.acquired, late.acquired, actions[0]} | ({early.reclaimed_at} if reclaimed else set())
    )
    return Violation("double_hold", late.acquired, late.lane, late.op, detail, tuple(causes))


def _rogue_touched_lock(index: HistoryIndex, first: int, last: int) -> bool:
    """Return whether a rogue touched the lock between two acquisitions: then the lock is not at fault."""
    begin, end = index.time_of(first)[0], index.time_of(last)[1]
    for at, event in enumerate(index.history.events):
        if isinstance(event, Step) and index.is_rogue(event.lane):
            if event.lock is None and "lock" not in event.path:
                continue
            when = index.time_of(at)
            if when[1] >= begin and when[0] <= end:
                return True
    return False


def _changes_transcript(index: HistoryIndex, at: int) -> bool:
    event = index.history.events[at]
    return isinstance(event, Step) and event.change is not None
