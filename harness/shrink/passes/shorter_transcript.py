"""A shorter transcript to begin with."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from harness.model.program import Entry
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer, fewer

__all__ = ["initial"]


def initial(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out lines after the header."""
    header, rest = shown.program.initial[:1], shown.program.initial[1:]

    def build(kept: list[Entry]) -> Case:
        program = msgspec.structs.replace(shown.program, initial=(*header, *kept))
        return Case(program, shown.choices)

    yield from fewer(rest, build)
