"""Test that the reference describes the schema, and that the copy in docs/ is up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.scenario import schema
from harness.scenario.reference import reference
from harness.scenario.roles import ROLES

STORED = Path(__file__).parents[3] / "docs" / "reference" / "scenario.md"


def _keys(body: Any) -> Iterator[tuple[str, str]]:
    """Yield every key of the schema with its description."""
    for part in (body, *body.get("$defs", {}).values()):
        for key, value in part.get("properties", {}).items():
            yield key, value.get("description", "")


def test_the_stored_reference_is_up_to_date() -> None:
    remedy = "python -m harness schema --markdown > docs/reference/scenario.md"
    assert STORED.read_text() == reference(), f"make it anew: {remedy}"


def test_every_key_is_listed_with_its_description() -> None:
    text = reference()
    keys = list(_keys(schema()))
    assert len(keys) > 50
    for key, about in keys:
        assert f"| `{key}` |" in text
        assert key == "role" or (about and about in text), key


def test_every_role_has_its_own_section() -> None:
    text = reference()
    for name, role in ROLES.items():
        assert f"### `role: {name}`\n\n{role.about}\n" in text


def test_no_schema_syntax_is_left() -> None:
    text = reference()
    for word in ("None", "null", "anyOf", "$ref", "#/"):
        assert word not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count(" | ") for line in rows if "---" not in line} == {3}
