"""Make up figures for tests."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.system.machine import Facts
from harness.tools.bench.figures import Figures, Quantity, mark_of
from harness.tools.bench.reference import VERSION

__all__ = ["MACHINE", "figures", "noisy", "quantity"]

MACHINE: Facts = {"processor": "made up", "cores": 2, "load": 0.0}


def noisy(
    rng: random.Random, factor: float = 1.0, count: int = 10, spread: float = 0.03
) -> tuple[float, ...]:
    """Return ratios as on a loaded machine: most near each other, some far above."""
    return tuple(
        factor * 5 * rng.lognormvariate(0, spread) * (1.5 if rng.random() < 0.05 else 1.0)
        for _ in range(count)
    )


def quantity(
    name: str = "step of s / f",
    ratios: Sequence[float] = (),
    setup: str = "the same",
    counters: dict[str, int] | None = None,
    doubt: str = "",
    against: str = "reference",
) -> Quantity:
    """Return one quantity of the part `scenarios`."""
    return Quantity(
        name,
        "scenarios",
        "us",
        mark_of({"setup": setup}),
        ratios=tuple(ratios),
        counters=counters or {},
        doubt=doubt,
        against=against,
    )


def figures(*quantities: Quantity) -> Figures:
    """Return a whole benchmark of such quantities."""
    return Figures.of(MACHINE, VERSION, 2.0, ("scenarios",), quantities, None, False)
