"""Find the effects that are pending when a fence decides.

For one window, this module remembers what the fence has said so far about the effects in it, and
sorts the effects that a decision meets into *pre* (ended before its first step) and *mid*
(overlapping it). The verdict is given in `harness.oracle.decisions`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.oracle.believed_writes import believed_writes
from harness.oracle.effects import Effect, effects_of
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Mutation, Operation
from harness.oracle.reachability import restored_until
from harness.oracle.rules import EITHER, SANCTIONED, TAKEOVER, Rules
from harness.oracle.windows import Window

__all__ = ["PendingEffects", "WindowState", "indices_of", "pending_at"]


class WindowState:
    """A window and how the fence answered to the effects in it.

    Attributes:
        last_known: index of the Return of the last load or decision.
        reported: indices of mutations because of which the fence has refused.
        raced: indices of mutations that fell into an admitted decision.
        blamed: indices of mutations that a violation already names.
        split: operations that overlapped a decision; each of their mutations counts by itself from
            then on.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.last_known = window.opened
        self.reported: set[int] = set()
        self.raced: set[int] = set()
        self.blamed: set[int] = set()
        self.split: set[Operation] = set()

    def has_reported(self, effect: Effect) -> bool:
        """Return whether the fence has reported that effect."""
        return effect.mutations[0].index in self.reported

    def end_decision(self, pending: PendingEffects, decision: Operation) -> None:
        """Record that a decision with these effects is over."""
        self.last_known = decision.returned
        for effect in pending.effects:
            if effect.operation.end >= decision.begin:
                self.split.add(effect.operation)


class PendingEffects:
    """The effects of a window as one decision meets them.

    Attributes:
        effects: all effects that began by the end of the decision.
        pre: pending ones that ended before the decision began.
        mid: pending ones that overlap the decision.
    """

    def __init__(self, effects: list[Effect], pre: list[Effect], mid: list[Effect]) -> None:
        self.effects = effects
        self.pre = pre
        self.mid = mid

    def takeovers(self) -> list[Effect]:
        """Return the effects that the fence has to report, oldest first."""
        return [effect for effect in (*self.pre, *self.mid) if effect.rule == TAKEOVER]


def pending_at(
    index: HistoryIndex,
    rules: Rules,
    state: WindowState,
    decision: Operation,
    admitted: Collection[Operation],
) -> PendingEffects:
    """Return the effects up to the end of a decision, and which of them are pending.

    Args:
        index: the history.
        rules: the policy's table.
        state: the window of the lane that decides.
        decision: the operation whose return is the decision.
        admitted: guarded writes of the lane that the fence admitted, also those whose write failed;
            their bytes are sanctioned by definition.
    """
    begin, end = decision.begin, decision.end
    effects: list[Effect] = []
    doubtful, believed = state.window.doubtful, believed_writes(index)
    for operation, mutations in _by_operation(state.window, end).items():
        if (operation is decision and decision.outcome == "ok") or operation in admitted:
            effects += [Effect(SANCTIONED, (mutation,)) for mutation in mutations]
        else:
            over = operation.end < begin and operation not in state.split
            effects += effects_of(
                index, rules, decision.lane, mutations, doubtful=doubtful, believed=believed, over=over
            )
    pending = [
        effect for effect in effects if effect.rule in (TAKEOVER, EITHER) and not state.has_reported(effect)
    ]
    pre = [effect for effect in pending if effect.end < begin]
    mid = [effect for effect in pending if effect.end >= begin]
    if any(effect.rule == TAKEOVER for effect in pre) and _undoable(effects):
        # A takeover that has been undone is not held against a fence, whether it refuses or admits.
        restored = restored_until(
            index, state.window, effects, state.has_reported, rules["same_bytes_other_file"] != TAKEOVER
        )
        for effect in pre:
            if effect.end <= restored:
                effect.rule = EITHER
    return PendingEffects(effects, pre, mid)


def indices_of(effects: Sequence[Effect]) -> tuple[int, ...]:
    """Return the indices of the steps behind some effects, in order."""
    return tuple(sorted(mutation.index for effect in effects for mutation in effect.mutations))


def _undoable(effects: list[Effect]) -> bool:
    """Return whether any effect may have undone a takeover.

    Sanctioned effects alone never do: an append keeps the difference, and after a rewrite of an
    unlawful transcript no lawful state is known.
    """
    return sum(1 for effect in effects if effect.rule in (TAKEOVER, EITHER)) > 1


def _by_operation(window: Window, end: int) -> dict[Operation, list[Mutation]]:
    """Return the mutations of the window that began by `end`, by operation."""
    groups: dict[Operation, list[Mutation]] = {}
    for mutation in window.mutations:
        if mutation.begin > end:
            break
        groups.setdefault(mutation.operation, []).append(mutation)
    return groups
