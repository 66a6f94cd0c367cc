"""Test the text form of a history: complete, readable, and the same on every machine."""

# stored lines are shown unwrapped
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.errors import FormatError
from harness.model.history import (
    ACQUIRING,
    IDLE,
    KEEPING,
    RELEASING,
    VERSION,
    Absent,
    Change,
    End,
    Event,
    Header,
    History,
    Invoke,
    LaneInfo,
    LockEvent,
    Return,
    State,
    Step,
    digest,
    mark,
    steps_of,
)
from harness.model.history_text import decode, encode

_LANE_2 = b'{"event":"return","lane":2,"op":0,"outcome":"ok"}'
_LANE_BELOW_0 = b'{"event":"step","lane":-1,"op":0,"call":"x"}'
_OWNER = b'{"event":"step","lane":0,"op":0,"call":"x","lock":{"kind":"reclaimed","owner":2}}'
_LOCK_OWNER = b'{"event":"end","final":{"file":"f0","content":"11","size":4},"lock_owner":9}'
_WAITING = b'{"event":"end","final":{"file":"f0","content":"11","size":4},"waiting":[[-2,"T.lock"]]}'
LANES = (LaneInfo("runner", "runner", "gateway", True), LaneInfo("editor", "editor", "editor"))
HEADER = Header(
    "s", "f", "kernel", "random", "coordinated", {"unlocked": "takeover"}, 7, 3, LANES, State("f0", "00", 2)
)

_numbers = st.integers(-1, 1 << 62)
_lanes = st.integers(0, len(LANES) - 1)
_owners = st.integers(-1, 1)
_states = st.one_of(st.just(Absent), st.builds(State, st.text(), st.text(), _numbers))
_changes = st.none() | st.builds(Change, _states, _states, st.booleans(), st.booleans())
_locks = st.none() | st.builds(LockEvent, st.text(), _owners)
_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Invoke, _lanes, _numbers, st.text(), _numbers,
        st.lists(st.tuples(st.text(), st.text())).map(tuple), st.text(), st.text(), _numbers,
    ),
    st.builds(
        Step, _lanes, _numbers, st.text(), st.text(), st.text(), _changes, _locks, st.text(),
        _numbers, _numbers,
    ),
    st.builds(Return, _lanes, _numbers, st.text(), st.text(), _numbers),
)  # fmt: skip
_ends = st.builds(
    End, _states, st.lists(st.tuples(_lanes, st.text())).map(tuple), _owners, st.text(), st.booleans()
)


@given(st.lists(_events), _ends, st.dictionaries(st.text(), st.binary()))
def test_a_written_history_can_be_read(events: list[Event], end: End, blobs: dict[str, bytes]) -> None:
    history = History(HEADER, (*events, end), blobs)
    data = encode(history)
    assert decode(data) == history
    assert encode(decode(data)) == data


def small() -> History:
    before, after = State("f0", "00", 2), State("f0", "11", 4)
    events = (
        Invoke(0, 0, "append", entries=(("a", "user"),)),
        Step(0, 0, "write", "T", change=Change(before, after, held=True), lock=LockEvent("acquired")),
        Return(0, 0, "ok"),
        End(after),
    )
    return History(HEADER, events, {"00": b"a\n", "11": b"a\n\xff\n"})


def test_a_history_is_lines_of_json_with_the_header_first() -> None:
    lines = [json.loads(line) for line in encode(small()).splitlines()]
    assert lines[0]["scenario"] == "s"
    assert [line["event"] for line in lines[1:]] == ["invoke", "step", "return", "end", "blob", "blob"]
    # Default values are left out.
    assert lines[2] == {
        "event": "step", "lane": 0, "op": 0, "call": "write", "path": "T", "lock": {"kind": "acquired"},
        "change": {
            "before": {"file": "f0", "content": "00", "size": 2},
            "after": {"file": "f0", "content": "11", "size": 4},
            "held": True,
        },
    }  # fmt: skip


def test_blobs_are_in_the_order_of_their_names() -> None:
    one, other = (
        History(HEADER, (End(Absent),), dict(pairs))
        for pairs in ([("a", b"1"), ("b", b"2")], [("b", b"2"), ("a", b"1")])
    )
    assert encode(one) == encode(other)


def test_another_interpreter_with_another_hash_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(encode(small()))
    code = (
        "import pathlib, sys; from harness.model.history_text import *; "
        "data = pathlib.Path(sys.argv[1]).read_bytes(); assert encode(decode(data)) == data"
    )
    root = str(Path(__file__).parents[3])
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            check=True,
            env={"PYTHONPATH": root, "PYTHONHASHSEED": seed},
        )


def damage(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    return b"\n".join(change(encode(small()).splitlines())) + b"\n"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "file.jsonl:1: empty"),
        (damage(lambda lines: lines[:1]), "file.jsonl: ends without an end"),
        (damage(lambda lines: lines[:4]), "file.jsonl: ends without an end"),
        (damage(lambda lines: [*lines[:2], lines[2][:-9], *lines[3:]]), "file.jsonl:3: "),
        (damage(lambda lines: [b"{}", *lines[1:]]), "file.jsonl:1: "),
        (damage(lambda lines: [lines[0], b'{"event":"jump"}', *lines[1:]]), "file.jsonl:2: "),
        (damage(lambda lines: [*lines[:4], lines[4], lines[1]]), "file.jsonl: ends without an end"),
        (damage(lambda lines: [lines[0], _LANE_2, *lines[1:]]), "file.jsonl:2: lane 2, expected 0 to 1"),
        (damage(lambda lines: [lines[0], _LANE_BELOW_0, *lines[1:]]), "lane -1, expected 0 to 1"),
        (damage(lambda lines: [lines[0], _OWNER, *lines[1:]]), "file.jsonl:2: lane 2, expected 0 to 1"),
        (damage(lambda lines: [*lines[:4], _LOCK_OWNER]), "lane 9, expected 0 to 1"),
        (damage(lambda lines: [*lines[:4], _WAITING]), "lane -2, expected 0 to 1"),
        (damage(lambda lines: [lines[0], b"\xff\xfe", *lines[1:]]), "file.jsonl:2: "),
    ],
)  # fmt: skip
def test_a_damaged_file_is_an_error_with_its_line(data: bytes, where: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode(data, "file.jsonl")
    assert where in str(caught.value)


def test_an_unknown_version_is_an_error() -> None:
    header = msgspec.json.decode(encode(small()).splitlines()[0]) | {"version": VERSION + 1}
    with pytest.raises(FormatError, match=rf"1: version {VERSION + 1}, expected {VERSION}"):
        decode(damage(lambda lines: [msgspec.json.encode(header), *lines[1:]]))


def test_a_damaged_blob_is_an_error() -> None:
    bad = damage(lambda lines: [*lines[:-1], '{"event":"blob","content":"11","text":"\u20ac"}'.encode()])
    with pytest.raises(FormatError):
        decode(bad)


def test_a_digest_is_sixteen_digits_of_the_bytes_alone() -> None:
    assert digest(b"") == "e4a6a0577479b2b4"
    assert len(digest(b"x")) == 16
    assert digest(b"x") != digest(b"y")


_STATE = State("f0", "00", 2)
#: A record of each kind with no more than it must have, and how it is written.
_PLAIN: list[tuple[object, str]] = [
    (Absent, '{"file":null}'),
    (State("f0", "00"), '{"file":"f0","content":"00"}'),
    (Change(_STATE, Absent), '{"before":{"file":"f0","content":"00","size":2},"after":{"file":null}}'),
    (LockEvent("acquired"), '{"kind":"acquired"}'),
    (LaneInfo("a", "runner", "p"), '{"name":"a","role":"runner","process":"p"}'),
    (Invoke(0, 0, "load"), '{"event":"invoke","lane":0,"op":0,"kind":"load"}'),
    (Step(0, 0, "write"), '{"event":"step","lane":0,"op":0,"call":"write"}'),
    (Return(0, 0, "ok"), '{"event":"return","lane":0,"op":0,"outcome":"ok"}'),
    (End(Absent), '{"event":"end","final":{"file":null}}'),
]


@pytest.mark.parametrize(("record", "text"), _PLAIN, ids=lambda one: type(one).__name__)
def test_a_value_that_is_not_given_is_not_written(record: msgspec.Struct, text: str) -> None:
    assert msgspec.json.encode(record) == text.encode()
    assert msgspec.json.decode(text, type=type(record)) == record


@pytest.mark.parametrize(("record", "text"), _PLAIN, ids=lambda one: type(one).__name__)
def test_a_record_cannot_be_changed(record: msgspec.Struct, text: str) -> None:
    for name in record.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(record, name, getattr(record, name))


def test_a_value_that_is_not_given_means_none_of_it() -> None:
    change, step = Change(_STATE, Absent), Step(0, 0, "write")
    assert (change.held, change.reclaimed) == (False, False)
    assert (Absent.file, Absent.content, Absent.size, LockEvent("acquired").owner) == (None, "", -1, -1)
    assert (step.path, step.note, step.change, step.lock, step.fault) == ("", "", None, None, "")
    assert (step.begin_ns, step.end_ns) == (0, 0)
    invoke, end = Invoke(0, 0, "load"), End(Absent)
    assert (invoke.turn, invoke.entries, invoke.how, invoke.route, invoke.at_ns) == (-1, (), "", "fence", 0)
    assert (Return(0, 0, "ok").detail, Return(0, 0, "ok").at_ns) == ("", 0)
    assert (end.waiting, end.lock_owner, end.inconclusive, end.inode_reused) == ((), -1, "", False)
    assert not LaneInfo("a", "editor", "p").participant


@pytest.mark.parametrize(
    ("call", "fault", "is_process_fault", "failed"),
    [
        ("write", "", False, False),
        ("write", "ENOSPC", False, True),
        ("write", "short", False, False),
        ("write", "kill", False, False),
        ("kill", "kill", True, False),
        ("stop", "stop", True, False),
    ],
)
def test_a_step_names_the_kind_of_its_fault(
    call: str, fault: str, is_process_fault: bool, failed: bool
) -> None:
    step = Step(0, 0, call, fault=fault)
    assert (step.is_process_fault, step.failed) == (is_process_fault, failed)


def test_equal_marks_mean_equal_events() -> None:
    one = small()
    other = msgspec.structs.replace(one.header, seed=one.header.seed + 1)
    assert mark(one) == mark(History(other, one.events, {}))
    marks = {mark(History(one.header, one.events[:count], one.blobs)) for count in range(len(one.events))}
    assert len(marks | {mark(one)}) == len(one.events) + 1
    assert all(0 <= found < 1 << 64 for found in marks)
    assert mark(History(one.header, (), {})) == 0x586913630E92BEF9


def test_only_steps_are_counted() -> None:
    assert steps_of(small().events) == 1
    assert steps_of(()) == 0


def test_kinds_of_operation_and_outcome_are_these() -> None:
    assert {"acquire", "begin_turn"} == ACQUIRING
    assert {"release", "release_for_prompt", "end_turn"} == RELEASING
    assert {"think", "pause"} == IDLE
    assert {"ok", "skipped", "unsupported"} == KEEPING
