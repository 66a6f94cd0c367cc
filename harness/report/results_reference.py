"""Describe the fields of ``run --json`` in Markdown: ``python -m harness schema results --markdown``.

The text is made from the schema, which is made from the types, so that it cannot describe another field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.results.summary_schema import schema

__all__ = ["results_reference"]

_HEAD: Final = """\
# Fields of a result

Made by `python -m harness schema results --markdown > docs/reference/results.md`; do not edit. `run --json`
and `matrix --json` print one object a line for each scenario and fence, and `verdicts.jsonl` in a run's
folder has the same lines. `python -m harness schema results` prints the JSON Schema. A release may add
fields.

    python -m harness run scenarios --json | jq -r 'select(.result == "unexpected") | .scenario'
"""
#: Parts with a table of their own, by their place in a result.
_PARTS: Final = {
    "worth": "Coverage",
    "parts.STRATEGY": "Part",
    "paired": "Comparison",
    "paired.kinds.KIND": "Difference",
}
_TYPES: Final = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "object": "mapping",
}

_Body = Mapping[str, Any]


def results_reference() -> str:
    """Return the document."""
    whole = schema()
    parts = [_HEAD, "## The result\n", _table(whole)]
    for place, name in _PARTS.items():
        body = whole["$defs"][name]
        parts += [f"## `{place}`\n", f"{body['description']}\n", _table(body)]
    return "\n".join(parts)


def _table(body: _Body) -> str:
    lines = ["| field | value | |", "|---|---|---|"]
    for name, value in body["properties"].items():
        cells = (f"`{name}`", _value(value), value["description"])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _value(body: _Body) -> str:
    """Return the type of a field in words."""
    if "$ref" in body:
        return "mapping, see below"
    if "anyOf" in body:
        return " or ".join(dict.fromkeys(_value(one) for one in body["anyOf"]))
    if "enum" in body:
        return ", ".join(f"`{one}`" for one in body["enum"])
    if body.get("type") == "array":
        inside = body.get("prefixItems")
        if inside:
            return f"[{', '.join(map(_value, inside))}]"
        return f"list of {_value(body['items'])}"
    values = body.get("additionalProperties")
    if isinstance(values, dict) and values:
        return f"mapping to {_value(values)}"
    return _TYPES[body["type"]]
