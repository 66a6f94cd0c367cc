"""Define a pass: it proposes smaller variants and is sent the answer to each.

A pass is a generator and starts no process. It yields a `Variant` and is sent an `Answer`;
its next proposal depends on the answers and on nothing else, so that the same witness always
becomes the same story.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import msgspec

from harness.model.schedule import Choice
from harness.shrink.variant import Reproduction, Variant

__all__ = ["Answer", "Pass", "fewer"]

_Item = TypeVar("_Item")


class Answer(msgspec.Struct, frozen=True):
    """The result of trying a variant.

    Args:
        better: the reproduction, if it shows the violation and is smaller than the best before.
        shows: whether it shows the violation, at any size.
        same_kind: whether it shows a violation of the same kind, this one or another.
        conclusive: whether its truth is known.
        clean: whether it is conclusive and shows no violation of any kind.
        choices: the schedule that it took.
    """

    better: Reproduction | None
    shows: bool
    same_kind: bool
    conclusive: bool
    clean: bool
    choices: tuple[Choice, ...]


#: Takes the best so far and proposes variants of it.
Pass = Callable[[Reproduction], Generator[Variant, Answer, None]]


def fewer(
    items: Sequence[_Item], build: Callable[[list[_Item]], Variant]
) -> Generator[Variant, Answer, list[_Item]]:
    """Propose variants without all items, halves, quarters and single ones, the last first.

    This is Zeller's delta debugging.

    Args:
        items: may be left out.
        build: returns the variant that keeps some of them.

    Returns:
        The items that are kept in the end.
    """
    kept = list(items)
    size = len(kept)
    while size:
        end = len(kept)
        while end > 0:
            start = max(0, end - size)
            trial = kept[:start] + kept[end:]
            answer = yield build(trial)
            if answer.better is not None:
                kept = trial
            end = start
        size //= 2
    return kept
