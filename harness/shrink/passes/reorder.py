"""At last: without a lane that nobody names, and with an order made from nothing.

A schedule that was cut is followed as far as it can be. Where lanes waited for one that
is gone, that is not far: their steps have other ordinals, and the story does not show any
more. So an order is not kept but sought.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from harness.model.history import Step
from harness.model.program import Program
from harness.model.schedule import Choice
from harness.shrink.candidate import Case, Shown
from harness.shrink.passes.removable import without
from harness.shrink.shrink_pass import Answer

__all__ = ["afresh"]

#: Beyond every step of an operation.
_END: Final = 1 << 20
#: As many switches as it takes for one block of each lane inside the other's.
_FEW: Final = 3
_PAIR: Final = 2


def afresh(shown: Shown) -> Generator[Case, Answer, None]:
    """Keep the two lanes that the oracle's words name, and put either into each place of the other.

    First whole, then in two pieces: some operations there, and the rest when the other is done. The
    second only inside operations that are named, or there would be too many.
    """
    busy = [number for number, lane in enumerate(shown.program.lanes) if lane.ops]
    steps = _named_steps(shown)
    named = sorted({lane for lane, _ in steps})
    if len(named) != _PAIR or (len(busy) == _PAIR and shown.size.switches <= _FEW):
        return
    gone = [
        (number, tuple(range(len(shown.program.lanes[number].ops)))) for number in busy if number not in named
    ]
    program = without(shown.case, gone).program
    places = {}
    for around, inside in (named, named[::-1]):
        answer = yield _order(program, around, inside)
        places[around] = [choice for choice in answer.choices if choice.lane == around][:-1]
        if answer.better is not None:
            return
        for place in places[around]:
            answer = yield _order(program, around, inside, place)
            if answer.better is not None:
                return
    for around, inside in (named, named[::-1]):
        for place in places[around]:
            if (around, place.op) not in steps:
                continue
            for op in range(len(program.lanes[inside].ops) - 1):
                answer = yield _order(program, around, inside, place, Choice(inside, op, _END))
                if answer.better is not None:
                    return


def _named_steps(shown: Shown) -> set[tuple[int, int]]:
    """Lanes and operations in which the violation and its causes lie."""
    events = [shown.history.events[at] for at in shown.violation.causes]
    steps = {(event.lane, event.op) for event in events if isinstance(event, Step)}
    return steps | ({(shown.violation.lane, shown.violation.op)} if shown.violation.lane >= 0 else set())


def _order(
    program: Program, around: int, inside: int, place: Choice | None = None, piece: Choice | None = None
) -> Case:
    """One lane to its end, with another one after some step of it.

    Args:
        program: what the lanes do.
        around, inside: the lanes.
        place: the last step of the first one before the other comes; None for the end.
        piece: how far the other one goes there; None for all of it.
    """
    end = Choice(around, len(program.lanes[around].ops) - 1, _END)
    whole = Choice(inside, len(program.lanes[inside].ops) - 1, _END)
    if place is None:
        return Case(program, (end, whole))
    return Case(program, (place, whole, end) if piece is None else (place, piece, end, whole))
