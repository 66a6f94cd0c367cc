"""Register the strategies by name: one file each, and one line here."""

from __future__ import annotations

from harness.model.errors import UsageError
from harness.strategies.delay import Delay
from harness.strategies.pct import Pct
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, parse
from harness.strategies.pos import Pos
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from harness.strategies.strategy import Strategy
from harness.strategies.surw import Surw
from harness.strategies.urw import Urw

__all__ = ["DEFAULT", "STRATEGIES", "make"]

STRATEGIES: dict[str, type[Strategy]] = {
    Portfolio.name: Portfolio,
    Surw.name: Surw,
    Urw.name: Urw,
    Pos.name: Pos,
    Pct.name: Pct,
    Delay.name: Delay,
    RandomWalk.name: RandomWalk,
    RoundRobin.name: RoundRobin,
}

DEFAULT = Portfolio.name

_NUMBERED: dict[str, type[Pct] | type[Delay]] = {Pct.name: Pct, Delay.name: Delay}
_NUMBER_MAX = 16


def make(name: str) -> Strategy:
    """Return a new strategy.

    Args:
        name: a key of `STRATEGIES`; ``pct:D`` for depth D, ``delay:D`` for D delays,
            ``portfolio:NAME=SHARE,...`` for a portfolio of other parts.

    Raises:
        UsageError: no strategy has that name.
    """
    kind, colon, argument = name.partition(":")
    try:
        if kind == Portfolio.name:
            if colon:
                return parse(argument, make)
            return Portfolio({part: make(part) for part in FIRST_SHARES}, FIRST_SHARES)
        if colon:
            number = int(argument)
            if not 1 <= number <= _NUMBER_MAX or str(number) != argument:
                raise ValueError(argument)
            return _NUMBERED[kind](number)
        return STRATEGIES[name]()
    except (KeyError, ValueError):
        raise UsageError(
            f"--strategy {name}: unknown, expected one of {', '.join(STRATEGIES)}, pct:D or delay:D with D "
            f"from 1 to {_NUMBER_MAX}, or portfolio:NAME=SHARE,...; see `python -m harness list strategies`"
        ) from None
