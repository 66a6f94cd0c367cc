"""Each kind of fault has a control that only it exposes: without it, its scenario shows nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fence.controls import CONTROLS
from harness.scenario.faults import kinds
from tests.scenarios.probe import control
from tests.scenarios.test_scenarios import ROOT, _probed

#: By kind of fault the control that needs it; an interrupted call is an error, too.
EXPOSED = {
    "error": "pr-84046-without-snapshot-after-throw",
    "error: EINTR": "lock-interrupted-is-held",
    "cut": "pr-84046-without-snapshot-after-throw",
    "kill": "lock-dead-is-held",
    "stop_ms": "ledger-checks-before-write",
    "slow_ms": "lock-grace-too-short",
    "ahead_ms": "ledger-late-is-takeover",
    "pid_namespace": "ledger-robs-the-dead",
}


def _scenario(name: str) -> dict[str, Any]:
    path = ROOT / "scenarios" / f"{control(name).scenario}.yaml"
    data = yaml.safe_load(path.read_text())
    assert isinstance(data, dict)
    return data


def test_each_kind_of_fault_has_a_control() -> None:
    assert {kind.partition(":")[0] for kind in EXPOSED} == {*kinds(), "pid_namespace"}
    assert set(EXPOSED.values()) <= set(CONTROLS)


@pytest.mark.parametrize(("kind", "name"), EXPOSED.items())
def test_the_scenario_of_such_a_control_has_the_fault(kind: str, name: str) -> None:
    key, _, value = kind.partition(": ")
    data = _scenario(name)
    places = [*data.get("faults", ()), *data["lanes"]]
    assert any(key in place and (not value or place[key] == value) for place in places)


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("name", sorted(set(EXPOSED.values())))
def test_without_its_fault_nothing_shows_of_a_control(name: str, tmp_path: Path) -> None:
    """With it, the control is caught: that is asked of every control."""
    data = _scenario(name) | {"expect": {name: []}}
    data.pop("faults", None)
    for lane in data["lanes"]:
        lane.pop("pid_namespace", None)
    path = tmp_path / f"{control(name).scenario}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    (found,) = _probed(path).values()
    assert not found.inconclusive
    assert found.decisions > 0
    assert control(name).caught_by not in found.violations
