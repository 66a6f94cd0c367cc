"""Judge one history: a quick pass first, then the questions that it leaves open."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.history import End, History, Invoke
from harness.oracle.acknowledged_early import early_entries
from harness.oracle.broken_invariants import broken_invariants
from harness.oracle.crash import crashes, failed_action
from harness.oracle.dead_end import dead_end
from harness.oracle.elsewhere import without_elsewhere
from harness.oracle.first_pass import FirstPass, first_pass
from harness.oracle.index import HistoryIndex
from harness.oracle.invariant_reference import by_name
from harness.oracle.invariants import ALWAYS, Invariant, InvariantError
from harness.oracle.kept_lines import changed_lines
from harness.oracle.lock_errors import false_lock_errors
from harness.oracle.lock_ranges import ranges_unclear
from harness.oracle.lost_entries import absent_entries, lost_entries
from harness.oracle.rules import HasRules, Rules, rules_of
from harness.oracle.verdict import Decision, Judgement, Violation
from harness.oracle.whole_entries import altered_entries
from harness.oracle.wrong_loads import wrong_loads

__all__ = ["judge"]


def judge(
    history: History,
    policy: HasRules | Rules | None = None,
    *,
    full: bool = False,
    invariants: Sequence[Invariant] | None = None,
) -> Judgement:
    """Return everything that one history proves.

    Args:
        history: one schedule, whole.
        policy: a policy or its table of rules; None for the table in the history.
        full: ask every question, also where the first pass settles it; the answer is the same.
        invariants: rules for the transcript's lines; None for the shipped ones that the history names.

    Raises:
        FormatError: the policy has no rule for some class of effects.
        InvariantLoadError: the history names an invariant that is not loaded in this process.
    """
    history = without_elsewhere(history)
    rules = rules_of(history.header, policy)
    end = history.events[-1]
    assert isinstance(end, End), "a history ends with an End"
    quick = first_pass(history, rules)
    if full:
        quick.doubt = quick.contention = quick.entries_doubt = quick.lock_errors = quick.loads_doubt = True
    if end.inconclusive:
        proved = crashes(history, quick.crashes)
        if history.header.gate == "free":
            from harness.oracle.reported_locks import reported_double_holds

            proved = sorted(proved + reported_double_holds(history), key=lambda violation: violation.at)
        return Judgement((), tuple(proved), end.inconclusive)
    if quick.crashes and (why := failed_action(history, quick.crashes)):
        return Judgement((), tuple(crashes(history, quick.crashes)), why)
    absent = absent_entries(history, quick.acknowledged)
    violations: list[Violation] = []
    decisions = quick.decisions
    open_questions = quick.doubt, quick.contention, quick.entries_doubt, quick.lock_errors, quick.loads_doubt
    if any(open_questions) or absent or quick.early:
        decisions = _judge_in_full(history, rules, quick, absent, violations)
    asked = by_name(history.header.invariants) if invariants is None else invariants
    if asked or quick.entries_doubt:
        try:
            violations += _broken(history, asked, violations)
        except InvariantError as error:
            return Judgement((), tuple(crashes(history, quick.crashes)), str(error))
    if quick.crashes:
        violations += crashes(history, quick.crashes)
    if end.waiting or end.lock_owner >= 0 or history.header.left_lock:
        stuck = dead_end(history, end)
        violations += [stuck] if stuck is not None else []
    if violations and (why := ranges_unclear(history)):
        return Judgement((), tuple(crashes(history, quick.crashes)), why)
    if len(violations) > 1:
        violations.sort(key=lambda violation: (violation.at, violation.kind, violation.lane))
    return Judgement(tuple(decisions), tuple(violations))


def _broken(
    history: History, invariants: Sequence[Invariant], violations: Sequence[Violation]
) -> list[Violation]:
    """Return the broken invariants; one of all transcripts is left out beside an altered entry."""
    told = any(violation.kind == "altered_entry" for violation in violations)
    names = {one.name for one in invariants}
    always = [] if told else [one for one in ALWAYS if one.name not in names]
    return broken_invariants(HistoryIndex(history), [*invariants, *always])


def _judge_in_full(
    history: History,
    rules: Rules,
    quick: FirstPass,
    absent: list[tuple[Invoke, str]],
    violations: list[Violation],
) -> list[Decision]:
    """Return the decisions where the quick pass had a doubt, and add what it proves to `violations`."""
    # Imported with the first doubt: many a search has none.
    from harness.oracle.cotenant_refusals import cotenant_refusals
    from harness.oracle.decisions import decide
    from harness.oracle.double_hold import double_holds, unlocked_writes
    from harness.oracle.refused_writes import refused_writes

    index = HistoryIndex(history)
    decisions = quick.decisions
    if quick.doubt:
        decisions, found = decide(index, rules)
        violations += found
        refusals, found = cotenant_refusals(index, rules)
        decisions = sorted(decisions + refusals, key=lambda decision: decision.at) if refusals else decisions
        violations += found
        violations += unlocked_writes(index)
    if quick.doubt or quick.entries_doubt:
        violations += refused_writes(index)
    if quick.contention:
        violations += double_holds(index)
    if quick.lock_errors:
        violations += false_lock_errors(index)
    if absent:
        violations += lost_entries(index, absent)
    if quick.early:
        violations += early_entries(index, quick.early)
    if quick.entries_doubt:
        violations += altered_entries(index)
        violations += changed_lines(index)
    if quick.loads_doubt:
        violations += wrong_loads(index)
    return decisions
