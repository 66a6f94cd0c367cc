"""Strategies by name: one file each, one line here."""

from __future__ import annotations

from harness.errors import UsageError
from harness.strategies.pct import Pct
from harness.strategies.protocol import Strategy
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin

__all__ = ["STRATEGIES", "make"]

STRATEGIES: dict[str, type[Strategy]] = {
    RandomWalk.name: RandomWalk,
    Pct.name: Pct,
    RoundRobin.name: RoundRobin,
}


def make(name: str) -> Strategy:
    """A fresh strategy.

    Raises:
        UsageError: no strategy has that name.
    """
    if name not in STRATEGIES:
        raise UsageError(f"--strategy {name}: unknown, expected one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]()
