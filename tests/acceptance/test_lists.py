"""The commands that only tell: list, schema, doctor."""

from __future__ import annotations

import json

import jsonschema
import pytest

from tests.acceptance.harness_process import ROOT, Harness

LISTS = {
    "scenarios": "scenarios/quickstart.yaml",
    "fences": "ledger",
    "strategies": "random",
    "roles": "runner",
    "actions": "truncate",
    "policies": "coordinated",
    "gates": "kernel",
}


@pytest.mark.parametrize(("what", "member"), LISTS.items())
def test_a_list_names_and_describes_everything_in_both_forms(harness: Harness, what: str, member: str) -> None:
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
