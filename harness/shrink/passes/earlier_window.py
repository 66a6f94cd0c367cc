"""Move each block as early as the violation still shows."""

from __future__ import annotations

import itertools
from collections.abc import Generator

from harness.model.schedule import Choice
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["earlier_window"]


def earlier_window(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Move each block before the last n steps of the block before it, the largest n first."""
    blocks = best.blocks()
    number = 1
    while number < len(blocks):
        steps = len(blocks[number - 1]) - 1
        while steps > 0:
            answer = yield Variant(best.program, _moved(blocks, number, steps))
            if answer.better is None:
                steps //= 2
                continue
            blocks = answer.better.blocks()
            if number >= len(blocks):
                return
            steps = min(steps, len(blocks[number - 1]) - 1)
        number += 1


def _moved(blocks: list[list[Choice]], number: int, steps: int) -> tuple[Choice, ...]:
    before, block = blocks[number - 1], blocks[number]
    order = [*blocks[: number - 1], before[:-steps], block, before[-steps:], *blocks[number + 1 :]]
    return tuple(itertools.chain.from_iterable(order))
