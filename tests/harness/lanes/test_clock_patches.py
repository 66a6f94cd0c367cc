"""Test the clocks that a worker replaces, and the search for them before the fork."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from types import ModuleType

import pytest

from harness.lanes import clock_patches

_KEY = "a_module_of_this_test"


def _sleep(seconds: float) -> None:
    """Replace the real sleep."""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Provide the only loaded module, with a clock by name."""
    found = ModuleType(_KEY)
    found.now = time.monotonic  # type: ignore[attr-defined]  # as `from time import monotonic as now`
    found.when = time.strftime  # type: ignore[attr-defined]  # of `time`, and no clock
    monkeypatch.setattr(clock_patches, "_found", clock_patches._ClockNames())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            clock_patches.sys,
            "modules",
            {clock_patches.__name__: sys.modules[clock_patches.__name__], _KEY: found},
        )
        yield found


def test_an_id_of_the_time_counts_on_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "_generate_time_safe", lambda: (b"\xff" * 16, 0))
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)

    def made() -> uuid.UUID:
        clock_patches.forget_last_ids()
        return uuid.uuid1(node=1, clock_seq=2)

    assert made() == made() != uuid.uuid1(node=1, clock_seq=2)
    # The C library's own counter would decide here.
    assert uuid.uuid1().bytes != b"\xff" * 16


def _bend() -> None:
    clock_patches.replace_clocks(lambda: 5_000_000_000, _sleep)


def test_clocks_found_beforehand_are_replaced(module: ModuleType) -> None:
    clock_patches.find_clocks()
    _bend()
    assert module.now() == 5.0
    assert module.when is time.strftime


def test_every_clock_shows_virtual_time(module: ModuleType) -> None:
    names = ["time", "monotonic", "perf_counter", "clock_gettime"]
    for name in names:
        setattr(module, name, getattr(time, name))
        setattr(module, f"{name}_ns", getattr(time, f"{name}_ns"))
    module.sleep = time.sleep  # type: ignore[attr-defined]
    _bend()
    assert [module.time(), module.monotonic(), module.perf_counter(), module.clock_gettime(1)] == [5.0] * 4
    told = [module.time_ns(), module.monotonic_ns(), module.perf_counter_ns(), module.clock_gettime_ns(1)]
    assert told == [5_000_000_000] * 4
    assert module.sleep is _sleep


def test_new_and_grown_modules_are_searched(module: ModuleType) -> None:
    clock_patches.find_clocks()
    module.nap = time.sleep  # type: ignore[attr-defined]
    later = ModuleType("another")
    later.now = time.time  # type: ignore[attr-defined]
    clock_patches.sys.modules["another"] = later
    _bend()
    assert module.nap is _sleep
    assert later.now() == 5.0


def test_another_module_of_the_same_name_is_searched_again(module: ModuleType) -> None:
    clock_patches.find_clocks()
    other = ModuleType(_KEY)
    other.then, other.when = time.time, 0  # type: ignore[attr-defined]  # as many names
    clock_patches.sys.modules[_KEY] = other
    clock_patches.sys.modules["another"] = ModuleType("another")
    _bend()
    assert other.then() == 5.0


@pytest.mark.parametrize("came", [True, False])
def test_a_name_that_is_no_clock_any_more_stays(module: ModuleType, came: bool) -> None:
    clock_patches.find_clocks()
    module.now = []  # type: ignore[attr-defined]
    if came:
        clock_patches.sys.modules["another"] = ModuleType("another")
    _bend()
    assert module.now == []


def test_an_unchanged_set_of_modules_is_not_searched_again(module: ModuleType) -> None:
    clock_patches.find_clocks()
    known = clock_patches._found.places
    assert known == [(module, "now", time.monotonic)]
    clock_patches.find_clocks()
    assert clock_patches._found.places is known


def test_the_harness_itself_sleeps_in_real_time(module: ModuleType) -> None:
    clock_patches.sys.modules["time"] = time
    with pytest.MonkeyPatch.context() as patched:
        for name in vars(time).keys() & {place[1] for place in _places_of_time()}:
            patched.setattr(time, name, getattr(time, name))
        began = time.monotonic_ns()
        clock = time.clock_gettime_ns
        _bend()
        assert time.sleep is _sleep
        clock_patches.sleep_in_real_time(0.01)
        assert clock(time.CLOCK_MONOTONIC) - began >= 10_000_000


def _places_of_time() -> list[tuple[ModuleType, str, object]]:
    clock_patches.find_clocks()
    return [place for place in clock_patches._found.places if place[0] is time]
