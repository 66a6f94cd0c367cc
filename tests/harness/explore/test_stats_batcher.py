"""Statistics leave an explorer in batches: soon at first, then every tenth of a second."""

from __future__ import annotations

import pytest

from harness.explore.stats_batcher import StatsBatcher

PEAK = {"explorer": 7}


class _Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("harness.explore.stats_batcher.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    return _Clock(monkeypatch)


def test_batches_are_due_soon_and_then_every_tenth_second(clock: _Clock) -> None:
    batcher = StatsBatcher(False, lambda: PEAK)
    # At first after twice the time; 7/64 is the first moment after a tenth of a second.
    due_s = []
    for _ in range(60):
        if batcher.due():
            due_s.append(clock.now - 100.0)
            batcher.flush_in_turn()
        clock.now += 1 / 64
    assert due_s == [step / 64 for step in (0, 1, 2, 4, 8, 15, 22, 29, 36, 43, 50, 57)]


def test_a_flush_begins_an_empty_batch(clock: _Clock) -> None:
    batcher = StatsBatcher(False, lambda: PEAK)
    batcher.stats.schedules = 3
    assert batcher.flush().schedules == 3
    assert batcher.stats.schedules == 0 and batcher.stats.each is None


def test_an_empty_batch_has_no_schedules(clock: _Clock) -> None:
    batcher = StatsBatcher(True, lambda: PEAK)
    assert batcher.flush().each == {} and batcher.flush().each == {}


def test_memory_is_measured_every_two_seconds_and_last(clock: _Clock) -> None:
    batcher = StatsBatcher(False, lambda: PEAK)
    measured = []
    for _ in range(50):
        if batcher.flush_in_turn().peak_bytes:
            measured.append(clock.now - 100.0)
        clock.now += 0.125
    assert measured == [0.125, 2.125, 4.125, 6.125]
    last = batcher.flush_last({"gateway": {"threads": 1}})
    assert (last.peak_bytes, last.workers) == (PEAK, {"gateway": {"threads": 1}})
