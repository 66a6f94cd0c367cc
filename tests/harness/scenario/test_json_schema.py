from __future__ import annotations

import json
from typing import Any

import pytest

from fence import FENCES
from fence.controls import CONTROLS
from harness.model.policy import POLICIES
from harness.scenario import schema
from harness.scenario.actions import ACTIONS
from harness.scenario.reader import read
from harness.scenario.roles import ROLES
from tests.harness.scenario.examples import FULL, SMALL, changed

SCHEMA = schema()
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
ANNOTATIONS = {"title", "description", "default", "discriminator", "examples", "$defs", "$schema"}


def has_type(value: Any, name: str) -> bool:
    if name == "integer":
        return type(value) is int
    if name == "number":
        return type(value) in (int, float)
    return isinstance(value, TYPES[name])


def accepts(rule: dict[str, Any], value: Any) -> bool:
    """Validate with the keywords that the schema uses; an unknown keyword is an error."""
    return all(check(word, wanted, rule, value) for word, wanted in rule.items() if word not in ANNOTATIONS)


def check(word: str, wanted: Any, rule: dict[str, Any], value: Any) -> bool:  # noqa: PLR0912  # a branch a keyword
    is_list, is_dict, is_number = isinstance(value, list), isinstance(value, dict), has_type(value, "number")
    match word:
        case "$ref":
            return accepts(SCHEMA["$defs"][wanted.removeprefix("#/$defs/")], value)
        case "type":
            return has_type(value, wanted)
        case "const":
            return bool(value == wanted)
        case "enum":
            return value in wanted
        case "anyOf":
            return any(accepts(each, value) for each in wanted)
        case "oneOf":
            return sum(accepts(each, value) for each in wanted) == 1
        case "properties":
            return not is_dict or all(accepts(wanted[key], value[key]) for key in value if key in wanted)
        case "required":
            return not is_dict or all(key in value for key in wanted)
        case "propertyNames":
            return not is_dict or all(accepts(wanted, key) for key in value)
        case "additionalProperties":
            rest = [value[key] for key in value if key not in rule.get("properties", ())] if is_dict else []
            return not rest if wanted is False else all(accepts(wanted, item) for item in rest)
        case "items":
            return not is_list or all(
                accepts(wanted, item) for item in value[len(rule.get("prefixItems", ())) :]
            )
        case "prefixItems":
            return not is_list or all(map(accepts, wanted, value))
        case "minItems":
            return not is_list or len(value) >= wanted
        case "maxItems":
            return not is_list or len(value) <= wanted
        case "minLength":
            return not isinstance(value, str) or len(value) >= wanted
        case "maxLength":
            return not isinstance(value, str) or len(value) <= wanted
        case "minimum":
            return not is_number or value >= wanted
        case "maximum":
            return not is_number or value <= wanted
        case "exclusiveMinimum":
            return not is_number or value > wanted
    raise AssertionError(f"unknown keyword {word}")


@pytest.mark.parametrize("text", [SMALL, FULL])
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
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
def test_the_schema_rejects_what_the_loader_rejects(old: str, new: str) -> None:
    assert not accepts(SCHEMA, read("f", changed(old, new)).data)


def test_every_key_has_a_title_and_a_description() -> None:
    bodies = [SCHEMA, *SCHEMA["$defs"].values()]
    assert len(bodies) == 11 + len(ROLES)
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
