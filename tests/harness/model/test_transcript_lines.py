from __future__ import annotations

import json

import pytest

from harness.model.transcript_lines import CANONICAL, TEXT_BYTES_MAX, TYPES, compaction_line, make


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_makes_one_line_of_json(kind: str) -> None:
    entry = make(kind, "cron-7", 40)
    found = json.loads(entry.line)
    assert "\n" not in entry.line
    assert (entry.id, entry.type) == ("cron-7", kind)
    assert list(found)[:4] == ["type", "id", "parentId", "timestamp"]
    assert found["id"] == "cron-7"


@pytest.mark.parametrize("kind", TYPES)
def test_the_text_is_as_long_as_asked_for(kind: str) -> None:
    empty = len(make(kind, "a-1", 0).line)
    for length in (1, 120, TEXT_BYTES_MAX):
        assert len(make(kind, "a-1", length).line.encode()) == empty + length


def test_two_entries_of_one_length_differ_by_their_ids() -> None:
    assert make("user", "a-1", 20).line != make("user", "a-2", 20).line
    assert make("user", "a-1", 20) == make("user", "a-1", 20)


def test_messages_have_their_role_and_metadata_has_none() -> None:
    roles = {kind: json.loads(make(kind, "a-1", 5).line).get("message", {}).get("role") for kind in TYPES}
    assert {kind: role for kind, role in roles.items() if role} == {
        "user": "user",
        "assistant": "assistant",
        "toolResult": "toolResult",
        "bashExecution": "bashExecution",
        "delivery-mirror": "assistant",
        "gateway-injected": "assistant",
    }
    assert set(CANONICAL) == {"assistant", "toolResult", "bashExecution"}


@pytest.mark.parametrize("kind", ["delivery-mirror", "gateway-injected"])
def test_mirrors_and_echoes_have_their_own_model(kind: str) -> None:
    message = json.loads(make(kind, "a-1", 5).line)["message"]
    assert (message["provider"], message["model"]) == ("openclaw", kind)


def test_a_text_beyond_the_limit_is_an_assertion_error() -> None:
    with pytest.raises(AssertionError):
        make("user", "a-1", TEXT_BYTES_MAX + 1)


def test_a_compaction_line_names_the_dropped_entries() -> None:
    found = json.loads(compaction_line("c-1", ["a-1", "b-2"]))
    assert (found["type"], found["id"], found["compacts"]) == ("compaction", "c-1", ["a-1", "b-2"])
