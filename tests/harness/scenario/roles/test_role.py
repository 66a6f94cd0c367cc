from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scenario.roles import ROLES
from harness.scenario.roles.role import Ids, choose, geometric, highest, is_name, is_ordered, pick

spans = st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(lambda ends: (min(ends), max(ends)))


class Fixed(random.Random):
    """Returns one number repeatedly."""

    def __init__(self, number: float) -> None:
        super().__init__(0)
        self.number = number

    def random(self) -> float:
        return self.number


@given(spans, st.integers())
def test_a_draw_lies_in_its_range(span: tuple[int, int], seed: int) -> None:
    assert span[0] <= pick(random.Random(seed), span) <= span[1] == highest(span)


@given(spans)
def test_both_ends_of_a_range_can_be_drawn(span: tuple[int, int]) -> None:
    assert pick(Fixed(0.0), span) == span[0]
    assert pick(Fixed(1 - 2**-53), span) == span[1]


def test_a_fixed_number_costs_no_draw() -> None:
    rng = random.Random(1)
    before = rng.getstate()
    assert pick(rng, 7) == highest(7) == 7
    assert rng.getstate() == before


@given(st.lists(st.integers(), min_size=1))
def test_a_choice_is_one_of_the_items(items: list[int]) -> None:
    assert choose(Fixed(0.0), items) == items[0]
    assert choose(Fixed(1 - 2**-53), items) == items[-1]


@pytest.mark.parametrize("rate", [1.0, 5.0, 30.0])
def test_waits_have_the_mean_that_the_rate_asks_for(rate: float) -> None:
    rng = random.Random(3)
    waits = [geometric(rng, rate) for _ in range(20_000)]
    # One activity and the wait before it take 100 / rate points together.
    expected = 100 / rate - 1
    assert statistics.fmean(waits) == pytest.approx(expected, rel=0.05)


def test_waits_follow_the_geometric_distribution_exactly() -> None:
    # P(wait >= n) is (1 - p) ** n; with p = 1/2 the borders are powers of two.
    assert [geometric(Fixed(rest), 50) for rest in (0.75, 0.5, 0.49, 0.25, 0.2, 0.1)] == [0, 0, 1, 1, 2, 3]
    assert geometric(Fixed(0.0), 100) == 0
    assert geometric(Fixed(0.0), 0.001) == 4095


def test_ids_are_unique_and_carry_the_lanes_name() -> None:
    ids = Ids("cron", (0, 5))
    entries = ids.entries(random.Random(1), ("user", "custom"), 3)
    assert [entry.id for entry in entries] == ["cron-1", "cron-2", "cron-3"]
    assert ids.next() == "cron-4"


def test_valid_names_and_ranges_are_recognized() -> None:
    assert all(map(is_name, ("a", "gateway-2", "A.b_c")))
    assert not any(map(is_name, ("", "-a", "a b", "../a", "_before", "a" * 41, "a\n")))
    assert is_ordered((1, 1))
    assert not is_ordered((2, 1))


def test_the_registry_holds_every_role_under_its_own_name() -> None:
    assert list(ROLES) == ["runner", "heartbeat", "cron", "ingress", "compactor", "editor", "program"]
    assert [name for name, role in ROLES.items() if not role.participant] == ["editor", "program"]
    for name, role in ROLES.items():
        assert role.name == name
        assert role.about.endswith(".")


def test_several_lanes_of_one_kind_are_numbered() -> None:
    settings = ROLES["cron"].settings
    assert settings(role="cron").names() == ("cron",)
    assert settings(role="cron", count=2).names() == ("cron-1", "cron-2")
    assert settings(role="cron", name="job", count=2).names() == ("job-1", "job-2")
