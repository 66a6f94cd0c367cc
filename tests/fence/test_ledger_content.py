from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fence.ledger_content import ABSENT, Content, digest, new_hash
from fence.ledger_reading import Reading

_text = st.text(alphabet="ab\n", max_size=12).map(str.encode)


def _lawful(before: bytes, data: bytes) -> bytes:
    """Return bytes that may be appended: an unfinished line is finished first."""
    return b"\n" + data if data and before and not before.endswith(b"\n") else data


@given(_text, st.lists(_text, max_size=3))
def test_a_content_extended_is_that_of_the_whole(first: bytes, more: list[bytes]) -> None:
    content, whole = Content.of(first), first
    for wanted in more:
        data = _lawful(whole, wanted)
        content, whole = content.plus(data), whole + data
    assert content.size == len(whole)
    assert Reading.of(whole).shows(content)
    assert bool(content.tail) == (whole != b"" and not whole.endswith(b"\n"))


@given(_text, _text, _text)
def test_an_extended_content_is_of_no_other_bytes(first: bytes, second: bytes, other: bytes) -> None:
    second = _lawful(first, second)
    content = Content.of(first).plus(second)
    assert Reading.of(other).shows(content) == (other == first + second)


@given(_text, _text)
def test_contents_are_the_same_only_for_the_same_bytes(first: bytes, second: bytes) -> None:
    assert (Content.of(first) == Content.of(second)) == (first == second)


def test_no_file_is_not_an_empty_file() -> None:
    assert Content.of(None) == ABSENT != Content.of(b"")
    assert ABSENT.plus(b"") == Content.of(b"")
    assert ABSENT.plus(b"a\n") == Content.of(b"a\n")
    assert not Reading.of(None).shows(Content.of(b""))
    assert not Reading.of(b"").shows(ABSENT)
    assert Reading.of(None).shows(ABSENT)


def test_an_append_hashes_its_own_bytes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Content.of(b"x" * 1_000_000 + b"\n")
    hashed: list[int] = []

    def counted(data: bytes) -> str:
        hashed.append(len(data))
        return digest(data)

    monkeypatch.setattr("fence.ledger_content.digest", counted)
    assert large.plus(b"abc\n").size == 1_000_005
    assert max(hashed) <= 2 * 32


def test_a_hash_in_parts_is_the_hash_of_the_whole() -> None:
    parts = new_hash()
    parts.update(b"ab")
    parts.update(memoryview(b"c"))
    assert digest(parts) == digest(b"abc")
    assert len(digest(b"")) == 32
