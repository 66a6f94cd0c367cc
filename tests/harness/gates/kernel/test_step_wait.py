"""A worker that is gone is not waited for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel.step_wait import StepWait


@pytest.mark.parametrize("has_children", [True, False])
def test_a_worker_that_is_gone_stops_no_lane_again(has_children: bool) -> None:
    """One of its lanes slept when it ended, so that there is something to outwait."""
    state: Any = SimpleNamespace(wall_limit_s=1.0)
    worker: Any = SimpleNamespace(
        must_replace=True, has_children=has_children, sleeping_lanes=1, tracees={}, lanes=[]
    )
    assert not StepWait(state).outwait(worker)
