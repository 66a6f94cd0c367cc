"""Fewer switches: each is left out in turn, so that the lane which goes goes on."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer, fewer
from harness.strategies.switches import Switch

__all__ = ["switches"]


def switches(shown: Shown) -> Generator[Case, Answer, None]:
    """Leave out switches."""

    def build(kept: list[Switch]) -> Case:
        return Case(shown.program, shown.choices, tuple(kept))

    yield from fewer(shown.switches(), build)
