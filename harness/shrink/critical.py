"""The critical pair: two steps whose order decides between violation and pass.

Where lanes switch in a shrunk schedule, one lane's steps are moved past the other's
block, as many as it takes to lose the violation; then the last of them alone, one
neighbour after the other. It is lost at the exchange of two neighbours: they are the
pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator

import msgspec

from harness.model.history import Invoke, Step
from harness.model.schedule import Choice
from harness.results.witness import Critical, Place
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer

__all__ = ["critical_pairs"]

_Choices = tuple[Choice, ...]
_Build = Callable[[int], _Choices]


class _Flip(msgspec.Struct, frozen=True):
    """Where a row of schedules loses the violation: at `number`, and not yet at the one before."""

    number: int
    kept: _Choices
    lost: Answer


def critical_pairs(shown: Shown) -> Generator[Case, Answer, tuple[Critical, ...]]:
    """Look at every switch in both directions.

    Returns:
        Those with a clean pass the other way round first, and among them those that touch
        a cause of the violation, the latest first.
    """
    found: dict[tuple[int, int], bool] = {}
    blocks = [tuple(block) for block in shown.blocks()]
    for number, (one, other) in enumerate(itertools.pairwise(blocks)):
        head = _flat(blocks[:number])
        tail = _flat(blocks[number + 2 :])
        for search in (_delaying, _advancing):
            pair = yield from search(shown, head, one, other, tail)
            if pair is not None:
                first, second, clean = pair
                found[(shown.choices.index(first), shown.choices.index(second))] = clean
    causes = _causes(shown)
    order = sorted(found, key=lambda pair: (not found[pair], causes.isdisjoint(pair), -pair[1]))
    return tuple(
        Critical(_place(shown, first), _place(shown, second), found[(first, second)])
        for first, second in order
    )


_Pair = tuple[Choice, Choice, bool]


def _delaying(
    shown: Shown, head: _Choices, one: _Choices, other: _Choices, tail: _Choices
) -> Generator[Case, Answer, _Pair | None]:
    """Let the first block come later: some steps of the second one go before it."""

    def together(count: int) -> _Choices:
        return (*head, *other[:count], *one, *other[count:], *tail)

    whole = yield from _flip(shown, together, len(other))
    if whole is None:
        return None
    at = whole.number - 1
    step, size = other[at], len(one)

    def alone(count: int) -> _Choices:
        return (*head, *other[:at], *one[: size - count], step, *one[size - count :], *other[at + 1 :], *tail)

    flip = yield from _flip(shown, alone, size)
    return _checked(flip, one[size - flip.number], step) if flip is not None else None


def _advancing(
    shown: Shown, head: _Choices, one: _Choices, other: _Choices, tail: _Choices
) -> Generator[Case, Answer, _Pair | None]:
    """Let the second block come earlier: some steps of the first one go behind it."""
    size = len(one)

    def together(count: int) -> _Choices:
        return (*head, *one[: size - count], *other, *one[size - count :], *tail)

    whole = yield from _flip(shown, together, size)
    if whole is None:
        return None
    at = size - whole.number
    step = one[at]

    def alone(count: int) -> _Choices:
        return (*head, *one[:at], *other[:count], step, *other[count:], *one[at + 1 :], *tail)

    flip = yield from _flip(shown, alone, len(other))
    return _checked(flip, step, other[flip.number - 1]) if flip is not None else None


def _flip(shown: Shown, build: _Build, most: int) -> Generator[Case, Answer, _Flip | None]:
    """Find where a row of schedules, the first of which shows the violation, loses it.

    Returns:
        None where the last one of them still shows it, or where the truth is not known.
    """
    lost = yield Case(shown.program, build(most))
    if lost.same_kind or not lost.conclusive:
        return None
    near, far, kept = 0, most, build(0)
    while far - near > 1:
        middle = (near + far) // 2
        answer = yield Case(shown.program, build(middle))
        if answer.same_kind:
            near, kept = middle, answer.choices
        elif answer.conclusive:
            far, lost = middle, answer
        else:
            return None
    return _Flip(far, kept, lost)


def _checked(flip: _Flip, first: Choice, second: Choice) -> _Pair | None:
    """The pair, if its steps really were neighbours in both orders."""
    if _neighbours(flip.kept, first, second) and _neighbours(flip.lost.choices, second, first):
        return first, second, flip.lost.clean
    return None


def _flat(blocks: list[_Choices]) -> _Choices:
    return tuple(itertools.chain.from_iterable(blocks))


def _neighbours(choices: _Choices, first: Choice, second: Choice) -> bool:
    """Whether the one step really came right before the other."""
    return (
        first in choices
        and choices.index(first) + 1 < len(choices)
        and (choices[choices.index(first) + 1] == second)
    )


def _causes(shown: Shown) -> set[int]:
    """The violation's causes as places in the schedule."""
    steps = [at for at, event in enumerate(shown.history.events) if isinstance(event, Step)]
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
