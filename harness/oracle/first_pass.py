"""Settle the common case in one pass over a history.

Most schedules hold only sanctioned effects and admissions. For them this pass gives the whole
judgement. Where it has a doubt it says so, and the full analysis answers. It never gives a verdict
that the full analysis would not give.
"""

from __future__ import annotations

from harness.model.history import NO_CHANGE, History, Invoke, Return, State, Step
from harness.oracle.acknowledged_early import Early, NotYetThere
from harness.oracle.kept_lines import may_change_lines
from harness.oracle.lock_errors import waited_for_another
from harness.oracle.rules import TAKEOVER, Rules
from harness.oracle.verdict import Decision
from harness.oracle.whole_entries import is_plain_append, is_plain_rewrite
from harness.oracle.wrong_loads import EMPTY

__all__ = ["FirstPass", "first_pass"]

_LOCKED = (
    "cotenant_append_same_process",
    "cotenant_append_other_process",
    "participant_rewrite_same_process",
    "participant_rewrite_other_process",
    "same_bytes_other_file",
)
#: Kinds of lock event after which two lanes may believe that they hold the lock.
_CONTENDED = frozenset(("reclaimed", "returned", "hollow", "shared"))
#: How an external fence's proxy says that the adapter declared to lack an operation.
_LACKING = "the adapter has no "


class FirstPass:
    """The findings of one pass.

    Attributes:
        decisions: verdicts, valid unless `doubt` is set.
        doubt: some effect or some refusal needs the full analysis.
        contention: the write lock needs the full analysis.
        crashes: Returns with the outcome ``crash``, ``failed`` where no call was made to fail, or
            ``unsupported`` for a call that every fence has.
        entries_doubt: some acknowledged call did not add exactly its lines, or another one changed any.
        lock_errors: some call reported a time-out or a stale lock.
        loads_doubt: the transcript changed during some load, or was not what the load returned.
        faulted: operations in which a file call was made to fail, as (lane, op).
        acknowledged: Invoke and index of the Return of every successful operation of a participant
            that has entries.
        early: acknowledged entries that were not there when they should have been.
    """

    __slots__ = (
        "acknowledged",
        "contention",
        "crashes",
        "decisions",
        "doubt",
        "early",
        "entries_doubt",
        "faulted",
        "loads_doubt",
        "lock_errors",
    )

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.doubt = False
        self.contention = False
        self.crashes: list[int] = []
        self.entries_doubt = False
        self.lock_errors = False
        self.loads_doubt = False
        self.faulted: set[tuple[int, int]] = set()
        self.acknowledged: list[tuple[Invoke, int]] = []
        self.early: list[Early] = []


def first_pass(history: History, rules: Rules) -> FirstPass:
    """Return what one look at each event settles."""
    lanes = history.header.lanes
    participant = [lane.participant for lane in lanes]
    calls: list[Invoke | None] = [None] * len(lanes)
    loaded_turns = [-1] * len(lanes)
    changers: set[int] = set()
    owner = -1
    content, changes = history.header.initial.content, 0
    changes_at_call = [0] * len(lanes)
    owner_at_call = [-1] * len(lanes)
    not_yet = NotYetThere(history)
    spans: _Spans = {}
    result = FirstPass()
    # Under the free gate the order of the events says nothing about the lock.
    result.contention = history.header.gate == "free"
    for at, event in history.notable:
        if isinstance(event, Step):
            change = event.change
            if event.fault and event.failed:
                result.faulted.add((event.lane, event.op))
            if change is not None:
                content = change.after.content
                changes += 1
                changers.add(event.lane)
                spans.setdefault((event.lane, event.op), [change.before, change.after])[1] = change.after
                if not change.held or change.reclaimed or not participant[event.lane]:
                    result.doubt = True
            if event.lock is not None:
                owner = _apply_lock(result, owner, event.lane, event.lock.kind)
        elif isinstance(event, Invoke):
            calls[event.lane] = event
            changes_at_call[event.lane] = changes
            owner_at_call[event.lane] = owner
        elif isinstance(event, Return):
            call = calls[event.lane]
            if call is not None:
                _apply_return(result, loaded_turns, call, event, at)
                result.lock_errors |= _may_be_false(history, call, event, at)
                if call.kind == "load" and event.outcome == "ok":
                    changed = changes != changes_at_call[event.lane]
                    result.loads_doubt |= changed or event.detail != (content or EMPTY)
                if participant[event.lane]:
                    _ask_of_lines(result, call, event, spans)
                    held = owner_at_call[event.lane] == event.lane
                    not_yet.note(call, event, at, content, held, owner == event.lane)
                if event.acknowledges and participant[event.lane]:
                    _acknowledge(history, result, call, at, spans)
    result.early = not_yet.early
    result.doubt = result.doubt or not _is_harmless(rules, result, changers)
    return result


#: States before the first and after the last change of an operation, by lane and operation.
_Spans = dict[tuple[int, int], list[State]]


def _apply_lock(result: FirstPass, owner: int, lane: int, kind: str) -> int:
    """Record a lock event; return the owner after it."""
    if kind in _CONTENDED or (kind == "acquired" and owner not in (-1, lane)):
        result.contention = True
    if kind == "acquired":
        return lane
    # A record lock can be lost by a close in another lane of the process: that lane never had it, and
    # the lane that had it does not know.
    if kind in NO_CHANGE or (kind == "released" and owner != lane):
        return owner
    return -1


def _may_be_false(history: History, call: Invoke, end: Return, at: int) -> bool:
    """Return whether a call reports an error of the lock that may not have happened."""
    if end.outcome == "lock_timeout":
        return not waited_for_another(history, call, at)
    return end.outcome == "stale_lock"


def _ask_of_lines(result: FirstPass, call: Invoke, end: Return, spans: _Spans) -> None:
    """Note a doubt where a call changed the transcript that was not asked to, or says that it failed."""
    if (call.lane, call.op) in spans and may_change_lines(call, end.outcome):
        result.entries_doubt |= not (call.entries and end.outcome == "ok")


def _acknowledge(history: History, result: FirstPass, call: Invoke, at: int, spans: _Spans) -> None:
    """Record that a participant's call returned well."""
    span = spans.get((call.lane, call.op))
    if call.kind == "rewrite" and (span is None or not is_plain_rewrite(history, *span)):
        result.entries_doubt = True
    if call.entries:
        result.acknowledged.append((call, at))
        if span is not None and not is_plain_append(history, call, *span):
            result.entries_doubt = True


def _apply_return(result: FirstPass, loaded_turns: list[int], call: Invoke, end: Return, at: int) -> None:
    """Record what the end of an operation means for the decisions."""
    outcome, kind, turn = end.outcome, call.kind, call.turn
    if outcome == "ok":
        if turn < 0:
            return
        if kind in ("load", "recover"):
            loaded_turns[call.lane] = turn
        elif kind == "guarded_write":
            verdict = "true_negative" if loaded_turns[call.lane] == turn else "uncounted"
            result.decisions.append(Decision(call.lane, turn, call.op, verdict, at=at))
    elif outcome == "refused":
        result.doubt = True
    elif (
        (outcome == "unsupported" and kind != "recover" and not end.detail.startswith(_LACKING))
        or outcome == "crash"
        or (outcome == "failed" and (call.lane, call.op) not in result.faulted)
    ):
        result.crashes.append(at)


def _is_harmless(rules: Rules, result: FirstPass, changers: set[int]) -> bool:
    """Return whether no change made under the lock can be held against a decision.

    A lane's own changes are always its own appends. Changes of other lanes are harmless if the policy
    calls no class of locked effect a takeover.
    """
    if not result.decisions:
        return True
    if rules["own_append"] == TAKEOVER:
        return False
    if all(rules[name] != TAKEOVER for name in _LOCKED):
        return True
    return all(changers <= {decision.lane} for decision in result.decisions)
