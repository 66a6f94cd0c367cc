"""A worker that is gone is not waited for; one that a user has stopped is."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel import process_tree, quiescence
from harness.gates.kernel.interference import NO_LIMIT_S
from harness.gates.kernel.quiescence import Halted, Rest
from harness.gates.kernel.step_wait import StepWait


@pytest.mark.parametrize("has_children", [True, False])
def test_a_worker_that_is_gone_stops_no_lane_again(has_children: bool) -> None:
    """One of its lanes slept when it ended, so that there is something to outwait."""
    state: Any = SimpleNamespace(wall_limit_s=1.0)
    worker: Any = SimpleNamespace(
        must_replace=True, has_children=has_children, sleeping_lanes=1, tracees={}, lanes=[]
    )
    assert not StepWait(state).outwait(worker)


def test_a_halted_worker_is_waited_for_in_one_call_where_a_user_debugs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The gate settles anew after each wait that says a lane may go, so each halt would deepen its stack."""
    halts = iter(range(3))

    def asleep(*_: object) -> Rest | None:
        if next(halts, None) is not None:
            raise Halted(1, False)
        return Rest([[1]], [])

    monkeypatch.setattr(quiescence, "asleep", asleep)
    monkeypatch.setattr(process_tree, "_PAUSE_S", 0)
    state: Any = SimpleNamespace(wall_limit_s=NO_LIMIT_S, signals=SimpleNamespace(stopping=False))
    reading, writing = os.pipe()
    worker: Any = SimpleNamespace(
        must_replace=False,
        has_children=False,
        sleeping_lanes=1,
        pid=1,
        tasks={},
        listener=reading,
        board=SimpleNamespace(code=SimpleNamespace(attended=False)),
    )
    try:
        assert not StepWait(state).outwait(worker)
    finally:
        os.close(reading)
        os.close(writing)
    assert next(halts, None) is None
