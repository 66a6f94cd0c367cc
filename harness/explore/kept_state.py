"""Finds out whether the adapter of an external fence keeps something over schedules that shows in histories.

A pool of random numbers, a counter, a sequence within one millisecond: most libraries that make ids have one.
An adapter lives over schedules, so the same schedule would make another history each time. Such an adapter is
started anew for each schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.model.gate import Outcome
from harness.model.program import Program
from harness.strategies.round_robin import RoundRobin
from harness.strategies.strategy import Strategy

__all__ = ["shows"]


def shows(programs: Sequence[Program], run: Callable[[Program, Strategy], Outcome]) -> bool:
    """Run some schedules twice before the first one that counts; return whether one made two histories.

    Args:
        programs: of the schedules, the same in each explorer, so all of them find the same.
        run: runs one.
    """
    first = []
    for program in programs:
        first.append(run(program, RoundRobin()))
        if _is_unknown(first[-1]):
            # A second run of an adapter that hangs would cost the gate's whole patience once more.
            return False
    # Not one right after itself: a date that goes back makes some libraries draw anew.
    again = [run(program, RoundRobin()) for program in programs]
    return any(
        not _is_unknown(later) and earlier.events != later.events
        for earlier, later in zip(first, again, strict=True)
    )


def _is_unknown(outcome: Outcome) -> bool:
    return bool(outcome.end.inconclusive or outcome.disturbed)
