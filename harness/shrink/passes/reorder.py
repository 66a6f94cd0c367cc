"""Last pass: leave out the lanes that the violation does not name, and search a new order.

A cut schedule is followed as far as possible. Where lanes waited for a lane that was removed,
that is not far: their steps have other ordinals, and the violation no longer shows. So this
pass does not keep an order but searches one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from harness.model.history import Step, program_op
from harness.model.program import Program
from harness.model.schedule import Choice
from harness.shrink.passes.removable import without
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["reorder"]

#: An ordinal beyond every step of an operation.
_END: Final = 1 << 20
#: Switches of an order in which one block of each lane lies inside the other lane.
_FEW: Final = 3
_PAIR: Final = 2


def reorder(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Keep the two lanes that the violation names, and run either at each place inside the other.

    First the lane runs there whole, then in two pieces: some operations there, and the rest at
    the end of the other lane. Two pieces are tried only inside operations that the violation
    names, or there would be too many variants.
    """
    busy = [number for number, lane in enumerate(best.program.lanes) if lane.ops]
    steps = _named_steps(best)
    named = sorted({lane for lane, _ in steps})
    if len(named) != _PAIR or (len(busy) == _PAIR and best.size.switches <= _FEW):
        return
    gone = [
        (number, tuple(range(len(best.program.lanes[number].ops)))) for number in busy if number not in named
    ]
    program = without(best.variant, gone).program
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


def _named_steps(best: Reproduction) -> set[tuple[int, int]]:
    """Return the lanes and operations of the violation and of its causes."""
    events = [best.history.events[at] for at in best.violation.causes]
    steps = {(event.lane, program_op(event.op)) for event in events if isinstance(event, Step)}
    violation = best.violation
    return steps | ({(violation.lane, program_op(violation.op))} if violation.lane >= 0 else set())


def _order(
    program: Program, around: int, inside: int, place: Choice | None = None, piece: Choice | None = None
) -> Variant:
    """Return a variant in which one lane runs inside another one.

    Args:
        program: what the lanes do.
        around, inside: the outer and the inner lane.
        place: the last step of the outer lane before the inner one runs; None for its end.
        piece: how far the inner lane runs there; None for all of it.
    """
    end = Choice(around, len(program.lanes[around].ops) - 1, _END)
    whole = Choice(inside, len(program.lanes[inside].ops) - 1, _END)
    if place is None:
        return Variant(program, (end, whole))
    return Variant(program, (place, whole, end) if piece is None else (place, piece, end, whole))
