"""The portfolio: no strategy wins alone, so each gets a share of the schedules.

Which part runs a schedule is a function of the schedule's number and of the shares.
The shares of the first round are fixed: about half SURW, a third PCT of depth 2 and
3, the rest POS and random walk. A later round leans towards the parts that found
something in the whole rounds before it (`lean`), but no part ever gets less than
half of its first share: what finds the common flaw need not find the rare one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast
from harness.strategies.strategy import Strategy

__all__ = ["FIRST_SHARES", "Portfolio", "lean", "parse", "rounds", "spelled"]

#: Percent of the schedules. In this order the very first one goes to the random walk, which needs no
#: forecast and so no calibration: most flaws are wide open.
FIRST_SHARES: dict[str, int] = {"surw": 50, "pos": 9, "random": 8, "pct:2": 17, "pct:3": 16}

_ROUND = 500
#: Multiples of it are spread as evenly over 0 to 1 as can be, and not in step with any period.
_GOLDEN = (math.sqrt(5) - 1) / 2


class Portfolio(Strategy):
    """Several strategies behind one name.

    Args:
        parts: strategies by name.
        shares: of each, in any unit.
    """

    name: ClassVar[str] = "portfolio"
    about: ClassVar[str] = (
        "the default: half SURW, a third PCT of depth 2 and 3, the rest POS and random walk; "
        "later rounds lean towards what found something"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self, parts: Mapping[str, Strategy], shares: Mapping[str, int]) -> None:
        self._parts = [parts[name] for name in shares]
        self._shares = list(shares.values())
        self._total = sum(self._shares)
        self._forecast: Forecast | None = None
        self._part = self._parts[0]

    def part(self, index: int) -> Strategy:
        """What runs the schedule of this number."""
        return self._at((index + 1) * _GOLDEN % 1.0)

    def _at(self, place: float) -> Strategy:
        place *= self._total
        for part, share in zip(self._parts, self._shares, strict=True):
            if place < share:
                return part
            place -= share
        return self._parts[-1]

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Keep it for the part that is drawn."""
        self._forecast = forecast

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Where nobody asked for the part of a numbered schedule, it is drawn."""
        self._part = self._at(rng.random())
        self._part.set_forecast(self._forecast)
        self._part.begin(rng, lanes)

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """What the part says."""
        return self._part.pick(candidates)

    def end(self, steps: int) -> None:
        """The part's schedule is over."""
        self._part.end(steps)


def rounds(schedules: int) -> Iterator[range]:
    """Numbers of the schedules of each round; each is as long as all before it together.

    Few rounds, for explorers wait for each other at the end of one.
    """
    first = 0
    while first < schedules:
        # What would be left over for a short last round joins this one.
        stop = first + max(first, _ROUND)
        stop = schedules if schedules - stop < _ROUND // 2 else stop
        yield range(first, stop)
        first = stop


def lean(
    shares: Mapping[str, int], ran: Mapping[str, int], found: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Shares for the next round.

    Half of the schedules stays as it is. The other half is dealt by what paid: each
    kind of violation has the same to give, and gives it by the parts' rates of
    finding it, so that what many find does not drown what one finds.

    Args:
        shares: of the first round.
        ran: schedules so far by part.
        found: by part, schedules that showed each kind of violation.

    Returns:
        Shares in per mille of all, in the same order; they depend on whole numbers alone.
    """
    total = sum(shares.values())
    first = {name: share / total for name, share in shares.items()}
    kinds = sorted({kind for counts in found.values() for kind, count in counts.items() if count})
    paid = dict.fromkeys(shares, 0.0)
    for kind in kinds:
        rates = {
            name: found.get(name, {}).get(kind, 0) / ran[name] if ran.get(name) else 0.0 for name in shares
        }
        whole = math.fsum(rates.values())
        for name, rate in rates.items():
            paid[name] += rate / whole / len(kinds) if whole else first[name] / len(kinds)
    if not kinds:
        paid = first
    return {name: max(1, round(1000 * (first[name] + paid[name]) / 2)) for name in shares}


def spelled(shares: Mapping[str, int]) -> str:
    """The portfolio with these shares, as `harness.strategies.make` takes it."""
    return f"{Portfolio.name}:" + ",".join(f"{name}={share}" for name, share in shares.items())


def parse(argument: str, make: Callable[[str], Strategy]) -> Portfolio:
    """What `spelled` wrote after the colon.

    Raises:
        ValueError: it is no list of ``NAME=SHARE``.
    """
    shares: dict[str, int] = {}
    for item in argument.split(","):
        name, _, share = item.rpartition("=")
        shares[name] = int(share)
        if not name or shares[name] < 1 or name.startswith(Portfolio.name):
            raise ValueError(item)
    return Portfolio({name: make(name) for name in shares}, shares)
