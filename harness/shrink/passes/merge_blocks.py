"""Merge blocks of one lane by exchanging neighbouring blocks."""

from __future__ import annotations

import itertools
from collections.abc import Generator

from harness.model.schedule import Choice
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["merge_blocks"]


def merge_blocks(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Exchange neighbours where one then joins a block of its own lane; restart after each success."""
    blocks = best.blocks()
    at = 0
    while at + 1 < len(blocks):
        one, other = blocks[at], blocks[at + 1]
        if _alike(blocks[at - 1 : at], other) or _alike(blocks[at + 2 : at + 3], one):
            order = [*blocks[:at], other, one, *blocks[at + 2 :]]
            answer = yield Variant(best.program, tuple(itertools.chain.from_iterable(order)))
            if answer.better is not None:
                blocks = answer.better.blocks()
                at = 0
                continue
        at += 1


def _alike(neighbour: list[list[Choice]], block: list[Choice]) -> bool:
    """Return whether there is a neighbour and it is of the block's lane."""
    return bool(neighbour) and neighbour[0][0].lane == block[0].lane
