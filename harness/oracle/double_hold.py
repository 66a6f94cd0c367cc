"""Were two lanes in the locked section at once?

A lane is in its locked section from the step that acquired the lock until the step
that released it, or until the end of the operation that was to let it go. A lane whose
lock was reclaimed while it was paused still believes that it is inside; that is held
against nobody as long as it leaves the transcript as it is when it wakes up. Nor is a lock
that a lane got on a file without its name, which keeps nobody out, or one that it gave back to
the lane that it had robbed: a library that looks once more notices both. Only who then
changes the transcript took itself for the holder. One whose process was killed does nothing any more.
"""

from __future__ import annotations

from harness.model.history import KEEPING, RELEASING, Invoke, Return, Step
from harness.oracle.index import FOREVER, HistoryIndex, is_call
from harness.oracle.verdict import Violation

__all__ = ["double_holds"]

#: A guarded write gives back the lock that it took itself.
_RELEASING = RELEASING | {"guarded_write"}
#: Kinds of operation that a lane does inside, and after which it is still there, even if a call failed.
_INSIDE = frozenset(("load", "append", "rewrite"))


class _Section:
    """One stay of a lane in the locked section; indices of its steps.

    Attributes:
        steps: those after the acquisition, without the one that let the lock go.
        entered: time from which the lane knew that it was inside: its call had returned, or it
            touched the transcript.
        left: time at which the lane was out again.
        robbed_at: the step that reclaimed the lock; -1 for none.
        hollow: its lock kept nobody out, or was given back; the lane may have known.
    """

    __slots__ = ("acquired", "entered", "hollow", "lane", "left", "op", "robbed_at", "steps")

    def __init__(self, lane: int, op: int, acquired: int, hollow: bool) -> None:
        self.lane = lane
        self.op = op
        self.acquired = acquired
        self.hollow = hollow
        self.steps: list[int] = []
        self.entered = FOREVER
        self.left = FOREVER
        self.robbed_at = -1


def double_holds(survey: HistoryIndex) -> list[Violation]:
    """One violation for each acquisition inside another lane's section."""
    sections = _sections(survey)
    found = []
    for late in sections:
        for early in sections:
            if early.lane != late.lane:
                violation = _overlap(survey, early, late)
                if violation is not None:
                    found.append(violation)
    return found


def _sections(survey: HistoryIndex) -> list[_Section]:
    """All stays, in the order of their acquisition."""
    found: list[_Section] = []
    inside: dict[int, _Section] = {}
    kinds: dict[int, str] = {}
    for index, event in enumerate(survey.history.events):
        if isinstance(event, Step):
            _step(survey, index, event, inside, found)
        elif isinstance(event, Invoke):
            kinds[event.lane] = event.kind
        elif isinstance(event, Return) and event.lane in inside:
            kind, outcome = kinds.get(event.lane), event.outcome
            stays = outcome in KEEPING or (outcome == "failed" and kind in _INSIDE)
            over = kind in _RELEASING or not stays
            section = inside[event.lane]
            section.entered = min(section.entered, survey.time_of(index)[1])
            if over:
                inside.pop(event.lane).left = survey.time_of(index)[0]
    return found


def _step(
    survey: HistoryIndex, index: int, step: Step, inside: dict[int, _Section], found: list[_Section]
) -> None:
    kind = step.lock.kind if step.lock is not None else ""
    owner = step.lock.owner if step.lock is not None else -1
    section = inside.get(step.lane)
    if section is not None:
        if kind in ("released", "returned"):
            inside.pop(step.lane).left = survey.time_of(index)[0]
            section.hollow |= kind == "returned"
        elif is_call(step):
            section.steps.append(index)
            if step.path == "T":
                section.entered = min(section.entered, survey.time_of(index)[1])
    elif kind in ("acquired", "hollow"):
        inside[step.lane] = _Section(step.lane, step.op, index, kind == "hollow")
        found.append(inside[step.lane])
    if owner in inside and kind in ("reclaimed", "returned"):
        inside[owner].robbed_at = index if kind == "reclaimed" else -1


def _overlap(survey: HistoryIndex, early: _Section, late: _Section) -> Violation | None:
    """The second acquisition, when the first lane provably went on inside its section."""
    second = survey.time_of(late.acquired)
    if not survey.time_of(early.acquired)[1] < second[0] <= second[1] < early.left:
        return None
    if max(early.entered, late.entered) >= min(early.left, late.left):
        # One of them still waited for the lock when the other was out again: it may yet look once more.
        return None
    if _meddled(survey, early.acquired, late.acquired):
        return None
    robbed = early.robbed_at >= 0 and survey.time_of(early.robbed_at)[0] <= second[1]
    since = survey.time_of(early.robbed_at)[1] if robbed else second[1]
    acts = [index for index in early.steps if survey.time_of(index)[0] > since]
    if robbed or early.hollow:
        acts = [index for index in acts if _changes(survey, index)]
    if late.hollow:
        beliefs = [at for at in late.steps if _changes(survey, at) and survey.time_of(at)[1] < early.left]
        if not beliefs:
            return None
        # Who held it properly all the while need not do anything more.
        acts = acts or ([] if robbed or early.hollow else beliefs)
    if not acts:
        return None
    first_name = survey.header.lanes[early.lane].name
    name = survey.header.lanes[late.lane].name
    how = "was robbed of it and then still changed the transcript" if robbed else "still held it and went on"
    detail = f"{name} acquired the write lock while {first_name} {how}"
    causes = sorted({early.acquired, late.acquired, acts[0]} | ({early.robbed_at} if robbed else set()))
    return Violation("double_hold", late.acquired, late.lane, late.op, detail, tuple(causes))


def _meddled(survey: HistoryIndex, first: int, last: int) -> bool:
    """Whether a rogue touched the lock between two acquisitions; then the lock is not to blame."""
    begin, end = survey.time_of(first)[0], survey.time_of(last)[1]
    for index, event in enumerate(survey.history.events):
        if isinstance(event, Step) and survey.is_rogue(event.lane):
            if event.lock is None and "lock" not in event.path:
                continue
            when = survey.time_of(index)
            if when[1] >= begin and when[0] <= end:
                return True
    return False


def _changes(survey: HistoryIndex, index: int) -> bool:
    event = survey.history.events[index]
    return isinstance(event, Step) and event.change is not None
