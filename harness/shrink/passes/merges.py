"""Fewer blocks: what a lane does at one go changes places with what comes before it."""

from __future__ import annotations

from collections.abc import Generator

from harness.schedule import Choice
from harness.shrink.case import Case, Shown
from harness.shrink.protocol import Answer

__all__ = ["merges"]


def merges(shown: Shown) -> Generator[Case, Answer, None]:
    """Exchange neighbouring blocks where that makes one of three; begin anew after each success."""
    blocks = shown.blocks()
    at = 0
    while at + 1 < len(blocks):
        before, after = blocks[at - 1] if at else None, blocks[at + 2 : at + 3]
        joins_before = before is not None and before[-1].lane == blocks[at + 1][0].lane
        joins_after = bool(after) and after[0][0].lane == blocks[at][0].lane
        if joins_before or joins_after:
            swapped = [*blocks[:at], blocks[at + 1], blocks[at], *blocks[at + 2 :]]
            answer = yield Case(shown.program, _flat(swapped))
            if answer.better is not None:
                blocks = answer.better.blocks()
                at = 0
                continue
        at += 1


def _flat(blocks: list[list[Choice]]) -> tuple[Choice, ...]:
    return tuple(choice for block in blocks for choice in block)
