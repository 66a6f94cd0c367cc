"""Tests of `harness.oracle.whole_lines`: entries stand in whole lines, with anything around them."""

from __future__ import annotations

import pytest

from harness.oracle.whole_lines import every_id, plain_ids


@pytest.mark.parametrize("torn", [b"x", b'{"id":"b"', b'{"id":"b"}{"id":"c"}', b"\xff", b"[", b""])
@pytest.mark.parametrize("find", [plain_ids, every_id])
def test_a_torn_line_hides_no_other(find: object, torn: bytes) -> None:
    assert callable(find)
    for content in (torn + b'\n{"id":"a"}', b'{"id":"a"}\n' + torn, b'{"id":"a"}\n' + torn + b"\n\n"):
        assert find(content) - {""} == {"a"}


@pytest.mark.parametrize(
    ("line", "plain", "every"),
    [
        (b'{"id":"a","compacts":["b","c"]}', {"a", "b", "c"}, {"a", "b", "c"}),
        (b'{"compacts":["b"]}', {"", "b"}, {"b"}),
        (b'{"type":"x"}', {""}, set()),
        (b'{"entry":{"id":"a","compacts":["b",{"id":"c"}]}}', {""}, {"a", "b"}),
        (b'[{"id":"a"},[{"id":"b"}]]', set(), {"a", "b"}),
        (b'{"id":{"id":"a"}}', set(), {"a"}),
        (b'{"id":7,"compacts":"b"}', set(), set()),
        (b'"id"', set(), set()),
    ],
)
def test_an_entry_may_be_wrapped_or_compacted(line: bytes, plain: set[str], every: set[str]) -> None:
    assert plain_ids(line) == plain
    assert every_id(line) == every


def test_without_lines_there_are_no_entries() -> None:
    assert plain_ids(b"") == every_id(b"") == plain_ids(b"\n\n") == set()
