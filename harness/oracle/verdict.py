"""Hold what the oracle says about one history: plain data.

Nothing is computed here but sums; the other modules of this folder find the verdicts. Every index is a
place in ``history.events``.
"""

from __future__ import annotations

import msgspec

__all__ = ["COUNTED", "Decision", "Judgement", "Violation"]

COUNTED = ("true_positive", "true_negative", "false_positive", "missed_takeover", "racing")


class Decision(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One decision of a fence and its verdict.

    Args:
        lane: index of the lane that decided.
        turn: its turn.
        op: the operation whose return is the decision.
        verdict: one of `COUNTED`, or ``uncounted``.
        kind: ``absorbed`` for a missed takeover that was racing at an earlier
            decision of the turn; otherwise empty.
        late: for a true positive, admitted decisions between the effect and its report.
        stuck: for a false positive, later operations of the turn that were refused
            with nothing pending.
        way_out: for a false positive, whether a later write or recovery of the turn succeeded.
        causes: the steps that the verdict is about; for a false positive the steps that the fence
            probably took for a takeover.
        at: index of the decision's Return.
    """

    lane: int
    turn: int
    op: int
    verdict: str
    kind: str = ""
    late: int = 0
    stuck: int = 0
    way_out: bool = False
    causes: tuple[int, ...] = ()
    at: int = -1


class Violation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An event that must not happen, and its place.

    Args:
        kind: ``false_positive missed_takeover lost_entry double_hold dead_end crash``.
        at: the event at which it shows.
        lane: the lane that is at fault, or that suffered.
        op: that lane's operation; -1 outside of one.
        detail: one sentence.
        causes: the steps behind it.
        window_from: the Return that opened the window; -1 where there is no window.
    """

    kind: str
    at: int
    lane: int
    op: int
    detail: str
    causes: tuple[int, ...] = ()
    window_from: int = -1


class Judgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that one history proves.

    Args:
        decisions: in the order of their Return.
        violations: in the order of the events at which they show.
        inconclusive: why the truth is not known; then there are no decisions, and only crashes and
            reported double holds among the violations.
    """

    decisions: tuple[Decision, ...] = ()
    violations: tuple[Violation, ...] = ()
    inconclusive: str = ""

    def counts(self) -> dict[str, int]:
        """Return the number of decisions by verdict, with every counted verdict as a key."""
        result = dict.fromkeys(COUNTED, 0)
        for decision in self.decisions:
            if decision.verdict in result:
                result[decision.verdict] += 1
        return result
