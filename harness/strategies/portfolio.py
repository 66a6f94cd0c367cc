"""Mix strategies: no strategy finds most in every scenario, so each gets a share of the schedules.

The part that runs a schedule is a function of the schedule's number and of the shares. The shares of
the first round are fixed: about half SURW, a third PCT of depth 2 and 3, the rest POS and random walk.
Later rounds give more to the parts that found violations in the whole rounds before (`next_shares`),
but each part keeps at least half of its first share: the part that finds the common flaw need not find
the rare one.

A part that learns from its schedules gets whole families of consecutive numbers, spread evenly. The other
parts share the numbers between them as they would without it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast
from harness.strategies.strategy import Strategy

__all__ = ["FIRST_SHARES", "Portfolio", "name_of", "next_shares", "parse", "rounds"]

#: Percent of the schedules. In this order the random walk gets the first schedule: it needs no forecast
#: and so no calibration, and most flaws show at once.
FIRST_SHARES: dict[str, int] = {"surw": 50, "pos": 9, "random": 8, "pct:2": 17, "pct:3": 16}

_ROUND = 500
#: Its multiples are spread over 0 to 1 as evenly as possible, without any period.
_GOLDEN = (math.sqrt(5) - 1) / 2


class Portfolio(Strategy):
    """Several strategies under one name.

    Args:
        parts: strategies by name.
        shares: share of each part, in any unit.
    """

    name: ClassVar[str] = "portfolio"
    about: ClassVar[str] = (
        "the default: half SURW, a third PCT of depth 2 and 3, the rest POS and random walk; "
        "later rounds favour the parts that found violations"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self, parts: Mapping[str, Strategy], shares: Mapping[str, int]) -> None:
        self.family_size = max(parts[name].family_size for name in shares)
        self._learning = [
            (parts[name], share) for name, share in shares.items() if parts[name].family_size > 1
        ]
        self._others = [
            (parts[name], share) for name, share in shares.items() if parts[name].family_size == 1
        ]
        self._total = sum(shares.values())
        self._forecast: Forecast | None = None
        self._part = (self._others or self._learning)[0][0]

    def part(self, index: int) -> Strategy:
        """Return the part that runs the schedule of this number."""
        return self._owner(index).part(index)

    def family(self, index: int) -> range:
        """Return the family of the part that runs the schedule."""
        return self._owner(index).family(index)

    def missing(self, index: int) -> range:
        """Return what the part that runs the schedule has to have run before."""
        return self._owner(index).missing(index)

    def _owner(self, index: int) -> Strategy:
        if self._learning:
            block, share = index // self.family_size, sum(share for _, share in self._learning)
            before = block * share // self._total
            if (block + 1) * share // self._total > before:
                return _at(self._learning, (before + 1) * _GOLDEN % 1.0)
        return _at(self._others, (index + 1) * _GOLDEN % 1.0)

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Keep the forecast for the part that will be drawn."""
        self._forecast = forecast

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw a part at random and start it; a caller with a schedule's number asks `part` instead."""
        self._part = _at(self._others or self._learning, rng.random())
        self._part.set_forecast(self._forecast)
        self._part.begin(rng, lanes)

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the choice of the drawn part."""
        return self._part.pick(candidates)

    def end(self, steps: int) -> None:
        """End the schedule of the drawn part."""
        self._part.end(steps)


def _at(shares: Sequence[tuple[Strategy, int]], place: float) -> Strategy:
    """Return the part at a place from 0 to 1 in a row of parts that are as long as their shares."""
    place *= sum(share for _, share in shares)
    for part, share in shares:
        if place < share:
            return part
        place -= share
    return shares[-1][0]


def rounds(schedules: int) -> Iterator[range]:
    """Yield the numbers of the schedules of each round; a round is as long as all before it together.

    There are few rounds, because explorers wait for each other at the end of each.
    """
    first = 0
    while first < schedules:
        # A remainder that is too short for a round joins this one.
        stop = first + max(first, _ROUND)
        stop = schedules if schedules - stop < _ROUND // 2 else stop
        yield range(first, stop)
        first = stop


def next_shares(
    shares: Mapping[str, int], ran: Mapping[str, int], found: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Return the shares for the next round.

    Half of the schedules keeps the first shares. The other half is divided equally among the kinds of
    violation, and each kind is divided by the rates at which the parts found it. So a kind that many
    parts find does not outweigh a kind that one part finds.

    Args:
        shares: shares of the first round.
        ran: number of schedules so far by part.
        found: by part, number of schedules that showed each kind of violation.

    Returns:
        Shares in per mille of all, in the same order.
    """
    total = sum(shares.values())
    first = {name: share / total for name, share in shares.items()}
    kinds = sorted({kind for counts in found.values() for kind, count in counts.items() if count})
    earned = dict.fromkeys(shares, 0.0)
    for kind in kinds:
        rates = {
            name: found.get(name, {}).get(kind, 0) / ran[name] if ran.get(name) else 0.0 for name in shares
        }
        whole = math.fsum(rates.values())
        for name, rate in rates.items():
            earned[name] += rate / whole / len(kinds) if whole else first[name] / len(kinds)
    if not kinds:
        earned = first
    return {name: max(1, round(1000 * (first[name] + earned[name]) / 2)) for name in shares}


def name_of(shares: Mapping[str, int]) -> str:
    """Return the name of the portfolio with these shares, which `harness.strategies.make` accepts."""
    return f"{Portfolio.name}:" + ",".join(f"{name}={share}" for name, share in shares.items())


def parse(argument: str, make: Callable[[str], Strategy]) -> Portfolio:
    """Return the portfolio of the text that `name_of` writes after the colon.

    Raises:
        ValueError: the text is no list of ``NAME=SHARE``.
    """
    shares: dict[str, int] = {}
    for item in argument.split(","):
        name, _, share = item.rpartition("=")
        shares[name] = int(share)
        if not name or shares[name] < 1 or name.startswith(Portfolio.name):
            raise ValueError(item)
    return Portfolio({name: make(name) for name in shares}, shares)
