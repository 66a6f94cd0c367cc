"""Judge takeovers that a co-tenant's call reports.

A co-tenant has no window of its own: it takes the lock, writes and releases it. Its refusal is false
where nothing unsanctioned had happened since the schedule began. Anything else is not counted: how
much of it the fence has reported to other lanes is not the co-tenant's to know.
"""

from __future__ import annotations

from harness.oracle.blame import describe, suspects
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Operation
from harness.oracle.pending_effects import WindowState, pending_at
from harness.oracle.rules import Rules
from harness.oracle.verdict import Decision, Violation
from harness.oracle.windows import Window

__all__ = ["cotenant_refusals"]


def cotenant_refusals(index: HistoryIndex, rules: Rules) -> tuple[list[Decision], list[Violation]]:
    """Return the false positives of calls outside a turn, one violation a lane."""
    decisions: list[Decision] = []
    violations: list[Violation] = []
    for lane, operations in enumerate(index.by_lane):
        refused = [one for one in operations if one.outcome == "refused" and one.turn < 0]
        if not refused or index.is_rogue(lane):
            continue
        state = WindowState(Window(-1, index.mutations, frozenset(), (index.header.initial,)))
        false = [one for one in refused if _is_false(index, rules, state, one)]
        decisions += [_decision(index, one) for one in false]
        violations += [_violation(index, one) for one in false[:1]]
    return decisions, violations


def _is_false(index: HistoryIndex, rules: Rules, state: WindowState, refusal: Operation) -> bool:
    if any(step.failed for step in index.steps_of(refusal)):
        return False
    effects = pending_at(index, rules, state, refusal, ())
    return not effects.pre and not effects.mid


def _causes(index: HistoryIndex, refusal: Operation) -> tuple[int, ...]:
    return suspects(index, refusal.lane, -1, refusal.returned)


def _decision(index: HistoryIndex, refusal: Operation) -> Decision:
    causes = _causes(index, refusal)
    return Decision(refusal.lane, -1, refusal.op, "false_positive", causes=causes, at=refusal.returned)


def _violation(index: HistoryIndex, refusal: Operation) -> Violation:
    name = index.header.lanes[refusal.lane].name
    causes = _causes(index, refusal)
    reason = f" ({refusal.detail})" if refusal.detail else ""
    detail = (
        f"{name} refused its {refusal.kind}{reason} though nothing unsanctioned had happened, "
        f"{describe(index, causes)}"
    )
    return Violation("false_positive", refusal.returned, refusal.lane, refusal.op, detail, causes)
