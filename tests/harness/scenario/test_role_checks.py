"""Roles that a scenario composes: their faults are told with line and column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.scenario import Scenario, dump, load, load_data
from harness.scenario.plan import draw, lanes_of
from harness.scenario.roles.composed import ComposedSettings
from harness.scenario.transport import pack, unpack
from tests.harness.scenario.examples import SMALL, faults_of, write

INDEXER = "{name: indexer, operations: [acquire, load, append, release]}"
On = Callable[[str], Scenario]
COMPOSED = SMALL.replace("role: heartbeat", f"role: {INDEXER}")


@pytest.fixture
def on(tmp_path: Path) -> On:
    """Loads a text."""
    return lambda text: load(write(tmp_path, text))


def test_a_composed_role_has_the_keys_of_its_operations(on: On) -> None:
    scenario = on(COMPOSED.replace("rate: 2.5", "entries: [custom]"))
    lane = scenario.lanes[1]
    assert isinstance(lane, ComposedSettings)
    assert (lane.role_name, lane.names(), lane.entries) == ("indexer", ("indexer",), ("custom",))
    assert lanes_of(scenario)[1].role == draw(scenario, 1, 0).lanes[1].role == "indexer"
    assert load_data(dump(scenario)) == unpack(pack(scenario)) == scenario


@pytest.mark.parametrize(
    ("role", "more", "told"),
    [
        (
            "{name: indexer, operations: [acquire, lod, release]}",
            "",
            "6:49: lanes[1].role.operations[1]: unknown value 'lod'; did you mean 'load'?",
        ),
        (
            "{name: indexer, operations: [release, acquire]}",
            "",
            "6:40: lanes[1].role.operations[0]: release: the lane does not have the lock here; put acquire",
        ),
        (
            "{name: indexer, operations: [acquire, append]}",
            "",
            "6:49: lanes[1].role.operations[1]: append: the lock is kept; put release last",
        ),
        ("{name: indexer, operations: []}", "", "6:39: lanes[1].role.operations: must not be empty"),
        ("{operations: [think]}", "", "6:11: lanes[1].role.name: missing"),
        ("{name: a b, operations: [think]}", "", "6:18: lanes[1].role.name: must be at most 40 letters"),
        ("{name: cron, operations: [think]}", "", "6:18: lanes[1].role.name: 'cron' is a role of"),
        ("{name: x, operations: [think], turns: 1}", "", "6:42: lanes[1].role.turns: unknown key"),
        (INDEXER, "rounds: 2", "9:5: lanes[1].rounds: the role has no guarded_write; add one, or remove"),
        (INDEXER, "turns: 2", "9:5: lanes[1].turns: unknown key; expected one of role, name,"),
        (INDEXER, "lines: 0", "9:12: lanes[1].lines: must be >= 1 (got 0)"),
    ],
)
def test_each_mistake_is_told_at_its_place(tmp_path: Path, role: str, more: str, told: str) -> None:
    text = SMALL.replace("role: heartbeat", f"role: {role}").replace("rate: 2.5", more or "rate: 2.5")
    faults = faults_of(tmp_path, text)
    assert any(fault.startswith(told) for fault in faults), faults


def test_two_lanes_of_one_name_have_the_same_operations(on: On, tmp_path: Path) -> None:
    other = INDEXER.replace("load, ", "")
    more = f"  - role: {other}\n    name: second\nexpect:"
    (fault,) = faults_of(tmp_path, COMPOSED.replace("expect:", more))
    assert "lanes[2].role.name: the role 'indexer' has other operations in line 6; rename one" in fault
    same = COMPOSED.replace("expect:", more.replace(other, INDEXER))
    assert [lane.role for lane in lanes_of(on(same))] == ["runner", "indexer", "indexer"]


def test_a_fault_reaches_a_composed_role_by_its_name(on: On) -> None:
    text = COMPOSED.replace("expect:", "faults:\n  - {lane: indexer, kill: true}\nexpect:")
    program = draw(on(text), 1, 0)
    assert any(op.faults for op in program.lanes[1].ops)


def test_a_composed_role_that_decides_needs_no_runner(on: On) -> None:
    agent = "{name: agent, operations: [begin_turn, load, release_for_prompt, guarded_write, end_turn]}"
    text = SMALL.replace("role: runner", f"role: {agent}")
    assert lanes_of(on(text))[0].participant
