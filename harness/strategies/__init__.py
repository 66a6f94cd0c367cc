"""Strategies by name: one file each, one line here.

A strategy from outside is an entry point of the group ``takeover_harness.strategies``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from fence.registry import Registry
from harness.model.errors import ExtensionError, UsageError
from harness.strategies.delay import Delay
from harness.strategies.guided import Guided
from harness.strategies.pct import Pct
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, parse
from harness.strategies.pos import Pos
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from harness.strategies.strategy import Strategy
from harness.strategies.surw import Surw
from harness.strategies.urw import Urw

__all__ = ["DEFAULT", "STRATEGIES", "blamed", "make"]

_MEMBERS: Final[tuple[type[Strategy], ...]] = (
    Portfolio,
    Surw,
    Urw,
    Pos,
    Pct,
    Delay,
    Guided,
    RandomWalk,
    RoundRobin,
)
_NEEDED: Final = ("name", "about", "begin", "pick", "end")


def _fault(name: str, found: object) -> str:
    missing = [one for one in _NEEDED if not hasattr(found, one)]
    if not isinstance(found, type) or missing:
        return f"is no class with {', '.join(_NEEDED)}; see harness.strategies.strategy"
    own = vars(found).get("name")
    return "" if own == name else f"its name is {own!r}, expected {name!r}"


#: Every strategy by name.
STRATEGIES: Final[Registry[type[Strategy]]] = Registry(
    "strategy",
    "takeover_harness.strategies",
    {str(member.name): member for member in _MEMBERS},
    _fault,
    error=UsageError,
)

DEFAULT = Portfolio.name

_NUMBERED: dict[str, type[Pct] | type[Delay]] = {Pct.name: Pct, Delay.name: Delay}
_NUMBER_MAX = 16


def make(name: str) -> Strategy:
    """Return a fresh strategy.

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
        if name in STRATEGIES.built_in:
            return STRATEGIES[name]()
        member = STRATEGIES[name]
    except (KeyError, ValueError):
        raise UsageError(
            f"--strategy {name}: unknown, expected one of {', '.join(STRATEGIES)}, pct:D or delay:D with D "
            f"from 1 to {_NUMBER_MAX}, or portfolio:NAME=SHARE,...; see `python -m harness list strategies`"
        ) from None
    with blamed(member):
        return member()


@contextlib.contextmanager
def blamed(strategy: Strategy | type[Strategy]) -> Iterator[None]:
    """Say of an error of a strategy from outside which one it was; one of ours is passed on.

    Raises:
        ExtensionError: the strategy is of a package or of a user's file.
    """
    try:
        yield
    except Exception as error:  # a user's class may raise anything
        name = strategy.name.partition(":")[0] if isinstance(strategy.name, str) else ""
        origin = STRATEGIES.origin(name) if name else None
        if origin is None:
            raise
        raise ExtensionError(
            f"strategy {name} of {origin.text}: raised {type(error).__name__}, or picked a lane that "
            f"is no candidate: {error}"
        ) from error
