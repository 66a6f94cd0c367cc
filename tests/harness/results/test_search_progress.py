"""The rest of a round is dealt out anew: nothing is lost, nothing comes twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from harness.results.schedule_ranges import joined
from harness.results.search_progress import Progress, Saver, Share, deal
from harness.results.stats import Stats
from harness.strategies import make


def numbers(ranges: Iterable[range]) -> list[int]:
    return sorted(itertools.chain.from_iterable(ranges))


def test_a_share_knows_its_next_schedule_and_those_left() -> None:
    share = Share([range(0, 6, 2), range(10, 12)])
    seen = []
    for done in range(5):
        share.done = done
        seen.append((share.next, numbers(share.left)))
    assert seen == [
        (0, [0, 2, 4, 10, 11]),
        (2, [2, 4, 10, 11]),
        (4, [4, 10, 11]),
        (10, [10, 11]),
        (11, [11]),
    ]
    share.done = 5
    assert share.left == []
    assert share.next > 1 << 40


def test_a_fresh_round_is_dealt_one_by_one() -> None:
    assert [share.ranges for share in deal([range(5, 10)], 2)] == [(range(5, 10, 2),), (range(6, 10, 2),)]


def test_families_are_dealt_whole() -> None:
    shares = deal([range(100, 600)], 2, make("guided"))
    assert sorted(numbers(one for share in shares for one in share.ranges)) == list(range(100, 600))
    for share in shares:
        assert [one.start for one in share.ranges] == sorted(one.start for one in share.ranges)
        assert all(one.start // 128 == one[-1] // 128 for one in share.ranges)
    assert abs(len(numbers(shares[0].ranges)) - len(numbers(shares[1].ranges))) <= 128


def test_a_surplus_explorer_gets_an_empty_share() -> None:
    shares = deal([range(3, 4)], 3)
    assert [len(share.ranges) for share in shares] == [1, 0, 0]
    assert deal([], 2)[0].ranges == ()


@pytest.mark.parametrize("counts", [(2, 3, 1), (5, 5, 5, 5), (1, 4)])
def test_in_resumed_rounds_each_schedule_comes_once(counts: tuple[int, ...]) -> None:
    left, ran = [range(17, 117)], []
    for turn, count in enumerate(counts):
        shares = deal(left, count)
        sizes = [sum(map(len, share.ranges)) for share in shares]
        assert max(sizes) - min(sizes) <= 1
        for number, share in enumerate(shares):
            # One of them is lost at once, the others get to different places.
            share.done = 0 if number == 1 else min(7 * (number + turn), sizes[number])
            ran += list(itertools.chain.from_iterable(share.ranges))[: share.done]
        left = joined(one for share in shares for one in share.left)
    assert sorted([*ran, *numbers(left)]) == list(range(17, 117))


def test_progress_is_saved_at_once_and_then_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, saved = [100.0], []

    def save(_: Progress) -> None:
        saved.append(clock[0])
        clock[0] += 0.1  # dear: every 5 s then

    monkeypatch.setattr("harness.results.search_progress.time.monotonic", lambda: clock[0])
    saver = Saver(save, lambda: Progress(0, "pos", (), Stats(), 0.0))
    for _ in range(30):
        saver.if_due()
        clock[0] += 0.5
    assert len(saved) == 3
    saver.now()
    assert len(saved) == 4
