"""The portfolio: shares by number of the schedule, rounds, and the shares of later rounds."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from harness.strategies import make
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, name_of, next_shares, rounds


def parts(portfolio: str, count: int, step: int = 1) -> Counter[str]:
    made = make(portfolio)
    assert isinstance(made, Portfolio)
    return Counter(made.part(index).name for index in range(0, count, step))


def test_the_first_shares_are_as_documented() -> None:
    found = parts("portfolio", 1000)
    assert {name: round(count / 10) for name, count in found.items()} == FIRST_SHARES
    assert sum(FIRST_SHARES.values()) == 100


def test_few_schedules_get_their_shares_too() -> None:
    found = parts("portfolio", 40)
    assert all(abs(found[name] - 0.4 * share) <= 2 for name, share in FIRST_SHARES.items()), found


def test_schedules_that_run_twice_cover_all_parts() -> None:
    found = parts("portfolio", 64 * 200, 64)
    assert all(abs(found[name] - 2 * share) < 8 for name, share in FIRST_SHARES.items()), found


def test_the_part_of_a_schedule_follows_from_its_number() -> None:
    one, other = make("portfolio"), make("portfolio")
    assert isinstance(one, Portfolio) and isinstance(other, Portfolio)
    later = [one.part(index).name for index in reversed(range(300))]
    assert later[::-1] == [other.part(index).name for index in range(300)]


def test_shares_can_be_written_into_the_name() -> None:
    name = name_of({"surw": 1, "pct:3": 2, "random": 1})
    assert name == "portfolio:surw=1,pct:3=2,random=1"
    found = parts(name, 400)
    assert set(found) == {"surw", "pct:3", "random"}
    assert abs(found["pct:3"] - 200) <= 2
    assert abs(found["surw"] - 100) <= 2


def test_a_part_that_learns_gets_whole_families() -> None:
    mixed, plain = make("portfolio:guided=25,surw=50,pos=50"), make("portfolio:surw=50,pos=50")
    guided = {index for index in range(1280) if mixed.part(index).name == "guided"}
    assert sorted(guided) == [*range(512, 640), *range(1152, 1280)]
    assert mixed.family(600) == range(512, 640)
    assert mixed.missing(600) == range(512, 600)
    assert mixed.family(641) == range(641, 642)
    others = [index for index in range(1280) if index not in guided]
    assert [mixed.part(one).name for one in others] == [plain.part(one).name for one in others]


@pytest.mark.parametrize("schedules", [1, 499, 500, 749, 750, 751, 1000, 1250, 2000, 20_000, 123_457])
def test_rounds_cover_each_schedule_once(schedules: int) -> None:
    found = list(rounds(schedules))
    assert found[0].start == 0
    assert found[-1].stop == schedules
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert all(len(one) >= 250 for one in found[1:])
    assert len(found) <= 1 + schedules.bit_length()


def test_the_first_round_does_not_depend_on_later_ones() -> None:
    assert list(rounds(5000))[:2] == list(rounds(50_000))[:2] == [range(500), range(500, 1000)]


@pytest.mark.parametrize(
    ("schedules", "lengths"),
    [
        (0, []),
        (1, [1]),
        (500, [500]),
        (749, [749]),
        (750, [500, 250]),
        (1000, [500, 500]),
        (1249, [500, 749]),
        (1250, [500, 500, 250]),
        (4000, [500, 500, 1000, 2000]),
    ],
)
def test_half_a_round_left_is_a_round_of_its_own(schedules: int, lengths: list[int]) -> None:
    assert [len(one) for one in rounds(schedules)] == lengths


RAN = {"surw": 500, "pct:2": 170, "pct:3": 160, "pos": 90, "random": 80}


def test_without_violations_the_shares_stay() -> None:
    found = next_shares(FIRST_SHARES, RAN, {})
    assert found == {name: 10 * share for name, share in FIRST_SHARES.items()}


def test_a_part_with_a_better_rate_gets_more() -> None:
    found = next_shares(FIRST_SHARES, RAN, {"pos": {"crash": 9}, "surw": {"crash": 5}})
    # Rates 0.1 and 0.01: of the half that changes, ten elevenths go to one part and one to the other.
    assert found["pos"] == round(45 + 500 * 10 / 11)
    assert found["surw"] == round(250 + 500 / 11)


def test_no_part_falls_below_half_of_its_share() -> None:
    found = next_shares(FIRST_SHARES, RAN, {"random": {"crash": 80}})
    assert all(found[name] >= 5 * share for name, share in FIRST_SHARES.items())
    assert found["random"] == 40 + 500


def test_rare_and_common_kinds_have_equal_weight() -> None:
    found_by_all = {name: {"false_positive": count} for name, count in RAN.items()}
    found_by_all["pct:3"] = found_by_all["pct:3"] | {"double_hold": 1}
    found = next_shares(FIRST_SHARES, RAN, found_by_all)
    assert found["pct:3"] == round(80 + 250 + 250 / 5)


def test_a_part_that_did_not_run_has_rate_zero() -> None:
    assert next_shares(FIRST_SHARES, {"surw": 3}, {"surw": {"crash": 1}})["surw"] == 750
