"""Test whether one of two samples is greater by a factor: the exact test of Mann and Whitney.

The test is for two small samples of ratios: it assumes no distribution, and an outlier counts no
more than any other value on its side. See H. B. Mann and D. R. Whitney, Annals of Mathematical
Statistics 18 (1947) 50; the shift and its interval are those of Hodges and Lehmann (1963).
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Shift", "holm", "p_greater", "shift"]


class Shift(NamedTuple):
    """The factor by which a sample is greater than another.

    Args:
        low, high: the interval that holds the factor with the confidence asked for.
        middle: median of all pairwise quotients.
    """

    low: float
    middle: float
    high: float


@functools.cache
def _arrangements(first: int, second: int) -> tuple[int, ...]:
    """Return in how many orders of two samples of these sizes U is 0, 1, 2 ...; Gauss's binomial."""
    counts = [1] + [0] * (first * second)
    for size in range(1, second + 1):
        # Times (1 - x^(first + size)), then over (1 - x^size).
        for at in range(len(counts) - 1, first + size - 1, -1):
            counts[at] -= counts[at - first - size]
        for at in range(size, len(counts)):
            counts[at] += counts[at - size]
    return tuple(counts)


def p_greater(before: Sequence[float], after: Sequence[float], by: float = 1.0) -> float:
    """Return how likely `after` is so much greater by chance, if truly at most `by` times `before`.

    Args:
        before, after: samples, all > 0; neither is empty.
        by: the factor.

    Returns:
        One-sided probability, exact without ties and never too small with them.
    """
    wins = sum(new > by * old for old in before for new in after)
    counts = _arrangements(len(before), len(after))
    return sum(counts[wins:]) / math.comb(len(before) + len(after), len(before))


def shift(before: Sequence[float], after: Sequence[float], confidence: float) -> Shift:
    """Return the factor by which `after` is greater than `before`.

    Args:
        before, after: samples, all > 0; neither is empty.
        confidence: of the interval, below 1. For samples that are too small the interval is the whole
            range of quotients.
    """
    quotients = sorted(new / old for old in before for new in after)
    counts = _arrangements(len(before), len(after))
    allowed = (1 - confidence) / 2 * math.comb(len(before) + len(after), len(before))
    cut, tail = 0, counts[0]
    while tail <= allowed:
        cut += 1
        tail += counts[cut]
    # U <= cut - 1 is unlikely enough: the interval begins at the quotient behind those.
    at = max(cut - 1, 0)
    return Shift(quotients[at], statistics.median(quotients), quotients[-1 - at])


def holm(chances: Mapping[str, float], alpha: float) -> set[str]:
    """Return which of many findings are significant: the chance that any of them is false is `alpha`.

    S. Holm, Scandinavian Journal of Statistics 6 (1979) 65.

    Args:
        chances: of each finding to be false.
        alpha: chance for all together.
    """
    significant: set[str] = set()
    ordered = sorted(chances.items(), key=lambda item: item[1])
    for left, (name, chance) in zip(range(len(ordered), 0, -1), ordered, strict=True):
        if chance * left > alpha:
            break
        significant.add(name)
    return significant
