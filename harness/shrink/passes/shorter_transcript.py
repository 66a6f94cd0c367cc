"""Shorten the initial transcript."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from harness.model.program import Entry
from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["shorter_transcript"]


def shorter_transcript(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out lines behind the header."""
    header, rest = best.program.initial[:1], best.program.initial[1:]

    def build(kept: list[Entry]) -> Variant:
        program = msgspec.structs.replace(best.program, initial=(*header, *kept))
        return Variant(program, best.choices)

    yield from fewer(rest, build)
