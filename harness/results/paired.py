"""Compares two fences schedule by schedule: in which schedules does only one of them violate.

Two schedules of the same number are a pair: seed and number decide the program of every lane
and the random numbers of the strategy. Counting pairs instead of two sums takes the programs out
of the comparison: a rogue that acted at a bad moment did so for both fences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from harness.results.stats import UNKNOWN

__all__ = ["ANY", "Comparison", "Difference", "compare", "mcnemar", "rows"]

#: All kinds of violation together.
ANY = "any violation"
_EXACT_MAX = 1000


class Difference(msgspec.Struct, frozen=True):
    """One kind of violation in the schedules of two fences.

    Args:
        only_here, only_there: schedules in which one of them shows it and the other does not.
        both: schedules in which both do.
        first_here, first_there: lowest number of those with one of them alone; -1 for none.
        p: of McNemar's exact test, two-sided: how probable at least so unequal numbers
            would be if both fences were as prone to it; None where they never differ.
    """

    only_here: int
    only_there: int
    both: int
    first_here: int
    first_there: int
    p: float | None


class Comparison(msgspec.Struct, frozen=True):
    """A fence compared with another.

    Args:
        against: the other one.
        schedules: that both ran to a known end; no others are compared.
        kinds: by kind of violation that either shows, and `ANY`.
    """

    against: str
    schedules: int
    kinds: dict[str, Difference]

    @property
    def differs(self) -> bool:
        """Return whether the fences differ in any schedule."""
        return any(one.only_here or one.only_there for one in self.kinds.values())


def compare(
    here: Mapping[int, Sequence[str]], there: Mapping[int, Sequence[str]], against: str
) -> Comparison:
    """Compare the violations of two fences.

    Args:
        here, there: `harness.results.stats.Stats.each` of both.
        against: name of the other.
    """
    common = sorted(
        index for index in here.keys() & there.keys() if UNKNOWN not in (here[index], there[index])
    )
    kinds = sorted({kind for index in common for kind in (*here[index], *there[index])})
    found = {}
    for kind in (ANY, *kinds):
        mine = {index for index in common if (kind in here[index] if kind != ANY else here[index])}
        yours = {index for index in common if (kind in there[index] if kind != ANY else there[index])}
        found[kind] = _difference(mine, yours)
    return Comparison(against, len(common), found)


def _difference(mine: set[int], yours: set[int]) -> Difference:
    only_here, only_there = mine - yours, yours - mine
    differ = only_here or only_there
    return Difference(
        len(only_here),
        len(only_there),
        len(mine & yours),
        min(only_here, default=-1),
        min(only_there, default=-1),
        float(f"{mcnemar(len(only_here), len(only_there)):.4g}") if differ else None,
    )


def mcnemar(one: int, other: int) -> float:
    """Return p of McNemar's exact test, two-sided (Psychometrika 1947): a coin toss for each differing pair.

    Args:
        one, other: pairs that differ in one way and in the other.
    """
    count, least = one + other, min(one, other)
    if count <= _EXACT_MAX:
        return min(1.0, 2 * sum(math.comb(count, k) for k in range(least + 1)) / (1 << count))
    logs = (
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) - count * math.log(2)
        for k in range(least + 1)
    )
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))


def rows(compared: Sequence[tuple[str, str, Comparison]]) -> list[tuple[str, ...]]:
    """Return a table of the differences, its head first; only the head where there are none.

    Args:
        compared: scenario, fence, and its comparison with another.
    """
    head = (
        *("scenario", "fence", "compared with", "kind", "only fence", "only other", "both"),
        *("schedules", "p (McNemar)"),
    )
    found: list[tuple[str, ...]] = [head]
    for scenario, fence, comparison in compared:
        for kind, one in comparison.kinds.items():
            # With one kind alone, the sum would only repeat it.
            shown = kind != ANY or len(comparison.kinds) > 2  # noqa: PLR2004  # that kind, and the sum
            if shown and (one.only_here or one.only_there):
                found.append(_row(scenario, fence, comparison, kind))
    return found


def _row(scenario: str, fence: str, comparison: Comparison, kind: str) -> tuple[str, ...]:
    one = comparison.kinds[kind]
    return (
        scenario,
        fence,
        comparison.against,
        kind.replace("_", " "),
        str(one.only_here),
        str(one.only_there),
        str(one.both),
        str(comparison.schedules),
        "-" if one.p is None else f"{one.p:.2g}",
    )
