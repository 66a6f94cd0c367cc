"""Figures of scenarios and controls count steps and traps of real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fence import load as load_fence
from fence.controls.control import Control
from harness.explore.explorer import ticking
from harness.scenario import Scenario, load
from harness.tools.bench.control_latency import ControlBench
from harness.tools.bench.figures import Quantity
from harness.tools.bench.scenario_cost import Sampler, ScenarioBench, together

pytestmark = pytest.mark.requires("kernel-gate")

SCENARIOS = Path(__file__).parents[4] / "scenarios"


def _scenario(name: str = "quickstart") -> Scenario:
    return load(str(SCENARIOS / f"{name}.yaml"))


def _measured(bench: ScenarioBench | ControlBench, root: Path) -> Quantity:
    with ticking():
        *references, found = bench.run(str(root))
    assert all(isinstance(one, float) and one > 0 for one in references)
    assert isinstance(found, Quantity)
    return found


def test_steps_and_traps_of_the_same_schedules_are_the_same(tmp_path: Path) -> None:
    first, second = (
        _measured(ScenarioBench(_scenario(), "ledger", 2, 3, seed=1), tmp_path) for _ in range(2)
    )
    assert first.unsteady == ()
    assert set(first.counters) == {"steps", "traps"}
    assert first.counters == second.counters
    assert first.setup == second.setup
    assert len(first.ratios) == 3
    assert list(tmp_path.iterdir()) == []


def test_pieces_add_up(tmp_path: Path) -> None:
    with ticking(), Sampler(_scenario(), "ledger", 1, str(tmp_path)) as sampler:
        one, two = sampler.run_schedule(0), sampler.run_schedule(1)
    both = together([one, two])
    assert (both.steps, both.traps) == (one.steps + two.steps, one.traps + two.traps)
    assert one.steps > 0
    assert one.traps > 0
    assert both.spent.cpu_ns == one.spent.cpu_ns + two.spent.cpu_ns


def test_other_seeds_are_another_setup(tmp_path: Path) -> None:
    one = ScenarioBench(_scenario(), "ledger", 2, 1, seed=1)
    other = ScenarioBench(_scenario(), "ledger", 2, 1, seed=2)
    assert one.setup != other.setup


def test_a_control_is_caught_at_the_same_schedule_each_time(tmp_path: Path) -> None:
    control = load_fence("stat-size-only")
    assert issubclass(control, Control)
    scenario = _scenario(control.scenario)
    found = _measured(ControlBench("stat-size-only", control.caught_by, scenario, 2, seed=1), tmp_path)
    assert found.unsteady == ()
    assert found.counters["schedules"] >= 1
    assert found.cost > 0


def test_a_control_that_is_not_caught_is_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tools.bench.control_latency.SCHEDULES_MAX", 3)
    found = _measured(ControlBench("ledger", "crash", _scenario(), 2, seed=1), tmp_path)
    assert found.ratios == ()
    assert "not caught" in found.doubt
