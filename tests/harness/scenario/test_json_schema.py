from __future__ import annotations

import json

import pytest

from fence import FENCES
from fence.controls import CONTROLS
from harness.model.policy import POLICIES
from harness.scenario import schema
from harness.scenario.actions import ACTIONS
from harness.scenario.reader import read
from harness.scenario.roles import ROLES
from tests.harness.scenario.examples import FULL, SMALL, changed
from tests.json_schema import accepts

SCHEMA = schema()


@pytest.mark.parametrize("text", [SMALL, FULL])
def test_the_schema_accepts_all_scenarios_that_the_loader_accepts(text: str) -> None:
    assert accepts(SCHEMA, read("f", text).data)


@pytest.mark.parametrize(
    "old, new",
    [
        ("rate: 2.5", "rate: 0"),
        ("rate: 2.5", "coutn: 2"),
        ("rate: 2.5", "turns: 2"),
        ("times: [1, 3]", "times: [1, 2, 3]"),
        ("role: heartbeat", "role: unlisted"),
        ("source: issue 84071\n", ""),
        ("[false_positive]", "[oops]"),
        ("expect:", "name: x\nexpect:"),
        ("expect:", "filesystem: {birth_time: on}\nexpect:"),
    ],
)
def test_the_schema_rejects_scenarios_that_the_loader_rejects(old: str, new: str) -> None:
    assert not accepts(SCHEMA, read("f", changed(old, new)).data)


def test_every_key_has_a_title_and_a_description() -> None:
    bodies = [SCHEMA, *SCHEMA["$defs"].values()]
    assert len(bodies) == 13 + len(ROLES)
    for body in bodies:
        assert body["description"]
        for name, key in body["properties"].items():
            assert key.get("title") or "$ref" in key or "anyOf" in key, name
            assert key["description"], name


def test_an_editor_can_offer_every_name_that_there_is() -> None:
    keys, defs = SCHEMA["properties"], SCHEMA["$defs"]
    assert keys["policy"]["anyOf"][0]["examples"] == list(POLICIES)
    (several, _) = defs["EditorSettings"]["properties"]["actions"]["anyOf"]
    assert several["items"]["examples"] == list(ACTIONS)
    assert keys["fences"]["items"]["examples"] == list(keys["expect"]["properties"])
    assert set(keys["expect"]["properties"]) == set(FENCES) - set(CONTROLS)
    # Offered but not required: users have fences of their own.
    assert accepts(
        SCHEMA, {**read("f", SMALL).data, "expect": {"mine.py:Mine": []}, "fences": ["mine.py:Mine"]}
    )


def test_the_schema_names_its_draft_and_can_be_printed() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "Scenario"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    mapping = SCHEMA["properties"]["lanes"]["items"]["discriminator"]["mapping"]
    assert set(mapping) == set(ROLES)
