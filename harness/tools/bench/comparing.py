"""Compare the figures of two runs: slower, same or faster.

A quantity is slower when its ratios to the reference are significantly more than five
percent above those of the baseline: the test is of five percent, not of nothing, so neither a
lucky sample nor a sure but small difference is enough. All quantities share one chance of a false
alarm. Counters need no statistics: they are equal or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from harness.tools.bench.figures import Figures, Part, Quantity
from harness.tools.bench.ranks import holm, p_greater, shift

__all__ = [
    "ALPHA",
    "MARGIN",
    "SAMPLES_MIN",
    "Change",
    "Verdict",
    "compare",
    "compare_all",
    "worst",
]

#: Beyond this factor, either way, a quantity is no longer the same.
MARGIN = 1.05
#: Chance that any quantity at all is called slower or faster although none is.
ALPHA = 0.01
#: With fewer samples nothing is compared.
SAMPLES_MIN = 5

_CONFIDENCE = 0.95

Verdict = Literal["slower", "same", "faster", "not compared"]


class Change(msgspec.Struct, frozen=True):
    """The change of one quantity.

    Args:
        name, part: of the quantity.
        verdict: of its time.
        factor: by which it takes longer; the median of all pairs of samples.
        low, high: where the factor is with 95 % confidence.
        p: chance of such a difference if the true one is within the margin.
        counters: those that differ, (then, now) by name.
        why: why the time was not compared; empty when it was.
    """

    name: str
    part: Part
    verdict: Verdict
    factor: float = 1.0
    low: float = 1.0
    high: float = 1.0
    p: float = 1.0
    counters: dict[str, tuple[int, int]] = {}
    why: str = ""

    @property
    def sure(self) -> bool:
        """Return whether *same* is proved, and not only the lack of another verdict."""
        return self.low > 1 / MARGIN and self.high < MARGIN


def compare(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]
) -> dict[str, Verdict]:
    """Return verdicts on the ratios of quantities, by name; all share one chance of a false alarm.

    Args:
        before, after: ratios to the reference, none of them empty.
    """
    slower = {name: p_greater(before[name], after[name], MARGIN) for name in before}
    faster = {name: p_greater(after[name], before[name], MARGIN) for name in before}
    significant = holm({name: _chance(slower[name], faster[name]) for name in before}, ALPHA)
    return {
        name: "same" if name not in significant else "slower" if slower[name] < faster[name] else "faster"
        for name in before
    }


def _chance(slower: float, faster: float) -> float:
    """Return the chance of a false alarm either way."""
    return min(1.0, 2 * min(slower, faster))


def compare_all(before: Figures, after: Figures, times: bool) -> list[Change]:
    """Compare two benchmarks and return the change of each quantity that both have.

    Args:
        before: the baseline.
        after: what was measured now.
        times: whether the times may be compared: not those of two machines.
    """
    known = {quantity.name: quantity for quantity in before.quantities}
    pairs = [(known[now.name], now) for now in after.quantities if now.name in known]
    reasons = {now.name: _incomparable(then, now, times) for then, now in pairs}
    fair = [(then, now) for then, now in pairs if not reasons[now.name]]
    verdicts = compare(
        {then.name: then.ratios for then, _ in fair}, {now.name: now.ratios for _, now in fair}
    )
    return [_change(then, now, verdicts.get(now.name), reasons[now.name]) for then, now in pairs]


def _incomparable(then: Quantity, now: Quantity, times: bool) -> str:
    if then.setup != now.setup:
        return "its setup has changed"
    if then.against != now.against:
        return f"measured against {then.against!r} then and {now.against!r} now"
    if now.doubt or then.doubt:
        return now.doubt or f"the baseline says: {then.doubt}"
    if not now.ratios and not then.ratios:
        return "nothing was timed"
    if min(len(now.ratios), len(then.ratios)) < SAMPLES_MIN:
        return f"{len(then.ratios)} samples then and {len(now.ratios)} now, at least {SAMPLES_MIN} are needed"
    return "" if times else "another machine"


def _change(then: Quantity, now: Quantity, verdict: Verdict | None, why: str) -> Change:
    counters = _counted(then, now)
    if verdict is None:
        return Change(now.name, now.part, "not compared", counters=counters, why=why)
    low, factor, high = shift(then.ratios, now.ratios, _CONFIDENCE)
    chance = _chance(p_greater(then.ratios, now.ratios, MARGIN), p_greater(now.ratios, then.ratios, MARGIN))
    return Change(now.name, now.part, verdict, factor, low, high, chance, counters)


def _counted(then: Quantity, now: Quantity) -> dict[str, tuple[int, int]]:
    """Return the steady counters of the same setup that differ, (then, now) by name."""
    if then.setup != now.setup:
        return {}
    both = [name for name in now.counters if name in then.counters]
    return {
        name: (then.counters[name], now.counters[name])
        for name in both
        if then.counters[name] != now.counters[name]
    }


def worst(changes: Sequence[Change]) -> Verdict:
    """Return the verdict on the whole: slower if anything takes longer or counts more."""
    verdicts = {change.verdict for change in changes}
    moves = [now - then for change in changes for then, now in change.counters.values()]
    if "slower" in verdicts or any(move > 0 for move in moves):
        return "slower"
    if "faster" in verdicts or moves:
        return "faster"
    return "same" if "same" in verdicts else "not compared"
