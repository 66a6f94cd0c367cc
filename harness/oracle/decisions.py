"""Judge each decision of a fence.

A decision is an admitted guarded write, or a refusal from any call of a turn. It is compared with the
effects in the runner's window: those that were pending when the decision began (*pre*) and those that
fell into it (*mid*).

A guarded write that failed because a file call was made to fail is no decision. The part of its own
bytes that it wrote counts as the runner's own, and effects that it did not report stay pending. Where a fault
told a call of the turn that a name is there or is not, though that is not so, refusals of the turn from then
on are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.oracle.blame import describe, suspects
from harness.oracle.effects import Effect
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Operation
from harness.oracle.pending_effects import PendingEffects, WindowState, indices_of, pending_at
from harness.oracle.rules import TAKEOVER, Rules
from harness.oracle.verdict import Decision, Violation
from harness.oracle.windows import Window, open_window, reload

__all__ = ["decide"]

_STUCK = ("guarded_write", "append", "load")


def decide(index: HistoryIndex, rules: Rules) -> tuple[list[Decision], list[Violation]]:
    """Return the verdict on every decision of every lane, and the violations among them."""
    decisions: list[Decision] = []
    violations: list[Violation] = []
    for lane, operations in enumerate(index.by_lane):
        if any(operation.turn >= 0 for operation in operations):
            judge = _LaneJudge(index, rules, lane)
            judge.run()
            decisions += judge.decisions
            violations += judge.violations
    decisions.sort(key=lambda decision: decision.at)
    return decisions, violations


class _LaneJudge:
    """The decisions of one runner, judged in the order of its operations.

    Attributes:
        decisions: verdicts so far.
        violations: violations so far.
    """

    def __init__(self, index: HistoryIndex, rules: Rules, lane: int) -> None:
        self.index = index
        self.rules = rules
        self.lane = lane
        self.name = index.header.lanes[lane].name
        self.decisions: list[Decision] = []
        self.violations: list[Violation] = []
        self._turn = -1
        self._window_state: WindowState | None = None
        # A refusal before the first load of a turn is measured by the last window, or else by the
        # whole schedule.
        self._earlier = WindowState(Window(-1, index.mutations, frozenset(), (index.header.initial,)))
        self._after_report = False  # after a true positive of this turn, until a recovery
        self._misled = False  # a fault of this turn told a call something untrue about a name
        self._has_violation = False  # a false positive of this turn is already a violation
        self._admitted: list[Operation] = []
        self._own_writes: list[Operation] = []  # admitted writes, also those that then failed

    def run(self) -> None:
        """Judge all decisions of the lane."""
        for operation in self.index.by_lane[self.lane]:
            if operation.turn < 0 or operation.returned < 0:
                continue
            if operation.turn != self._turn:
                self._turn = operation.turn
                self._earlier = self._window_state or self._earlier
                self._window_state, self._after_report, self._has_violation = None, False, False
                self._misled = False
            if (self.lane, operation.op) in self.index.misled:
                self._misled = True
            self._apply(operation)
        self.decisions = [self._with_consequences(decision) for decision in self.decisions]

    def _apply(self, operation: Operation) -> None:
        kind, outcome = operation.kind, operation.outcome
        if outcome == "refused":
            self._judge_decision(operation)
        elif outcome == "failed" and kind == "guarded_write":
            self._own_writes.append(operation)
        elif outcome != "ok":
            return
        elif kind == "guarded_write":
            self._judge_decision(operation)
            self._admitted.append(operation)
            self._own_writes.append(operation)
        elif kind == "recover":
            self._window_state, self._after_report = WindowState(open_window(self.index, operation)), False
        elif kind == "load" and self._window_state is None:
            self._window_state = WindowState(open_window(self.index, operation))
        elif kind == "load" and self._window_state is not None:
            self._window_state.window = reload(self._window_state.window, operation)
            self._window_state.last_known = operation.returned

    def _judge_decision(self, operation: Operation) -> None:
        state = self._window_state
        if state is None:
            self._judge_early(operation)
            return
        effects = pending_at(self.index, self.rules, state, operation, self._own_writes)
        if operation.outcome == "refused":
            self._judge_refusal(state, operation, effects)
        else:
            self._judge_admission(state, operation, effects)
        state.end_decision(effects, operation)

    def _judge_early(self, operation: Operation) -> None:
        """Judge a decision of a turn in which nothing was loaded yet; an admission says nothing."""
        state = self._earlier
        if operation.outcome != "refused":
            self._record(operation, "uncounted")
            return
        effects = pending_at(self.index, self.rules, state, operation, self._own_writes)
        pending = indices_of([*effects.pre, *effects.mid])
        if pending:
            self._record(operation, "uncounted", causes=pending)
            state.reported.update(pending)
            self._after_report = True
        else:
            self._judge_unfounded(state, operation)
        state.end_decision(effects, operation)

    def _judge_refusal(self, state: WindowState, operation: Operation, effects: PendingEffects) -> None:
        takeovers = effects.takeovers()
        if takeovers:
            oldest = min(effect.end for effect in takeovers)
            late = sum(1 for admitted in self._admitted if admitted.begin > oldest)
            self._record(operation, "true_positive", causes=indices_of(takeovers), late=late)
            state.reported.update(indices_of([*effects.pre, *effects.mid]))
            self._after_report = True
        elif effects.pre or effects.mid:
            self._record(operation, "uncounted", causes=indices_of([*effects.pre, *effects.mid]))
        else:
            self._judge_unfounded(state, operation)

    def _judge_unfounded(self, state: WindowState, operation: Operation) -> None:
        """Judge a refusal with nothing pending: further ones of a turn are not counted, but at its end."""
        if not self._misled and (not self._after_report or operation.kind == "end_turn"):
            self._record_false_positive(state, operation)
        else:
            self._record(operation, "uncounted")

    def _record_false_positive(self, state: WindowState, operation: Operation) -> None:
        causes = suspects(self.index, self.lane, state.last_known, operation.returned)
        if not causes:
            causes = suspects(self.index, self.lane, state.window.opened, operation.returned)
        self._record(operation, "false_positive", causes=causes)
        if self._has_violation:
            return
        self._has_violation = True
        reason = f" ({operation.detail})" if operation.detail else ""
        why = "it had reported before in this turn" if self._after_report else describe(self.index, causes)
        self._add_violation(
            state,
            operation,
            "false_positive",
            f"{self.name} refused its {operation.kind} in turn {operation.turn}{reason} though nothing "
            f"unsanctioned was pending, {why}",
            causes,
        )

    def _judge_admission(self, state: WindowState, operation: Operation, effects: PendingEffects) -> None:
        missed = [effect for effect in effects.pre if effect.rule == TAKEOVER]
        racing = [effect for effect in effects.mid if effect.rule == TAKEOVER]
        if missed:
            causes = indices_of(missed)
            kind = "absorbed" if state.raced.issuperset(causes) else ""
            self._record(operation, "missed_takeover", kind=kind, causes=causes)
            if not state.blamed.issuperset(causes):
                self._add_violation(
                    state, operation, "missed_takeover", self._missed_detail(operation, missed, kind), causes
                )
                state.blamed.update(causes)
        elif racing:
            self._record(operation, "racing", causes=indices_of(racing))
        else:
            self._record(operation, "true_negative")
        state.raced.update(indices_of(racing))

    def _missed_detail(self, operation: Operation, missed: Sequence[Effect], kind: str) -> str:
        lanes = self.index.header.lanes
        names = ", ".join(dict.fromkeys(lanes[effect.operation.lane].name for effect in missed))
        how = "had already let pass, without a report, at an earlier decision" if kind else "had not reported"
        return (
            f"{self.name} admitted its {operation.kind} in turn {operation.turn} over an unsanctioned "
            f"effect of {names} that it {how}"
        )

    def _record(
        self,
        operation: Operation,
        verdict: str,
        kind: str = "",
        causes: tuple[int, ...] = (),
        late: int = 0,
    ) -> None:
        self.decisions.append(
            Decision(
                operation.lane,
                operation.turn,
                operation.op,
                verdict,
                kind=kind,
                late=late,
                causes=causes,
                at=operation.returned,
            )
        )

    def _add_violation(
        self, state: WindowState, operation: Operation, kind: str, detail: str, causes: tuple[int, ...]
    ) -> None:
        self.violations.append(
            Violation(kind, operation.returned, self.lane, operation.op, detail, causes, state.window.opened)
        )

    def _with_consequences(self, decision: Decision) -> Decision:
        """Return a false positive with the figures of what it did to the rest of its turn."""
        if decision.verdict != "false_positive":
            return decision
        refused = {other.op for other in self.decisions if other.verdict == "false_positive"}
        stuck, way_out = 0, False
        for operation in self.index.by_lane[self.lane]:
            if operation.turn != decision.turn or operation.returned <= decision.at:
                continue
            stuck += operation.op in refused and operation.kind in _STUCK
            way_out |= operation.outcome == "ok" and operation.kind in ("guarded_write", "recover")
        return msgspec.structs.replace(decision, stuck=stuck, way_out=way_out)
