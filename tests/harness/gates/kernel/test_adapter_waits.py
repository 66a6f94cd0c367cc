"""For how long a lane waits whose adapter has waited in real time."""

from __future__ import annotations

import pytest

from harness.gates.kernel.adapter_waits import rounded_up

MS = 1_000_000


@pytest.mark.parametrize(
    ("waited_ms", "held_ms"),
    [(0, 0), (8, 10), (10, 10), (10.1, 20), (49, 50), (99.7, 100), (100, 100), (249, 500), (60_000, 100_000)],
)
def test_a_wait_is_rounded_up(waited_ms: float, held_ms: int) -> None:
    assert rounded_up(round(waited_ms * MS)) == held_ms * MS
