"""Fewer operations, and what other lanes did during one of them pulled up into an earlier one.

An operation may be there only because others come in at it: left out alone, it takes the
place of the switch with it, and the story does not show any more. So it goes together with
a new place for what fell into it.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator

from harness.model.schedule import Choice
from harness.shrink.candidate import Case, Shown
from harness.shrink.passes.removable import single_ops, without
from harness.shrink.shrink_pass import Answer

__all__ = ["pulled"]


def pulled(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out an operation and put those who fell into it after each step before it, the last first."""
    place = (shown.violation.lane, shown.violation.op)
    for number, lane in enumerate(shown.program.lanes):
        for _, (index,) in single_ops(number, lane):
            start, end = _fallen_into(shown.choices, number, index)
            if start == end or place == (number, index):
                continue
            fewer = without(shown.case, [(number, (index,))])
            # What is left out does not count: so many choices stand before the others.
            gone = sum(1 for one in shown.choices[:start] if (one.lane, one.op) == (number, index))
            block = fewer.choices[start - gone : end - gone]
            rest = (*fewer.choices[: start - gone], *fewer.choices[end - gone :])
            at = start - gone
            while at > 0 and rest[at - 1].lane == number:
                answer = yield Case(fewer.program, (*rest[:at], *block, *rest[at:]))
                if answer.better is not None:
                    return
                at -= 1


def _fallen_into(choices: tuple[Choice, ...], lane: int, op: int) -> tuple[int, int]:
    """The first choices of other lanes between two of an operation; an empty range where there are none."""
    own = [at for at, choice in enumerate(choices) if (choice.lane, choice.op) == (lane, op)]
    for one, other in itertools.pairwise(own):
        if other > one + 1:
            return one + 1, other
    return 0, 0
