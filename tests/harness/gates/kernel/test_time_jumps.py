"""How far time may jump for a lane that is the next to ask for a lock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel import time_jumps

pytestmark = pytest.mark.requires("modules from source")

NOW, SECOND = 5_000, 1_000_000_000


def jumps_to(monkeypatch: pytest.MonkeyPatch, timer_ns: int | None) -> int:
    state: Any = SimpleNamespace(later=lambda ns: NOW + ns, timers_set=timer_ns is not None)
    monkeypatch.setattr(time_jumps, "first_timer_ns", lambda _: timer_ns)
    return time_jumps.may_jump_to(state)


@pytest.mark.parametrize("timer_ns", [None, NOW + 2 * SECOND])
def test_time_jumps_by_a_second_at_most(monkeypatch: pytest.MonkeyPatch, timer_ns: int | None) -> None:
    assert jumps_to(monkeypatch, timer_ns) == NOW + SECOND


def test_time_does_not_jump_to_a_timer_that_would_interrupt_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jumps_to(monkeypatch, NOW + 70) == NOW + 69
