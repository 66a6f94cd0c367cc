"""The commands that only tell: list, schema, doctor."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from harness.gates import GATES
from tests.acceptance.harness_process import ROOT, SCENARIO, Harness

LISTS = {
    "scenarios": "scenarios/quickstart.yaml",
    "fences": "ledger",
    "strategies": "random",
    "roles": "runner",
    "actions": "truncate",
    "policies": "coordinated",
    "gates": "kernel",
    "faults": "stop_ms",
}


@pytest.mark.parametrize(("what", "member"), LISTS.items())
def test_a_list_names_and_describes_everything_in_both_forms(
    harness: Harness, what: str, member: str
) -> None:
    plain = harness.call("list", what)
    assert (plain.status, plain.err) == (0, "")
    listed = harness.call("list", what, "--json")
    items = json.loads(listed.out)
    names = [item["name"] for item in items]
    assert member in names
    assert len(set(names)) == len(names)
    assert all(item["about"] for item in items)
    assert [line.split("  ")[0] for line in plain.out.splitlines()] == names
    if what == "fences":
        assert all(isinstance(item["sound_under"], list) for item in items)
        assert any(item["sound_under"] for item in items)


def _references(value: Any) -> set[str]:
    """Every ``$ref`` in a schema."""
    if isinstance(value, list):
        return {found for item in value for found in _references(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if "$ref" in value else set()
    return own.union(*(_references(item) for item in value.values()))


def test_the_schema_is_one_that_an_editor_can_use(harness: Harness) -> None:
    ended = harness.call("schema")
    assert (ended.status, ended.err) == (0, "")
    schema = json.loads(ended.out)
    assert schema["$schema"].startswith("https://json-schema.org/draft/")
    assert schema["type"] == "object"
    assert _references(schema) == {f"#/$defs/{name}" for name in schema["$defs"]}
    assert set(yaml.safe_load(SCENARIO)) <= set(schema["properties"])
    assert set(schema["required"]) <= set(yaml.safe_load(SCENARIO))


def test_the_doctor_finds_the_same_in_both_forms(harness: Harness) -> None:
    plain = harness.call("doctor", "--session-root", harness.session_root)
    listed = harness.call("doctor", "--session-root", harness.session_root, "--json")
    assert (plain.status, listed.status) == (0, 0)
    findings = listed.object
    assert {f"gate_{name}" for name in GATES} <= set(findings)
    assert findings["session_root"] == str(harness.session_root)
    for name, value in findings.items():
        words = name.replace("_", " ")
        assert any(line.startswith(words) for line in plain.out.splitlines()), (name, value)


def test_the_doctor_refuses_a_place_where_nothing_can_be_made(harness: Harness) -> None:
    ended = harness.call("doctor", "--session-root", "/proc/no/such")
    assert (ended.status, ended.out) == (2, "")
    assert "/proc/no/such: no directory can be made" in ended.err


def test_lists_work_in_any_folder(harness: Harness) -> None:
    for what in LISTS:
        ended = harness.call("list", what, "--json", cwd=harness.session_root)
        assert ended.status == 0, ended
        assert isinstance(json.loads(ended.out), list)


def test_every_shipped_scenario_is_listed(harness: Harness) -> None:
    names = {item["name"] for item in json.loads(harness.call("list", "scenarios", "--json").out)}
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "scenarios").rglob("*.yaml")}
    assert names == shipped
