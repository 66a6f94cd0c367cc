"""One pass over a history that settles the common case: nothing to see.

Most schedules hold only sanctioned effects and admissions. For them this pass is the
whole judgement; wherever it has a doubt, it says so and the slow analysis answers. It
never gives a verdict that the slow analysis would not give.
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
#: What happens to a lock when somebody may have it who does not keep the others out.
_CONTENDED = frozenset(("reclaimed", "returned", "hollow"))


class FirstPass:
    """What one pass can tell.

    Attributes:
        decisions: valid unless `doubt`.
        doubt: some effect or some refusal needs a closer look.
        contention: so does the write lock.
        crashes: Returns with the outcome ``crash``, or ``failed`` where nothing had been
            made to fail.
        faulted: operations in which a file call was made to fail, as (lane, op).
        acknowledged: Invoke and index of the Return of every append by a participant
            that returned well.
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
    """Look at each event once."""
    lanes = history.header.lanes
    participant = [lane.participant for lane in lanes]
    calls: list[Invoke | None] = [None] * len(lanes)
    loaded = [-1] * len(lanes)
    changers: set[int] = set()
    owner = -1
    seen = FirstPass()
    # Under the free gate the order of the events says nothing about the lock.
    seen.contention = history.header.gate == "free"
    for at, event in enumerate(history.events):
        if isinstance(event, Step):
            change, lock = event.change, event.lock
            if event.failed:
                seen.faulted.add((event.lane, event.op))
            if change is not None:
                changers.add(event.lane)
                if not change.held or change.reclaimed or not participant[event.lane]:
                    seen.doubt = True
            if lock is not None:
                if lock.kind in _CONTENDED or (lock.kind == "acquired" and owner not in (-1, event.lane)):
                    seen.contention = True
                if lock.kind != "blocked":
                    owner = event.lane if lock.kind == "acquired" else -1
        elif isinstance(event, Invoke):
            calls[event.lane] = event
        elif isinstance(event, Return):
            call = calls[event.lane]
            if call is not None:
                _take(seen, loaded, call, event, at)
                if event.outcome == "ok" and participant[event.lane] and call.entries:
                    seen.acknowledged.append((call, at))
    seen.doubt = seen.doubt or not _harmless(rules, seen, changers)
    return seen


def _take(seen: FirstPass, loaded: list[int], call: Invoke, result: Return, at: int) -> None:
    """Note what an operation's end means for the decisions."""
    outcome, kind, turn = result.outcome, call.kind, call.turn
    if outcome == "ok":
        if turn < 0:
            return
        if kind in ("load", "recover"):
            loaded[call.lane] = turn
        elif kind == "guarded_write":
            verdict = "true_negative" if loaded[call.lane] == turn else "uncounted"
            seen.decisions.append(Decision(call.lane, turn, call.op, verdict, at=at))
    elif outcome == "refused":
        if turn >= 0 and kind != "begin_turn":
            seen.doubt = True
    elif outcome == "crash" or (outcome == "failed" and (call.lane, call.op) not in seen.faulted):
        seen.crashes.append(at)


def _harmless(rules: Rules, seen: FirstPass, changers: set[int]) -> bool:
    """Whether changes made under the lock can be held against no decision.

    A lane's own changes are always its own appends; those of others are harmless
    where the policy calls no class of locked effect a takeover.
    """
    if not seen.decisions:
        return True
    if rules["own_append"] == TAKEOVER:
        return False
    if all(rules[name] != TAKEOVER for name in _LOCKED):
        return True
    return all(changers <= {decision.lane} for decision in seen.decisions)
