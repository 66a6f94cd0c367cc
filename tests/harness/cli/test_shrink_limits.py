"""How long a run lets a witness be shrunk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cli.shrink_sink import Shrinker
from harness.shrink import ShrinkJob


class _Coordinator:
    """Notes what it is asked for, and finds nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float]] = []

    def carry_out(self, work: Any, limit_s: float) -> Iterator[object]:
        self.asked.append((work.limit_s, limit_s))
        return iter(())


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ShrinkJob, "of", lambda witness, limit_s: SimpleNamespace(limit_s=limit_s))
    return _Coordinator()


def test_a_witness_gets_its_limit_where_the_run_has_none(coordinator: Any) -> None:
    witness: Any = None
    assert Shrinker(coordinator, 10.0, None).shrink(witness) is None
    assert coordinator.asked == [(10.0, 25.0)]


def test_shrinking_ends_with_the_time_of_the_run(coordinator: Any) -> None:
    witness: Any = None
    assert Shrinker(coordinator, 1e6, time.monotonic() + 1000).shrink(witness) is None
    ((limit_s, stopped_s),) = coordinator.asked
    assert 0 < limit_s <= 1000
    assert limit_s < stopped_s < limit_s + 60


def test_no_time_left_shrinks_nothing(coordinator: Any) -> None:
    witness: Any = None
    assert Shrinker(coordinator, 10.0, time.monotonic() - 1).shrink(witness) is None
    assert coordinator.asked == []
