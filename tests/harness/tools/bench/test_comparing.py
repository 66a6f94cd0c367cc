"""Made-up samples are called slower, same or faster, with few false alarms."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from harness.tools.bench.comparing import ALPHA, Change, compare, compare_all, worst
from harness.tools.bench.figures import Quantity
from tests.harness.tools.bench.made_up import figures, noisy, quantity

_STEADY = tuple(5 + number / 1000 for number in range(10))


def _change(before: Quantity, after: Quantity, times: bool = True) -> Change:
    (change,) = compare_all(figures(before), figures(after), times)
    return change


def _times(factor: float, samples: Sequence[float] = _STEADY) -> tuple[float, ...]:
    return tuple(factor * sample for sample in samples)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.15, "slower"), (1.04, "same"), (1.0, "same"), (0.96, "same"), (0.87, "faster")]
)
def test_only_changes_beyond_five_percent_are_slower_or_faster(factor: float, verdict: str) -> None:
    change = _change(quantity(ratios=_STEADY), quantity(ratios=_times(factor)))
    assert change.verdict == verdict
    assert change.factor == pytest.approx(factor, rel=0.01)
    assert change.low <= change.factor <= change.high


def test_a_large_difference_of_wild_samples_proves_nothing() -> None:
    wild = (3.0, 4.0, 5.0, 6.0, 12.0, 2.0, 7.0, 5.5, 4.5, 8.0)
    change = _change(quantity(ratios=wild), quantity(ratios=_times(1.15, wild)))
    assert change.verdict == "same"
    assert not change.sure


def test_same_is_sure_where_the_interval_stays_within_five_percent() -> None:
    assert _change(quantity(ratios=_STEADY), quantity(ratios=_times(1.02))).sure


def _alarms(rng: random.Random, factor: float, spread: float, tries: int) -> float:
    said = [
        compare({"q": noisy(rng, spread=spread)}, {"q": noisy(rng, factor, spread=spread)})["q"]
        for _ in range(tries)
    ]
    return sum(verdict != "same" for verdict in said) / tries


@pytest.mark.parametrize("spread", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("drift", [0.96, 1.0, 1.04])
def test_unchanged_work_is_rarely_called_slower_or_faster(spread: float, drift: float) -> None:
    """This holds also if the machine drifts by four percent."""
    assert _alarms(random.Random(1), drift, spread, 1000) <= 0.02


@pytest.mark.parametrize("spread", [0.01, 0.03, 0.04])
def test_fifteen_percent_more_are_found_in_four_of_five_times(spread: float) -> None:
    assert _alarms(random.Random(2), 1.15, spread, 300) >= 0.8


def test_many_quantities_share_one_chance_of_a_false_alarm() -> None:
    """The chance is greatest at the very edge of five percent."""
    rng, tries = random.Random(3), 200
    alarmed = 0
    for _ in range(tries):
        before = {str(number): noisy(rng) for number in range(100)}
        after = {str(number): noisy(rng, 1.05) for number in range(100)}
        alarmed += set(compare(before, after).values()) != {"same"}
    # With 1 % each, a share of 3 % or more is as good as impossible.
    assert alarmed / tries <= 3 * ALPHA


def test_one_slow_quantity_is_found_among_many() -> None:
    rng = random.Random(4)
    before = {str(number): noisy(rng) for number in range(100)}
    after = {str(number): noisy(rng, 1.3 if number == 7 else 1.0) for number in range(100)}
    assert {name for name, verdict in compare(before, after).items() if verdict != "same"} == {"7"}


# Counters


def test_a_grown_counter_is_slower_though_time_is_the_same() -> None:
    before = quantity(ratios=_STEADY, counters={"steps": 300, "traps": 280})
    change = _change(before, quantity(ratios=_STEADY, counters={"steps": 300, "traps": 281}))
    assert change.verdict == "same"
    assert change.counters == {"traps": (280, 281)}
    assert worst([change]) == "slower"


def test_a_counter_that_shrank_is_faster() -> None:
    change = _change(quantity(counters={"bytes_hashed": 2}), quantity(counters={"bytes_hashed": 1}))
    assert worst([change]) == "faster"


def test_counters_are_compared_though_the_references_differ() -> None:
    """This is so when a fence begins to hash."""
    before = quantity(ratios=_STEADY, against="a plain turn", counters={"bytes_hashed": 0})
    change = _change(before, quantity(ratios=_STEADY, counters={"bytes_hashed": 9}))
    assert change.counters == {"bytes_hashed": (0, 9)}


def test_equal_counters_say_nothing() -> None:
    change = _change(quantity(counters={"steps": 2}), quantity(counters={"steps": 2}))
    assert change.counters == {}
    assert worst([change]) == "not compared"


# Files that cannot be compared


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (
            quantity(ratios=_STEADY, setup="another"),
            quantity(ratios=_STEADY),
            "its setup has changed",
        ),
        (quantity(ratios=_STEADY), quantity(ratios=_STEADY, doubt="unknown truth"), "unknown truth"),
        (quantity(ratios=_STEADY, doubt="unknown"), quantity(ratios=_STEADY), "the baseline says: unknown"),
        (quantity(), quantity(), "nothing was timed"),
        (
            quantity(ratios=_STEADY, against="a plain turn"),
            quantity(ratios=_STEADY),
            "measured against 'a plain turn' then and 'reference' now",
        ),
        (quantity(ratios=_STEADY[:4]), quantity(ratios=_STEADY), "4 samples then and 10 now"),
    ],
)
def test_unlike_quantities_are_not_compared_with_a_reason(
    before: Quantity, after: Quantity, why: str
) -> None:
    change = _change(before, after)
    assert change.verdict == "not compared"
    assert why in change.why


def test_counters_of_another_setup_are_not_compared() -> None:
    before = quantity(ratios=_STEADY, setup="another", counters={"steps": 1})
    assert _change(before, quantity(ratios=_STEADY, counters={"steps": 2})).counters == {}


def test_only_counters_of_another_machine_are_compared() -> None:
    before = quantity(ratios=_STEADY, counters={"steps": 1})
    change = _change(before, quantity(ratios=_times(3.0), counters={"steps": 2}), times=False)
    assert (change.verdict, change.why) == ("not compared", "another machine")
    assert change.counters == {"steps": (1, 2)}


def test_a_quantity_of_only_one_run_is_left_out() -> None:
    assert compare_all(figures(quantity("a")), figures(quantity("b")), True) == []
    assert worst([]) == "not compared"


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    def verdict(*factors: float) -> str:
        before = figures(*(quantity(str(at), _STEADY) for at in range(len(factors))))
        after = figures(*(quantity(str(at), _times(factor)) for at, factor in enumerate(factors)))
        return worst(compare_all(before, after, True))

    assert verdict(1.0, 1.0) == "same"
    assert verdict(1.0, 0.5) == "faster"
    assert verdict(0.5, 2.0, 1.0) == "slower"
