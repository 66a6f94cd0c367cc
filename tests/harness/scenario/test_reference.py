"""The reference says what the schema says, and the copy in docs/ is the one that is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.scenario import schema
from harness.scenario.reference import reference
from harness.scenario.roles import ROLES

STORED = Path(__file__).parents[3] / "docs" / "reference" / "scenario.md"


def _keys(body: Any) -> Iterator[tuple[str, str]]:
    """Every key that the schema knows, with what it means."""
    for part in (body, *body.get("$defs", {}).values()):
        for key, value in part.get("properties", {}).items():
            yield key, value.get("description", "")


def test_the_stored_reference_is_up_to_date() -> None:
    remedy = "python -m harness schema --markdown > docs/reference/scenario.md"
    assert STORED.read_text() == reference(), f"make it anew: {remedy}"


def test_every_key_is_there_with_what_it_means() -> None:
    text = reference()
    keys = list(_keys(schema()))
    assert len(keys) > 50
    for key, about in keys:
        assert f"| `{key}` |" in text
        assert key == "role" or (about and about in text), key


def test_every_role_has_a_part_of_its_own() -> None:
    text = reference()
    for name, role in ROLES.items():
        assert f"### `role: {name}`\n\n{role.about}\n" in text


def test_nothing_is_said_that_means_nothing() -> None:
    text = reference()
    for word in ("None", "null", "anyOf", "$ref", "#/"):
        assert word not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count(" | ") for line in rows if "---" not in line} == {3}
