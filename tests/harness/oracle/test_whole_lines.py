"""Tests of `harness.oracle.whole_lines`: entries stand in whole lines, with anything around them."""

from __future__ import annotations

import pytest

from harness.oracle.whole_lines import every_id, keeps, plain_ids, tells


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


@pytest.mark.parametrize(
    ("asked", "found", "same"),
    [
        ("1", "1", True),
        ("1", "1.0", True),
        ("1e2", "100", True),
        ("1", "2", False),
        ("9007199254740993", "9007199254740992.0", False),
        ("true", "true", True),
        ("true", "1", False),
        ("1", "true", False),
        ("false", "0", False),
        ("0.0", "false", False),
        ("null", "false", False),
        ('"1"', "1", False),
        ("[1,true]", "[1.0,true]", True),
        ("[true]", "[1]", False),
        ("[1]", "[1,1]", False),
        ("[]", "{}", False),
        ('{"b":{"c":[false]}}', '{"b":{"c":[false]}}', True),
        ('{"b":{"c":[false]}}', '{"b":{"c":[0]}}', False),
        ('{"b":1}', '{"b":1,"c":2}', False),
        ('{"b":1,"c":2}', '{"c":2,"b":1}', True),
    ],
)
def test_a_field_has_the_value_that_json_says(asked: str, found: str, same: bool) -> None:
    line, other = (f'{{"id":"a","x":{value}}}'.encode() for value in (asked, found))
    assert keeps(line, other) == same
    assert not same or tells([line], b'[{"entry":' + other + b"}]")


@pytest.mark.parametrize(("asked", "found"), [("true", "1"), ("0.0", "false"), ("1", "2"), ('"1"', "1")])
def test_a_value_inside_is_one_of_json_too(asked: str, found: str) -> None:
    line, other = (f'{{"id":"a","x":{value}}}'.encode() for value in (asked, found))
    assert not tells([line], b'{"entry":' + other + b"}")


@pytest.mark.parametrize(
    ("found", "there"),
    [
        (b'{"id":"a","x":1}', True),
        (b'{"entry":{"id":"a","x":1,"more":2}}', True),
        (b'[0,[{"x":1,"id":"a"}]]', True),
        (b'{"id":{"id":"a","x":1}}', True),
        (b'{"of":{"id":"a"},"x":1}', True),
        (b'{"of":{"id":"a"},"y":1}', False),
        (b'{"id":"s","compacts":["a"]}', False),
        (b'{"entry":"{\\"id\\":\\"a\\",\\"x\\":1}"}', False),
        (b"[" * 100_000, False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_an_entry_may_stand_in_another_object(found: bytes, there: bool) -> None:
    assert tells([b'{"id":"a","x":1,"parentId":"p"}'], found) == there
    assert not tells([b"half"], found)


MESSAGE = b'{"type":"message","id":"a","timestamp":"0","message":{"role":"user","content":[{"text":"hi"}]}}'


@pytest.mark.parametrize(
    ("found", "there"),
    [
        (
            b'{"type":"m","id":"7","timestamp":"9","message":{"role":"user","content":[{"text":"hi"}],"id":"a"}}',
            True,
        ),
        (b'{"id":"7","role":"user","content":{"text":"hi","more":true},"of":"a"}', True),
        (b'{"id":"7","message":{"role":"user","content":[{"text":"ho"}],"id":"a"}}', False),
        (b'{"id":"7","message":{"content":[{"text":"hi"}],"id":"a"}}', False),
        (b'{"id":"7","message":{"role":"user","content":[{"hi":"text"}],"id":"a"}}', False),
        (b'{"type":"message","of":{"id":"a"}}', False),
    ],
)
def test_a_store_may_take_an_entry_apart(found: bytes, there: bool) -> None:
    assert tells([MESSAGE], found) == there


def test_two_entries_in_one_line_are_each_there() -> None:
    other = MESSAGE.replace(b'"a"', b'"b"')
    part = b'{"role":"user","content":[{"text":"hi"}],"id":"%b"}'
    assert tells([MESSAGE, other], b'{"id":"7","parts":[%b,%b]}' % (part % b"a", part % b"b"))
    assert not tells([MESSAGE, other], b'{"id":"7","parts":[%b,{"id":"b"}]}' % (part % b"a"))


def test_an_entry_of_a_head_alone_stands_as_it_is() -> None:
    assert tells([b'{"id":"a","type":"x"}'], b'{"of":{"id":"a","type":"x"}}')
    assert not tells([b'{"id":"a","type":"x"}'], b'{"of":{"id":"a"}}')
