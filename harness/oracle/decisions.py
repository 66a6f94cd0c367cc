"""What is to be thought of each decision of a fence.

A decision is an admitted guarded write, or a refusal out of any call of a turn. It is
measured against the effects in the runner's window that were pending when it began
(*pre*) and those that fell into it (*mid*).

A guarded write that failed because a file call was made to fail is no decision,
whatever the fence had made up its mind to: what it left of its own bytes is its own,
and what was not reported stays pending.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.oracle.blame import describe, suspects
from harness.oracle.effects import Effect
from harness.oracle.index import HistoryIndex, Operation
from harness.oracle.pending_effects import Open, View, indices_of, look
from harness.oracle.rules import TAKEOVER, Rules
from harness.oracle.verdict import Decision, Violation
from harness.oracle.windows import open_window, reload

__all__ = ["decide"]

_STUCK = ("guarded_write", "append", "load")


def decide(survey: HistoryIndex, rules: Rules) -> tuple[list[Decision], list[Violation]]:
    """Judge every decision of every lane."""
    decisions: list[Decision] = []
    violations: list[Violation] = []
    for lane, operations in enumerate(survey.by_lane):
        if any(operation.turn >= 0 for operation in operations):
            judge = _Lane(survey, rules, lane)
            judge.run()
            decisions += judge.decisions
            violations += judge.violations
    decisions.sort(key=lambda decision: decision.at)
    return decisions, violations


class _Lane:
    """Goes through the operations of one runner in order."""

    def __init__(self, survey: HistoryIndex, rules: Rules, lane: int) -> None:
        self.survey = survey
        self.rules = rules
        self.lane = lane
        self.name = survey.header.lanes[lane].name
        self.decisions: list[Decision] = []
        self.violations: list[Violation] = []
        self._turn = -1
        self._open: Open | None = None
        self._settled = False  # a true positive in this turn, and no way out of it yet
        self._accused = False  # a false positive of this turn is a violation already
        self._admitted: list[Operation] = []
        self._wrote: list[Operation] = []  # those, and the ones let in whose write then failed

    def run(self) -> None:
        """Judge the lane's decisions."""
        for operation in self.survey.by_lane[self.lane]:
            if operation.turn < 0 or operation.returned < 0:
                continue
            if operation.turn != self._turn:
                self._turn = operation.turn
                self._open, self._settled, self._accused = None, False, False
            self._take(operation)
        self.decisions = [self._with_aftermath(decision) for decision in self.decisions]

    def _take(self, operation: Operation) -> None:
        kind, outcome = operation.kind, operation.outcome
        if outcome == "refused" and kind != "begin_turn":
            self._decide(operation)
        elif outcome == "failed" and kind == "guarded_write":
            self._wrote.append(operation)
        elif outcome != "ok":
            return
        elif kind == "guarded_write":
            self._decide(operation)
            self._admitted.append(operation)
            self._wrote.append(operation)
        elif kind == "recover":
            self._open, self._settled = Open(open_window(self.survey, operation)), False
        elif kind == "load" and self._open is None:
            self._open = Open(open_window(self.survey, operation))
        elif kind == "load" and self._open is not None:
            self._open.window = reload(self._open.window, operation)
            self._open.last_look = operation.returned

    def _decide(self, operation: Operation) -> None:
        opened = self._open
        if opened is None:
            self._say(operation, "uncounted")
            return
        view = look(self.survey, self.rules, opened, operation, self._wrote)
        if operation.outcome == "refused":
            self._refused(opened, operation, view)
        else:
            self._let_in(opened, operation, view)
        opened.seen(view, operation)

    def _refused(self, opened: Open, operation: Operation, view: View) -> None:
        takeovers = view.takeovers()
        if takeovers:
            oldest = min(effect.end for effect in takeovers)
            late = sum(1 for admitted in self._admitted if admitted.begin > oldest)
            self._say(operation, "true_positive", causes=indices_of(takeovers), late=late)
            opened.reported.update(indices_of([*view.pre, *view.mid]))
            self._settled = True
        elif view.pre or view.mid:
            self._say(operation, "uncounted", causes=indices_of([*view.pre, *view.mid]))
        elif self._settled:
            self._say(operation, "uncounted")
        else:
            self._cried_wolf(opened, operation)

    def _cried_wolf(self, opened: Open, operation: Operation) -> None:
        causes = suspects(self.survey, self.lane, opened.last_look, operation.returned)
        if not causes:
            causes = suspects(self.survey, self.lane, opened.window.opened, operation.returned)
        self._say(operation, "false_positive", causes=causes)
        if self._accused:
            return
        self._accused = True
        reason = f" ({operation.detail})" if operation.detail else ""
        self._accuse(
            opened,
            operation,
            "false_positive",
            f"{self.name} refused its {operation.kind} in turn {operation.turn}{reason} though nothing "
            f"unsanctioned was pending, {describe(self.survey, causes)}",
            causes,
        )

    def _let_in(self, opened: Open, operation: Operation, view: View) -> None:
        missed = [effect for effect in view.pre if effect.rule == TAKEOVER]
        racing = [effect for effect in view.mid if effect.rule == TAKEOVER]
        if missed:
            causes = indices_of(missed)
            kind = "absorbed" if opened.raced.issuperset(causes) else ""
            self._say(operation, "missed_takeover", kind=kind, causes=causes)
            if not opened.blamed.issuperset(causes):
                self._accuse(
                    opened, operation, "missed_takeover", self._missed_detail(operation, missed, kind), causes
                )
                opened.blamed.update(causes)
        elif racing:
            self._say(operation, "racing", causes=indices_of(racing))
        else:
            self._say(operation, "true_negative")
        opened.raced.update(indices_of(racing))

    def _missed_detail(self, operation: Operation, missed: Sequence[Effect], kind: str) -> str:
        lanes = self.survey.header.lanes
        who = ", ".join(dict.fromkeys(lanes[effect.operation.lane].name for effect in missed))
        how = "had taken in unreported at an earlier decision" if kind else "had not reported"
        return (
            f"{self.name} admitted its {operation.kind} in turn {operation.turn} over an unsanctioned "
            f"effect of {who} that it {how}"
        )

    def _say(
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

    def _accuse(
        self, opened: Open, operation: Operation, kind: str, detail: str, causes: tuple[int, ...]
    ) -> None:
        self.violations.append(
            Violation(kind, operation.returned, self.lane, operation.op, detail, causes, opened.window.opened)
        )

    def _with_aftermath(self, decision: Decision) -> Decision:
        """A false positive together with what it did to the rest of its turn."""
        if decision.verdict != "false_positive":
            return decision
        refused = {other.op for other in self.decisions if other.verdict == "false_positive"}
        stuck, way_out = 0, False
        for operation in self.survey.by_lane[self.lane]:
            if operation.turn != decision.turn or operation.returned <= decision.at:
                continue
            stuck += operation.op in refused and operation.kind in _STUCK
            way_out |= operation.outcome == "ok" and operation.kind in ("guarded_write", "recover")
        return msgspec.structs.replace(decision, stuck=stuck, way_out=way_out)
