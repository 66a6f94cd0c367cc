"""Make the JSON Schema of a scenario file, for editors, from the dataclasses that the loader checks with."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from fence import FENCES
from fence.controls import CONTROLS
from harness.model.policy import POLICIES
from harness.scenario.actions import ACTIONS
from harness.scenario.explain import docs_of
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.filesystems import FILESYSTEMS
from harness.scenario.roles import ROLES
from harness.scenario.validator import adapter

__all__ = ["schema"]


class _Generator(GenerateJsonSchema):
    """Adds the description of each key, and which lane has which keys, which pydantic does not know."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Return the schema of a lane, with the settings of each role that has a name."""
        made = super().tagged_union_schema(schema)
        places = zip(schema["choices"], made["oneOf"], strict=True)
        mapping = {name: place["$ref"] for name, place in places if name in ROLES}
        return {**made, "discriminator": {"propertyName": "role", "mapping": mapping}}

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Return the schema of one dataclass with descriptions of its keys."""
        made = super().dataclass_schema(schema)
        docs = docs_of(schema["cls"])
        for name, body in made.get("properties", {}).items():
            if name in docs:
                body["description"] = docs[name]
        return made


def _suggest(made: dict[str, Any]) -> None:
    """Add known names as examples to free text: editors offer them, and reject no others."""
    fences = [name for name in FENCES if name not in CONTROLS]
    keys = made["properties"]
    keys["policy"]["anyOf"][0]["examples"] = list(POLICIES)
    keys["fences"]["items"]["examples"] = fences
    keys["expect"]["properties"] = dict.fromkeys(fences, keys["expect"]["additionalProperties"])
    keys["filesystem"]["anyOf"] = [{"enum": list(FILESYSTEMS)}, {"$ref": keys["filesystem"].pop("$ref")}]
    keys["filesystem"]["default"] = {}
    actions = made["$defs"]["EditorSettings"]["properties"]["actions"]
    actions["anyOf"][0]["items"]["examples"] = list(ACTIONS)


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    made = adapter(ROLES.outside, PROCESS_FAULTS.outside).json_schema(schema_generator=_Generator)
    # The name comes from the file's.
    del made["properties"]["name"]
    made["required"].remove("name")
    _suggest(made)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Scenario"}
