"""Fewer blocks: what a lane does at one go changes places with what comes before it."""

from __future__ import annotations

import itertools
from collections.abc import Generator

from harness.model.schedule import Choice
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer

__all__ = ["merges"]


def merges(shown: Shown) -> Generator[Case, Answer, None]:
    """Exchange neighbouring blocks where one of them then meets its own lane; after a success begin anew."""
    blocks = shown.blocks()
    at = 0
    while at + 1 < len(blocks):
        one, other = blocks[at], blocks[at + 1]
        if _alike(blocks[at - 1 : at], other) or _alike(blocks[at + 2 : at + 3], one):
            order = [*blocks[:at], other, one, *blocks[at + 2 :]]
            answer = yield Case(shown.program, tuple(itertools.chain.from_iterable(order)))
            if answer.better is not None:
                blocks = answer.better.blocks()
                at = 0
                continue
        at += 1


def _alike(neighbour: list[list[Choice]], block: list[Choice]) -> bool:
    """Whether there is a neighbour and it is of the block's lane."""
    return bool(neighbour) and neighbour[0][0].lane == block[0].lane
