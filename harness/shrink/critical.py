"""Find critical pairs: two steps whose order decides between violation and pass.

At each switch of a shrunk schedule, steps of one lane are moved past the block of the other
lane, until the violation is gone; then the last of these steps is moved alone, past one step
after the other. The violation is gone when two neighbours are exchanged: they are the pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator

import msgspec

from harness.model.history import Invoke, Step, program_op
from harness.model.schedule import Choice
from harness.results.witness import Critical, Place
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["critical_pairs"]

_Choices = tuple[Choice, ...]
_Build = Callable[[int], _Choices]


class _Flip(msgspec.Struct, frozen=True):
    """The first schedule in a row that loses the violation, `number`, and what the one before keeps."""

    number: int
    kept: _Choices
    lost: Answer


def critical_pairs(best: Reproduction) -> Generator[Variant, Answer, tuple[Critical, ...]]:
    """Try every switch in both directions; return the critical pairs.

    Returns:
        First the pairs of which the other order is a clean pass, and among them first those
        that touch a cause of the violation, the latest first.
    """
    found: dict[tuple[int, int], bool] = {}
    blocks = [tuple(block) for block in best.blocks()]
    for number, (one, other) in enumerate(itertools.pairwise(blocks)):
        head = _concatenated(blocks[:number])
        tail = _concatenated(blocks[number + 2 :])
        for search in (_delaying, _advancing):
            pair = yield from search(best, head, one, other, tail)
            if pair is not None:
                first, second, clean = pair
                found[(best.choices.index(first), best.choices.index(second))] = clean
    causes = _causes(best)
    order = sorted(found, key=lambda pair: (not found[pair], causes.isdisjoint(pair), -pair[1]))
    return tuple(
        Critical(_place(best, first), _place(best, second), found[(first, second)]) for first, second in order
    )


_Pair = tuple[Choice, Choice, bool]


def _delaying(
    best: Reproduction, head: _Choices, one: _Choices, other: _Choices, tail: _Choices
) -> Generator[Variant, Answer, _Pair | None]:
    """Move the first block later, behind some steps of the second one; return the pair, if any."""

    def together(count: int) -> _Choices:
        return (*head, *other[:count], *one, *other[count:], *tail)

    whole = yield from _flip(best, together, len(other))
    if whole is None:
        return None
    at = whole.number - 1
    step, size = other[at], len(one)

    def alone(count: int) -> _Choices:
        return (*head, *other[:at], *one[: size - count], step, *one[size - count :], *other[at + 1 :], *tail)

    flip = yield from _flip(best, alone, size)
    return _pair_if_neighbours(flip, one[size - flip.number], step) if flip is not None else None


def _advancing(
    best: Reproduction, head: _Choices, one: _Choices, other: _Choices, tail: _Choices
) -> Generator[Variant, Answer, _Pair | None]:
    """Move the second block earlier, before some steps of the first one; return the pair, if any."""
    size = len(one)

    def together(count: int) -> _Choices:
        return (*head, *one[: size - count], *other, *one[size - count :], *tail)

    whole = yield from _flip(best, together, size)
    if whole is None:
        return None
    at = size - whole.number
    step = one[at]

    def alone(count: int) -> _Choices:
        return (*head, *one[:at], *other[:count], step, *other[count:], *one[at + 1 :], *tail)

    flip = yield from _flip(best, alone, len(other))
    return _pair_if_neighbours(flip, step, other[flip.number - 1]) if flip is not None else None


def _flip(best: Reproduction, build: _Build, most: int) -> Generator[Variant, Answer, _Flip | None]:
    """Return where a row of schedules loses the violation, which the first of them shows.

    Returns:
        None if the last one still shows it, or if the truth of one is not known.
    """
    lost = yield Variant(best.program, build(most))
    if lost.same_kind or not lost.conclusive:
        return None
    near, far, kept = 0, most, build(0)
    while far - near > 1:
        middle = (near + far) // 2
        answer = yield Variant(best.program, build(middle))
        if answer.same_kind:
            near, kept = middle, answer.choices
        elif answer.conclusive:
            far, lost = middle, answer
        else:
            return None
    return _Flip(far, kept, lost)


def _pair_if_neighbours(flip: _Flip, first: Choice, second: Choice) -> _Pair | None:
    """Return the pair if its steps were neighbours in both orders, else None."""
    if _neighbours(flip.kept, first, second) and _neighbours(flip.lost.choices, second, first):
        return first, second, flip.lost.clean
    return None


def _concatenated(blocks: list[_Choices]) -> _Choices:
    return tuple(itertools.chain.from_iterable(blocks))


def _neighbours(choices: _Choices, first: Choice, second: Choice) -> bool:
    """Return whether the first step came right before the second."""
    return (
        first in choices
        and choices.index(first) + 1 < len(choices)
        and (choices[choices.index(first) + 1] == second)
    )


def _causes(best: Reproduction) -> set[int]:
    """Return the places of the violation's causes in the schedule."""
    steps = [at for at, event in enumerate(best.history.events) if isinstance(event, Step)]
    return {step for step, at in enumerate(steps) if at in best.violation.causes}


def _place(best: Reproduction, step: int) -> Place:
    choice = best.choices[step]
    taken = best.steps()[step]
    kind = next(
        (
            event.how if event.kind == "action" else event.kind
            for event in best.history.events
            if isinstance(event, Invoke) and (event.lane, program_op(event.op)) == (choice.lane, choice.op)
        ),
        "",
    )
    lane = best.history.header.lanes[choice.lane].name
    return Place(step, lane, choice.op, kind, f"{taken.call} {taken.path}".rstrip())
