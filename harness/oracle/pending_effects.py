"""What is pending when a fence decides.

Keeps, for one window, what the fence has said so far about the effects in it, and
sorts the effects that a decision meets into *pre* (ended before its first step) and
*mid* (overlapping it). The verdict is up to `harness.oracle.decisions`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.oracle.effects import Effect, effects_of
from harness.oracle.index import HistoryIndex, Mutation, Operation
from harness.oracle.reachability import restored_until
from harness.oracle.rules import EITHER, SANCTIONED, TAKEOVER, Rules
from harness.oracle.windows import Window

__all__ = ["Open", "View", "indices_of", "look"]


class Open:
    """A window and what became of the effects in it, by index of mutation.

    Attributes:
        last_look: Return of the last load or decision.
        reported: the fence has refused because of them.
        raced: they fell into a decision that was admitted.
        blamed: a violation names them already.
        split: operations that overlapped a decision; each of their mutations counts
            by itself from then on.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.last_look = window.opened
        self.reported: set[int] = set()
        self.raced: set[int] = set()
        self.blamed: set[int] = set()
        self.split: set[Operation] = set()

    def knows(self, effect: Effect) -> bool:
        """Whether the fence has reported that effect."""
        return effect.mutations[0].index in self.reported

    def seen(self, view: View, decision: Operation) -> None:
        """A decision is over."""
        self.last_look = decision.returned
        for effect in view.every:
            if effect.operation.end >= decision.begin:
                self.split.add(effect.operation)


class View:
    """Effects of a window as one decision meets them."""

    def __init__(self, every: list[Effect], pre: list[Effect], mid: list[Effect]) -> None:
        self.every = every
        self.pre = pre
        self.mid = mid

    def takeovers(self) -> list[Effect]:
        """Those that the fence has to report, oldest first."""
        return [effect for effect in (*self.pre, *self.mid) if effect.rule == TAKEOVER]


def look(
    survey: HistoryIndex, rules: Rules, opened: Open, decision: Operation, admitted: Collection[Operation]
) -> View:
    """Effects up to the end of a decision, and those of them that are pending.

    Args:
        survey: the history.
        rules: the policy's table.
        opened: the window of the lane that decides.
        decision: the operation whose return is the decision.
        admitted: guarded writes of the lane that the fence let in, whether or not the
            write went well; what they wrote is sanctioned by definition.
    """
    begin, end = decision.begin, decision.end
    every: list[Effect] = []
    for operation, mutations in _by_operation(opened.window, end).items():
        if (operation is decision and decision.outcome == "ok") or operation in admitted:
            every += [Effect(SANCTIONED, (mutation,)) for mutation in mutations]
        else:
            over = operation.end < begin and operation not in opened.split
            doubtful = opened.window.doubtful
            every += effects_of(survey, rules, decision.lane, mutations, doubtful=doubtful, over=over)
    pending = [effect for effect in every if effect.rule in (TAKEOVER, EITHER) and not opened.knows(effect)]
    pre = [effect for effect in pending if effect.end < begin]
    mid = [effect for effect in pending if effect.end >= begin]
    if any(effect.rule == TAKEOVER for effect in pre) and _undoable(every):
        # What has been undone is not held against a fence, whatever it answers.
        restored = restored_until(
            survey, opened.window, every, opened.knows, rules["same_bytes_other_file"] != TAKEOVER
        )
        for effect in pre:
            if effect.end <= restored:
                effect.rule = EITHER
    return View(every, pre, mid)


def indices_of(effects: Sequence[Effect]) -> tuple[int, ...]:
    """Indices of the steps behind some effects, in order."""
    return tuple(sorted(mutation.index for effect in effects for mutation in effect.mutations))


def _undoable(every: list[Effect]) -> bool:
    """Whether there is anything that might have undone a takeover.

    Sanctioned effects alone never do: an append leaves the difference where it is, and
    a rewrite of an unlawful transcript ends what can be said.
    """
    return sum(1 for effect in every if effect.rule in (TAKEOVER, EITHER)) > 1


def _by_operation(window: Window, end: int) -> dict[Operation, list[Mutation]]:
    """Mutations of the window that began by `end`, by operation."""
    groups: dict[Operation, list[Mutation]] = {}
    for mutation in window.mutations:
        if mutation.begin > end:
            break
        groups.setdefault(mutation.operation, []).append(mutation)
    return groups
