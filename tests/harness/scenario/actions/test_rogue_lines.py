"""Test the lines that rogues write, and changes that keep their length."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scenario.actions.rogue_lines import change, last_line_start, make_line, span

KINDS = ("user", "assistant", "toolResult", "delivery-mirror", "custom")


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_is_one_json_object_with_its_id(kind: str) -> None:
    line = make_line(kind, "x7")
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["id"] == "x7"
    assert entry["parentId"] is None
    assert entry["type"] == ("custom" if kind == "custom" else "message")


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(min_size=1))
def test_a_change_to_any_text_keeps_length_json_and_id(kind: str, text: str) -> None:
    entry = json.loads(make_line(kind, "x7"))
    where = entry["data"] if kind == "custom" else entry["message"]["content"][0]
    where["text"] = text
    content = json.dumps(entry).encode() + b"\n"
    changed = change(content, 0)
    assert len(changed) == len(content)
    assert changed != content
    assert isinstance(json.loads(changed), dict)


@given(content=st.binary(), where=st.integers(0, 999))
def test_any_bytes_with_a_letter_or_digit_can_be_changed(content: bytes, where: int) -> None:
    changed = change(content, where)
    assert len(changed) == len(content)
    assert (changed == content) == (span(content, where) is None)


def test_the_drawn_place_chooses_the_line() -> None:
    content = "".join(make_line("user", f"e{index}") + "\n" for index in range(10)).encode()
    for where, index in [(0, 0), (499, 4), (999, 9)]:
        place = span(content, where)
        assert place is not None
        assert content[: place[0]].count(b"\n") == index


@pytest.mark.parametrize(
    ("content", "start"), [(b"", 0), (b"a", 0), (b"a\n", 0), (b"a\nb\n", 2), (b"a\nbc", 2)]
)
def test_the_last_line_starts_after_the_last_newline_but_one(content: bytes, start: int) -> None:
    assert last_line_start(content) == start
