"""Leave out switches: without one, the running lane goes on."""

from __future__ import annotations

from collections.abc import Generator

from harness.shrink.shrink_pass import Answer, fewer
from harness.shrink.variant import Reproduction, Variant
from harness.strategies.switches import Switch

__all__ = ["fewer_switches"]


def fewer_switches(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Leave out switches that the violation does not need."""

    def build(kept: list[Switch]) -> Variant:
        return Variant(best.program, best.choices, tuple(kept))

    yield from fewer(best.switches(), build)
