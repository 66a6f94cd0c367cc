"""Controls are chosen by name, and their scenarios have the files of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from fence.controls import CONTROLS
from harness.model.errors import ScenarioError, UsageError
from harness.tools.chosen_controls import chosen_controls, control_scenarios

SCENARIOS = str(Path(__file__).parents[3] / "scenarios")


def test_no_names_stand_for_all_controls() -> None:
    assert list(chosen_controls((), "--only")) == list(CONTROLS)
    (control,) = chosen_controls(("stat-size-only",), "--only").values()
    assert control.caught_by == "missed_takeover"


def test_an_unknown_name_is_refused_with_its_option() -> None:
    with pytest.raises(UsageError, match="--controls ledger: no control, expected some of"):
        chosen_controls(("ledger",), "--controls")


def test_each_scenario_is_read_once_with_the_given_files() -> None:
    two = chosen_controls(("stat-size-only", "none-remembered-offset"), "--only").values()
    plain, extended = control_scenarios(two, SCENARIOS), control_scenarios(two, SCENARIOS, ("mine.py",))
    assert list(plain) == [one.scenario for one in two]
    assert {one.extensions for one in plain.values()} == {()}
    assert {one.extensions for one in extended.values()} == {("mine.py",)}
    with pytest.raises(ScenarioError, match="nowhere"):
        control_scenarios(two, "nowhere")
