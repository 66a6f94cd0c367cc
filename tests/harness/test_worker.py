"""What a worker puts in the place of the clocks, and what is looked up before it is forked."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

from harness import worker
from harness.board import Clock

_KEY = "a_module_of_this_test"


class _Waits:
    @staticmethod
    def sleep(seconds: float) -> None:
        """In the place of the real one."""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The only module that is there, with a clock by name."""
    found = ModuleType(_KEY)
    found.now = time.monotonic  # type: ignore[attr-defined]  # as `from time import monotonic as now`
    found.when = time.strftime  # type: ignore[attr-defined]  # of `time`, and no clock
    ours = {name: sys.modules[name] for name in (worker.__name__,)}
    monkeypatch.setattr(worker, "_looked_up", {})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker.sys, "modules", {**ours, _KEY: found})
        yield found


def _bend() -> None:
    worker._bend_time(Clock(), _Waits())  # type: ignore[arg-type]  # all that it has a use for


def test_clocks_that_were_looked_up_beforehand_are_exchanged(module: ModuleType) -> None:
    worker._clocks_of(_KEY, module)
    _bend()
    assert module.now() == 0.0
    assert module.when is time.strftime
    assert worker._real_sleep is time.sleep


def test_a_module_that_came_later_or_grew_is_looked_at_again(module: ModuleType) -> None:
    worker._clocks_of(_KEY, module)
    module.nap = time.sleep  # type: ignore[attr-defined]
    later = ModuleType("another")
    later.now = time.time  # type: ignore[attr-defined]
    worker.sys.modules["another"] = later
    _bend()
    assert module.nap is _Waits.sleep
    assert later.now() == 0.0


def test_another_module_of_the_same_name_is_looked_at_again(module: ModuleType) -> None:
    worker._clocks_of(_KEY, module)
    other = ModuleType(_KEY)
    other.then, other.when = time.time, 0  # type: ignore[attr-defined]  # as many names
    worker.sys.modules[_KEY] = other
    _bend()
    assert other.then() == 0.0


def test_a_name_that_stands_for_something_else_by_now_is_left_alone(module: ModuleType) -> None:
    worker._clocks_of(_KEY, module)
    module.now = []  # type: ignore[attr-defined]
    _bend()
    assert module.now == []


def test_preparing_leaves_nothing_for_the_collector_to_look_at() -> None:
    before = gc.get_freeze_count()
    try:
        worker.prepare()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
