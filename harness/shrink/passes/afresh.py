"""At last: without a lane that nobody names, and with an order made from nothing.

A schedule that was cut is followed as far as it can be. Where lanes waited for one that
is gone, that is not far: their steps have other ordinals, and the story does not show any
more. So an order is not kept but sought.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from harness.history import Step
from harness.program import Program
from harness.schedule import Choice
from harness.shrink.case import Case, Shown
from harness.shrink.passes.units import without
from harness.shrink.protocol import Answer

__all__ = ["afresh"]

#: Beyond every step of an operation.
_END: Final = 1 << 20
#: As many switches as it takes for one block of each lane inside the other's.
_FEW: Final = 3
_PAIR: Final = 2


def afresh(shown: Shown) -> Generator[Case, Answer, None]:
    """Keep the two lanes that the oracle's words name, and put either whole into each place of the other."""
    busy = [number for number, lane in enumerate(shown.program.lanes) if lane.ops]
    named = _named(shown)
    if len(named) != _PAIR or (len(busy) == _PAIR and shown.size.switches <= _FEW):
        return
    gone = [
        (number, tuple(range(len(shown.program.lanes[number].ops)))) for number in busy if number not in named
    ]
    program = without(shown.case, gone).program
    for around, inside in (named, named[::-1]):
        answer = yield _order(program, around, inside)
        places = [choice for choice in answer.choices if choice.lane == around]
        if answer.better is not None:
            return
        for place in places[:-1]:
            answer = yield _order(program, around, inside, place)
            if answer.better is not None:
                return


def _named(shown: Shown) -> list[int]:
    """Lanes in which the violation and its causes lie."""
    events = [shown.history.events[at] for at in shown.violation.causes]
    lanes = {event.lane for event in events if isinstance(event, Step)}
    return sorted(lanes | ({shown.violation.lane} if shown.violation.lane >= 0 else set()))


def _order(program: Program, around: int, inside: int, place: Choice | None = None) -> Case:
    """One lane to its end, with all of another one after some step of it; without a place at the end."""
    end = Choice(around, len(program.lanes[around].ops) - 1, _END)
    whole = Choice(inside, len(program.lanes[inside].ops) - 1, _END)
    return Case(program, (end, whole) if place is None else (place, whole, end))
