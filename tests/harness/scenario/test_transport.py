"""A scenario arrives in another process as it was."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.scenario import Scenario, load_all, load_data
from harness.scenario.transport import pack, unpack

ROOT = Path(__file__).parents[3]
FILES = sorted(str(path) for path in (ROOT / "scenarios").rglob("*.yaml"))

#: Each key that a shipped scenario lacks.
RARE = {
    "about": "all that is rare",
    "source": "test",
    "policy": {
        "name": "own",
        "about": "a table",
        "base": "coordinated",
        "rules": {"participant_rewrite_other_process": "either"},
    },
    "lanes": [
        {"role": "runner", "process": "p", "pid_namespace": "n"},
        {"role": "program", "argv": ["true"]},
    ],
    "expect": {"none": {"must": ["crash"], "may": ["dead_end"]}, "ledger": ["crash"]},
    "left_lock": {"process": "p", "age_ms": [1, 5]},
    "faults": [
        {"lane": "runner", "call": "write", "error": "EIO", "nth": [1, 3]},
        {"lane": "runner", "kill": True},
    ],
    "invariant": ["unique-ids", {"check": "unique-ids", "each_step": True}],
    "fence_options": {"lock_timeout_ms": 7, "flag": True, "word": "x"},
    "filesystem": {"birth_time": False, "inode_reuse": "never"},
}


def travelled(scenario: Scenario) -> Scenario:
    return unpack(msgspec.msgpack.decode(msgspec.msgpack.encode(pack(scenario))))


def test_every_shipped_scenario_arrives() -> None:
    scenarios = load_all(FILES)
    assert len(scenarios) > 90
    for scenario in scenarios:
        assert travelled(scenario) == scenario, scenario.name


@pytest.mark.parametrize("key", [*RARE, "all of them"])
def test_every_rare_key_arrives(key: str) -> None:
    plain = {
        "about": "a",
        "source": "b",
        "policy": "coordinated",
        "lanes": [{"role": "runner", "process": "p"}],
        "expect": {},
    }
    plain |= RARE if key == "all of them" else {key: RARE[key]}
    scenario = load_data({**plain, "name": "rare"}, where="test")
    arrived = travelled(scenario)
    assert arrived == scenario
    assert [type(lane) for lane in arrived.lanes] == [type(lane) for lane in scenario.lanes]
    assert [fault.process_faults for fault in arrived.faults] == [
        fault.process_faults for fault in scenario.faults
    ]
    assert hash(arrived.lanes) == hash(scenario.lanes)
