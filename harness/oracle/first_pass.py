"""Settle the common case in one pass over a history.

Most schedules hold only sanctioned effects and admissions. For them this pass gives the whole
judgement. Where it has a doubt it says so, and the full analysis answers. It never gives a verdict
that the full analysis would not give.
"""

from __future__ import annotations

from harness.model.history import History, Invoke, Return, Step
from harness.oracle.rules import TAKEOVER, Rules
from harness.oracle.verdict import Decision

__all__ = ["FirstPass", "first_pass"]

_LOCKED = (
    "cotenant_append_same_process",
    "cotenant_append_other_process",
    "participant_rewrite_same_process",
    "participant_rewrite_other_process",
    "same_bytes_other_file",
)
#: Kinds of lock event after which two lanes may believe that they hold the lock.
_CONTENDED = frozenset(("reclaimed", "returned", "hollow"))


class FirstPass:
    """The findings of one pass.

    Attributes:
        decisions: verdicts, valid unless `doubt` is set.
        doubt: some effect or some refusal needs the full analysis.
        contention: the write lock needs the full analysis.
        crashes: Returns with the outcome ``crash``, or ``failed`` where no call was made to fail.
        faulted: operations in which a file call was made to fail, as (lane, op).
        acknowledged: Invoke and index of the Return of every successful operation of a participant
            that has entries.
    """

    __slots__ = ("acknowledged", "contention", "crashes", "decisions", "doubt", "faulted")

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.doubt = False
        self.contention = False
        self.crashes: list[int] = []
        self.faulted: set[tuple[int, int]] = set()
        self.acknowledged: list[tuple[Invoke, int]] = []


def first_pass(history: History, rules: Rules) -> FirstPass:
    """Return what one look at each event settles."""
    lanes = history.header.lanes
    participant = [lane.participant for lane in lanes]
    calls: list[Invoke | None] = [None] * len(lanes)
    loaded_turns = [-1] * len(lanes)
    changers: set[int] = set()
    owner = -1
    result = FirstPass()
    # Under the free gate the order of the events says nothing about the lock.
    result.contention = history.header.gate == "free"
    for at, event in enumerate(history.events):
        if isinstance(event, Step):
            change, lock = event.change, event.lock
            if event.failed:
                result.faulted.add((event.lane, event.op))
            if change is not None:
                changers.add(event.lane)
                if not change.held or change.reclaimed or not participant[event.lane]:
                    result.doubt = True
            if lock is not None:
                if lock.kind in _CONTENDED or (lock.kind == "acquired" and owner not in (-1, event.lane)):
                    result.contention = True
                if lock.kind != "blocked":
                    owner = event.lane if lock.kind == "acquired" else -1
        elif isinstance(event, Invoke):
            calls[event.lane] = event
        elif isinstance(event, Return):
            call = calls[event.lane]
            if call is not None:
                _apply_return(result, loaded_turns, call, event, at)
                if event.outcome == "ok" and participant[event.lane] and call.entries:
                    result.acknowledged.append((call, at))
    result.doubt = result.doubt or not _is_harmless(rules, result, changers)
    return result


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
        if turn >= 0 and kind != "begin_turn":
            result.doubt = True
    elif outcome == "crash" or (outcome == "failed" and (call.lane, call.op) not in result.faulted):
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
