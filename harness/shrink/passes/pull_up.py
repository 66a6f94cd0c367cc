"""Leave out an operation and move the steps of other lanes inside it to an earlier place.

Some operations are needed only because other lanes run during them. Without such an operation
there is no place for their steps, and the violation no longer shows. So this pass leaves out
the operation and proposes a new place at the same time.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator

from harness.model.history import program_op
from harness.model.schedule import Choice
from harness.shrink.passes.removable import removable_ops, without
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["pull_up"]


def pull_up(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out an operation; move the steps inside it behind each earlier step, the last first."""
    place = (best.violation.lane, program_op(best.violation.op))
    for number, lane in enumerate(best.program.lanes):
        for _, (index,) in removable_ops(number, lane):
            start, end = _first_inside(best.choices, number, index)
            if start == end or place == (number, index):
                continue
            fewer = without(best.variant, [(number, (index,))])
            # The choices of the removed operation no longer stand before the block.
            gone = sum(1 for one in best.choices[:start] if (one.lane, one.op) == (number, index))
            block = fewer.choices[start - gone : end - gone]
            rest = (*fewer.choices[: start - gone], *fewer.choices[end - gone :])
            at = start - gone
            while at > 0 and rest[at - 1].lane == number:
                answer = yield Variant(fewer.program, (*rest[:at], *block, *rest[at:]))
                if answer.better is not None:
                    return
                at -= 1


def _first_inside(choices: tuple[Choice, ...], lane: int, op: int) -> tuple[int, int]:
    """Return the range of the first choices of other lanes inside an operation; empty without any."""
    own = [at for at, choice in enumerate(choices) if (choice.lane, choice.op) == (lane, op)]
    for one, other in itertools.pairwise(own):
        if other > one + 1:
            return one + 1, other
    return 0, 0
