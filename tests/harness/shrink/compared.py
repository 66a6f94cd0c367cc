"""Compare the shrunk witness of a control with its story by hand.

As a command: ``python -m tests.harness.shrink.compared CONTROL [SEED]`` prints one JSON object.
"""

from __future__ import annotations

import json
import sys

import msgspec

from tests.harness.shrink.minima import find, run_by_hand, shrink

__all__ = ["Compared", "compare"]

#: The time limit that the project promises for a quick scenario.
_LIMIT_S = 10.0


class Compared(msgspec.Struct, frozen=True):
    """A control's first witness compared with the story by hand.

    Args:
        control: name.
        seed: of the search.
        found, shrunk, by_hand: steps of the witness, of its shrunk form, and of the shortest
            story by hand; -1 where that shows no violation.
        runs, seconds: of shrinking.
        finished: whether no pass found anything smaller within the time limit.
        again: whether a second shrinking led to the same story in as many runs.
    """

    control: str
    seed: int
    found: int
    shrunk: int
    by_hand: int
    runs: int
    seconds: float
    finished: bool
    again: bool

    @property
    def fault(self) -> str:
        """Return what does not hold; empty for nothing."""
        if self.by_hand < 0:
            return "the story by hand shows no violation"
        if not self.finished:
            return "shrinking was not done in time"
        if self.shrunk > 2 * self.by_hand:
            return "more than twice the steps of the story by hand"
        return "" if self.again else "another story the second time"


def compare(control: str, time_limit_s: float, seed: int = 1) -> Compared:
    """Find a control, shrink its witness twice, run the story by hand, and return the comparison.

    Args:
        control: name.
        time_limit_s: for each shrinking.
        seed: of the search.
    """
    witness, by_hand = find(control, seed), run_by_hand(control)
    first, second = (shrink(witness, time_limit_s) for _ in range(2))
    same = first.runs == second.runs and first.witness(witness) == second.witness(witness)
    return Compared(
        control,
        seed,
        first.before.steps,
        first.after.steps,
        -1 if by_hand is None else by_hand.steps,
        first.runs,
        first.seconds,
        first.finished,
        same,
    )


if __name__ == "__main__":
    result = compare(sys.argv[1], _LIMIT_S, int(sys.argv[2]) if sys.argv[2:] else 1)
    print(json.dumps(msgspec.to_builtins(result) | {"fault": result.fault}))
