"""Test the parsing of lines, and the errors for invalid ones."""

from __future__ import annotations

import json

import pytest

from fence.external.wire import (
    Answer,
    Doubt,
    ProtocolError,
    Sleep,
    Waits,
    encode,
    hello_of,
    loaded,
    parse,
    quoted,
    with_lines,
)

HELLO = {"id": 0, "answer": "ok", "protocol": 1, "lock": "sidecar", "serves": "process"}


def answer(**fields: object) -> Answer:
    found = parse(json.dumps({"id": 0, "answer": "ok", **fields}).encode(), 0)
    assert isinstance(found, Answer)
    return found


def test_a_request_is_one_line_with_number_operation_and_time() -> None:
    line = encode(3, "load", 1_780_000_000_123_456_789, {"lane": "a\nb"})
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert json.loads(line) == {"id": 3, "do": "load", "now_ms": 1780000000123.4568, "lane": "a\nb"}


def test_lines_are_text_unless_one_is_not_utf8() -> None:
    assert with_lines("entries", [b"a\n", "ä\n".encode()]) == {"entries": ["a\n", "ä\n"]}
    assert with_lines("entries", [b"a\n", b"\xff\n"]) == {"entries_base64": ["YQo=", "/wo="]}


def test_an_adapter_can_answer_sleep_wait_and_doubt() -> None:
    assert parse(b'{"id":1,"sleep_ms":50}', 1) == Sleep(50.0)
    assert parse(b'{"id":1,"waits":true}', 1) == Waits()
    assert parse(b'{"id":1,"doubt":"why"}', 1) == Doubt("why")
    found = parse(b'{"id":1,"answer":"takeover","check":"stat"}', 1)
    assert isinstance(found, Answer) and (found.kind, found.text) == ("takeover", "stat")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"hello", "no JSON"),
        (b"[]", "expected a JSON object"),
        (b"[" * 100_000, "no JSON"),
        (b'{"id":1,"answer":"\xff"}', "no UTF-8 at byte 18"),
        (b'{"answer":"ok"}', "id: expected the number"),
        (b'{"id":true,"answer":"ok"}', "id: expected the number"),
        (b'{"id":2,"answer":"ok"}', "id: expected 1, the request that runs, got 2"),
        (b'{"id":1}', "expected one of answer"),
        (b'{"id":1,"answer":"ok","sleep_ms":1}', "got answer, sleep_ms"),
        (b'{"id":1,"answer":"maybe"}', "answer: expected one of ok, takeover"),
        (b'{"id":1,"answer":[]}', "answer: expected one of"),
        (b'{"id":1,"answer":"takeover"}', "check: expected text"),
        (b'{"id":1,"answer":"error","code":"ENONSENSE"}', "name of an errno"),
        (b'{"id":1,"sleep_ms":-1}', "sleep_ms: expected milliseconds"),
        (b'{"id":1,"sleep_ms":NaN}', "sleep_ms: expected milliseconds"),
        (b'{"id":1,"sleep_ms":1e300}', "sleep_ms: expected milliseconds"),
        (b'{"id":1,"sleep_ms":true}', "sleep_ms: expected milliseconds"),
        (b'{"id":1,"waits":1}', "waits: expected true"),
    ],
)
def test_a_line_outside_the_protocol_is_an_error(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why.replace("[", r"\[")):
        parse(line, 1)


def test_a_load_returns_exact_bytes_as_text_or_in_base64() -> None:
    assert loaded(answer(text="ä\u2028\0")) == "ä\u2028\0".encode()
    assert loaded(answer(base64="/wo=")) == b"\xff\n"


@pytest.mark.parametrize(
    "fields", [{}, {"text": "a", "base64": "YQ=="}, {"text": 1}, {"base64": "?"}, {"text": "\ud800"}]
)
def test_a_load_without_exact_bytes_is_a_protocol_error(fields: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        loaded(answer(**fields))


def test_a_hello_states_lock_lanes_and_operations() -> None:
    fields = {**HELLO, "operations": ["recover"], "sound_under": ["coordinated"], "name": "mine", "later": 1}
    hello = hello_of(answer(**fields))
    assert (hello.lock, hello.per_lane, hello.operations) == ("sidecar", False, {"recover"})
    assert (hello.sound_under, hello.name) == (("coordinated",), "mine")


@pytest.mark.parametrize(
    ("fields", "real"), [({}, True), ({"time": "real"}, True), ({"time": "virtual"}, False)]
)
def test_an_adapter_waits_in_real_time_unless_it_says_otherwise(fields: dict[str, str], real: bool) -> None:
    assert hello_of(answer(**HELLO, **fields)).real_waits == real


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": 2},
        {"protocol": None},
        {"lock": "mutex"},
        {"lock": ["sidecar"]},
        {"lock": {"kind": "sidecar"}},
        {"serves": "all"},
        {"time": "local"},
        {"operations": ["rewind"]},
        {"operations": "recover"},
        {"sound_under": [1]},
        {"answer": "unsupported"},
    ],
)
def test_an_invalid_hello_is_a_protocol_error(change: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        hello_of(answer(**{**HELLO, **change}))


def test_a_quoted_line_is_short_and_printable() -> None:
    assert quoted(b"\x1b[2J\xff\n") == r"\x1b[2J\xff"
    assert len(quoted(b"x" * 10_000)) < 300
