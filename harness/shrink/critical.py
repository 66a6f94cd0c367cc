"""The critical pair: two steps whose order decides between violation and pass.

Where lanes switch in a shrunk schedule, the step on either side is moved through the
other lane's steps, one neighbour at a time. If the violation is lost on the way, it is
lost at the exchange of two neighbours: they are the pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator

from harness.history import Invoke
from harness.schedule import Choice
from harness.shrink.case import Case, Shown
from harness.shrink.protocol import Answer
from harness.witness import Critical, Place

__all__ = ["critical_pairs"]

_Choices = tuple[Choice, ...]


def critical_pairs(shown: Shown) -> Generator[Case, Answer, tuple[Critical, ...]]:
    """Look at both sides of every switch.

    Returns:
        Those with a clean pass the other way round first, and among them those that touch
        a cause of the violation, the latest first.
    """
    choices = shown.choices
    found: dict[tuple[int, int], bool] = {}
    start = 0
    blocks = shown.blocks()
    for before, after in itertools.pairwise(blocks):
        middle = start + len(before)
        for moving, end in ((middle, start), (middle - 1, middle + len(after) - 1)):
            pair = yield from _decided(shown, choices, moving, end)
            if pair is not None:
                found[pair[0]] = pair[1]
        start = middle
    causes = _causes(shown)
    order = sorted(found, key=lambda pair: (not found[pair], causes.isdisjoint(pair), -pair[1]))
    return tuple(
        Critical(_place(shown, first), _place(shown, second), found[(first, second)])
        for first, second in order
    )


def _decided(
    shown: Shown, choices: _Choices, moving: int, end: int
) -> Generator[Case, Answer, tuple[tuple[int, int], bool] | None]:
    """Move one step towards another place, and find the exchange at which the violation is lost.

    Args:
        moving: index of the step that is moved.
        end: index of the last step that it is moved past.

    Returns:
        The pair, in its order in the witness, and whether the other order is clean.
    """
    lost = yield Case(shown.program, _moved(choices, moving, end))
    if lost.same_kind or not lost.conclusive:
        return None
    step = 1 if end > moving else -1
    near, far = moving, end
    kept_choices = choices
    while abs(far - near) > 1:
        middle = near + step * (abs(far - near) // 2)
        answer = yield Case(shown.program, _moved(choices, moving, middle))
        if answer.same_kind:
            near, kept_choices = middle, answer.choices
        elif answer.conclusive:
            far, lost = middle, answer
        else:
            return None
    first, second = sorted((moving, far))
    if _neighbours(kept_choices, choices[first], choices[second]) and _neighbours(
        lost.choices, choices[second], choices[first]
    ):
        return (first, second), lost.clean
    return None


def _moved(choices: _Choices, moving: int, end: int) -> _Choices:
    order = list(choices)
    order.insert(end, order.pop(moving))
    return tuple(order)


def _neighbours(choices: _Choices, first: Choice, second: Choice) -> bool:
    """Whether the one step really came right before the other."""
    return (
        first in choices
        and choices.index(first) + 1 < len(choices)
        and (choices[choices.index(first) + 1] == second)
    )


def _causes(shown: Shown) -> set[int]:
    """The violation's causes as places in the schedule."""
    steps = [at for at, event in enumerate(shown.history.events) if event in shown.steps()]
    return {step for step, at in enumerate(steps) if at in shown.violation.causes}


def _place(shown: Shown, step: int) -> Place:
    choice = shown.choices[step]
    taken = shown.steps()[step]
    kind = next(
        (
            event.how if event.kind == "action" else event.kind
            for event in shown.history.events
            if isinstance(event, Invoke) and (event.lane, event.op) == (choice.lane, choice.op)
        ),
        "",
    )
    lane = shown.history.header.lanes[choice.lane].name
    return Place(step, lane, choice.op, kind, f"{taken.call} {taken.path}".rstrip())
