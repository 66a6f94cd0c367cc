"""Finds out whether the adapter of an external fence keeps something over schedules that shows in histories.

A pool of random numbers, a counter, a sequence within one millisecond: most libraries that make ids have one.
An adapter lives over schedules, so the same schedule would make another history each time. Such an adapter is
started anew for each schedule.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.model.gate import Outcome
from harness.strategies.round_robin import RoundRobin
from harness.strategies.strategy import Strategy

__all__ = ["shows"]


def shows(run: Callable[[Strategy], Outcome]) -> bool:
    """Run one schedule twice before the first one that counts; return whether it made two histories.

    Args:
        run: runs it. It is the same in each explorer, so all of them find the same.
    """
    first = run(RoundRobin())
    if _is_unknown(first):
        # A second run of an adapter that hangs would cost the gate's whole patience once more.
        return False
    again = run(RoundRobin())
    return not _is_unknown(again) and first.events != again.events


def _is_unknown(outcome: Outcome) -> bool:
    return bool(outcome.end.inconclusive or outcome.disturbed)
