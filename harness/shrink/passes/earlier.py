"""The earliest window: each block is moved up as far as the violation lets it."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.case import Case, Shown
from harness.shrink.protocol import Answer

__all__ = ["earlier"]


def earlier(shown: Shown) -> Generator[Case, Answer, None]:
    """Put each block before the last n steps of the block before it, with the largest n first."""
    number = 1
    blocks = shown.blocks()
    while number < len(blocks):
        before, block = blocks[number - 1], blocks[number]
        steps = len(before) - 1
        while steps > 0:
            blocks = shown.blocks()
            moved = [*before[:-steps], *block, *before[-steps:]]
            rest = [choice for later in blocks[number + 1 :] for choice in later]
            head = [choice for early in blocks[: number - 1] for choice in early]
            answer = yield Case(shown.program, (*head, *moved, *rest))
            if answer.better is not None:
                shown = answer.better
                blocks = shown.blocks()
                if number >= len(blocks):
                    return
                before, block = blocks[number - 1], blocks[number]
                steps = min(steps, len(before) - 1)
            else:
                steps //= 2
        number += 1
        blocks = shown.blocks()
