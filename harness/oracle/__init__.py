"""Was the fence right? Judges a history and reads nothing else.

`judge` takes one quick look, which settles most schedules, and only then asks the
questions that stay open, one file each: `effects` and `windows` (what happened, and
who could know of it), `decisions` with `pending` and `lawful` (was each decision
right), `entries` (is everything still there), `locks` and `words` (was the lock one), `progress`
(could all go on), `crash`. It accuses a fence only of what the history proves.
"""

from __future__ import annotations

from harness.model.history import End, History, Invoke
from harness.oracle.crash import crashes
from harness.oracle.dead_end import dead_end
from harness.oracle.decisions import decide
from harness.oracle.double_hold import double_holds
from harness.oracle.fast_path import FirstPass, first_pass
from harness.oracle.index import HistoryIndex
from harness.oracle.lost_entries import lost_entries, missing
from harness.oracle.reported_locks import reported_double_holds
from harness.oracle.rules import CLASSES, HasRules, Rules, rules_of
from harness.oracle.verdict import COUNTED, Decision, Judgement, Violation
from harness.oracle.violation_detail import subkind_of

__all__ = [
    "CLASSES",
    "COUNTED",
    "Decision",
    "HasRules",
    "Judgement",
    "Rules",
    "Violation",
    "judge",
    "subkind_of",
]


def judge(history: History, policy: HasRules | Rules | None = None) -> Judgement:
    """Everything that one history proves.

    Args:
        history: one schedule, whole.
        policy: a policy or its table of rules; None for the one in the history.

    Raises:
        FormatError: the policy has no rule for some class of effects.
    """
    rules = rules_of(history.header, policy)
    end = history.events[-1]
    assert isinstance(end, End), "a history ends with an End"
    look = first_pass(history, rules)
    if end.inconclusive:
        proved = crashes(history, look.crashes)
        if history.header.gate == "free":
            proved = sorted(proved + reported_double_holds(history), key=lambda violation: violation.at)
        return Judgement((), tuple(proved), end.inconclusive)
    absent = missing(history, look.acknowledged)
    violations: list[Violation] = []
    decisions = look.decisions
    if look.doubt or look.contention or absent:
        decisions = _look_closer(history, rules, look, absent, violations)
    if look.crashes:
        violations += crashes(history, look.crashes)
    if end.waiting or end.lock_owner >= 0:
        stuck = dead_end(history, end)
        violations += [stuck] if stuck is not None else []
    if len(violations) > 1:
        violations.sort(key=lambda violation: (violation.at, violation.kind, violation.lane))
    return Judgement(tuple(decisions), tuple(violations))


def _look_closer(
    history: History,
    rules: Rules,
    look: FirstPass,
    absent: list[tuple[Invoke, str]],
    violations: list[Violation],
) -> list[Decision]:
    """Answer what the first look left open; adds to `violations`."""
    survey = HistoryIndex(history)
    decisions = look.decisions
    if look.doubt:
        decisions, found = decide(survey, rules)
        violations += found
    if look.contention:
        violations += double_holds(survey)
    if absent:
        violations += lost_entries(survey, absent)
    return decisions
