"""Describe the keys of a scenario file in Markdown: ``python -m harness schema --markdown``.

The text is made from the schema, so it describes exactly what the loader checks; the descriptions of the
keys are in the dataclasses.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from harness.scenario.json_schema import schema
from harness.scenario.roles import ROLES
from harness.scenario.roles.composed import ComposedSettings

__all__ = ["reference"]

_HEAD = """\
# Keys of a scenario file

Made by `python -m harness schema --markdown > docs/reference/scenario.md`; do not edit. A file is one mapping
with the keys of the first table; a key that is not here, given twice, or out of its bounds is an error with
line, column and remedy. A *range* is a number, or `[lowest, highest]`: then it is drawn for each schedule.

For completion and checks while you type, write the schema into a file and name it in the first line of the
scenario (editors with the YAML language server read that; others have a setting for it):

    python -m harness schema > scenario.schema.json

    # yaml-language-server: $schema=./scenario.schema.json
"""
#: Parts of the schema with a table of their own, by their place in the file.
_PARTS: Final = {
    "transcript": "TranscriptSettings",
    "filesystem": "FilesystemSettings",
    "left_lock": "LeftLockSettings",
    "lanes[].restart": "RestartSettings",
    "lanes[].clock, filesystem.clock": "ClockSettings",
    "lanes[].operations": "MarkerSettings",
    "lanes[].role": "ComposedRole",
    "faults[]": "FaultSettings",
    "expect.FENCE": "Expectation",
    "invariant[]": "InvariantSettings",
    "policy": "CustomPolicy",
}
_ENUM_MAX = 24

_Body = Mapping[str, Any]


def reference() -> str:
    """Return the document."""
    whole = schema()
    parts = [_HEAD, "## The file\n", _table(whole, whole["required"])]
    parts += _lanes(whole)
    for place, name in _PARTS.items():
        body = whole["$defs"][name]
        parts += [f"## `{place}`\n", f"{body['description']}\n", _table(body, body.get("required", ()))]
    return "\n".join(parts)


def _lanes(whole: _Body) -> Iterator[str]:
    """Yield the keys that all roles share, then those of each role."""
    settings = {
        name: whole["$defs"][place.rsplit("/", 1)[1]]
        for name, place in whole["properties"]["lanes"]["items"]["discriminator"]["mapping"].items()
    }
    first, *others = settings.values()
    shared = [
        key
        for key, body in first["properties"].items()
        if key == "role" or all(other["properties"].get(key) == body for other in others)
    ]
    yield "## `lanes[]`\n"
    yield "Every lane of any role has these keys:\n"
    common = {**first, "properties": {**first["properties"], "role": {**first["properties"]["role"]}}}
    common["properties"]["role"] = {
        "anyOf": [{"enum": list(ROLES)}, {"$ref": "ComposedRole"}],
        "description": "Activity of the lane; see below.",
    }
    yield _table(common, ["role"], [key for key in common["properties"] if key not in shared])
    for name in ROLES:
        body = settings[name]
        yield f"### `role: {name}`\n"
        yield f"{ROLES[name].about}\n"
        yield _table(body, body["required"], shared)
    body = whole["$defs"][ComposedSettings.__name__]
    yield "### `role: {name, operations}`\n"
    yield f"{body['description']}\n"
    yield _table(body, body["required"], shared)


def _table(body: _Body, required: Collection[str], without: Collection[str] = ()) -> str:
    lines = ["| key | value | default | |", "|---|---|---|---|"]
    for key, value in body["properties"].items():
        if key not in without:
            default = "required" if key in required else _default(value)
            cells = (f"`{key}`", _value(value), default, value.get("description", ""))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _default(body: _Body) -> str:
    if body.get("default") is None:
        return ""
    text = json.dumps(body["default"])
    return "all of them" if len(text) > _ENUM_MAX * 4 else f"`{text}`"


def _value(body: _Body) -> str:
    """Return the accepted values in words."""
    if "$ref" in body:
        return "a mapping, see below"
    if "anyOf" in body:
        return _choice([one for one in body["anyOf"] if one.get("type") != "null"])
    if "const" in body:
        return f"`{body['const']}`"
    if "enum" in body:
        return ", ".join(f"`{one}`" for one in body["enum"])
    kind = body.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _bounds(body)
    if kind == "array":
        items = body.get("items", {})
        return "a list: lanes, see below" if "discriminator" in items else f"a list of {_plural(items)}"
    if kind == "object":
        return _mapping(body)
    return {"string": "text", "boolean": "`true` or `false`"}[str(kind)]


def _choice(bodies: list[_Body]) -> str:
    if [body.get("type") for body in bodies] == ["integer", "array"] and "prefixItems" in bodies[1]:
        return f"a range{_bounds(bodies[0])}"
    return " or ".join(_value(body) for body in bodies)


def _plural(items: _Body) -> str:
    if "$ref" in items:
        return "mappings, see below"
    return "texts" if items.get("type") == "string" and "enum" not in items else _value(items)


def _mapping(body: _Body) -> str:
    names = body.get("propertyNames", {}).get("enum")
    keys = "of " + ", ".join(f"`{name}`" for name in names) if names else "by name"
    inside = body.get("additionalProperties")
    return f"a mapping {keys} to {_value(inside)}" if isinstance(inside, dict) else f"a mapping {keys}"


def _bounds(body: _Body) -> str:
    least, most = body.get("minimum"), body.get("maximum")
    if least is None:
        above = body.get("exclusiveMinimum")
        return "" if above is None else f" above {above}, at most {most}"
    return f", {least} to {most}" if most is not None else f" from {least} on"
