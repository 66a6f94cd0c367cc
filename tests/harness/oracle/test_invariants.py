"""Invariants of the transcript's lines: the shipped ones, when they are asked, and the accused lanes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import pytest

from harness.model.history import History
from harness.oracle import judge
from harness.oracle.broken_invariants import broken_invariants
from harness.oracle.index import HistoryIndex
from harness.oracle.invariants import (
    ALWAYS,
    INVARIANTS,
    Acknowledged,
    Check,
    Invariant,
    InvariantError,
)
from harness.oracle.verdict import Violation
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, Story, line, lines


def entry(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def broken(history: History, check: Check, each_step: bool = False) -> list[Violation]:
    return broken_invariants(HistoryIndex(history), [Invariant("mine", check, each_step)])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("unique_ids", [entry(id="a"), entry(id="b")], ""),
        ("unique_ids", [entry(id="a"), entry(id="b"), entry(id="a")], "two lines have the id a"),
        ("unique_ids", [entry(id=1), entry(id=1), b"no", b"no", b"[1]", b"[1]"], ""),
        ("unique_ids", [entry(id=1), entry(id="a"), entry(id="a")], "two lines have the id a"),
        ("unique_ordinals", [entry(ordinal=1), entry(ordinal=1)], "two lines have the ordinal 1"),
        ("unique_ordinals", [entry(seq=0), entry(seq=0)], "two lines have the seq 0"),
        ("unique_ordinals", [entry(seq=1), entry(ordinal=1), entry(seq=2)], ""),
        ("unique_ordinals", [entry(ordinal=True), entry(ordinal=True), entry(id="a"), entry(id="a")], ""),
        ("one_header", [entry(type="title"), entry(type="session"), entry(id="a")], ""),
        ("one_header", [], ""),
        ("one_header", [entry(id="a")], "no line is a header"),
        (
            "one_header",
            [entry(type="session"), entry(id="a"), entry(type="session")],
            "line 3 is a second header",
        ),
        ("linear_parents", [entry(id="a", parentId=None), entry(id="b", parentId="a")], ""),
        ("linear_parents", [entry(id="a", parentId="root"), entry(id="b"), entry(id="c", parentId="b")], ""),
        (
            "linear_parents",
            [entry(id="b", parentId="a"), entry(id="a")],
            "entry b has the parent a, which no line before it bears",
        ),
        (
            "linear_parents",
            [entry(id="a"), entry(id="b", parentId="a"), entry(id="c", parentId="a")],
            "entry c is the second one with the parent a",
        ),
        ("every_line_parses", [entry(id="a"), b"{}"], ""),
        ("every_line_parses", [b"{}", b"[]"], "line 2 is no JSON object: b'[]'"),
        ("every_line_parses", [b"x" * 50], f"line 1 is no JSON object: b'{'x' * 40}'"),
        ("every_line_parses", [b"[" * 100_000], f"line 1 is no JSON object: b'{'[' * 40}'"),
    ],
)
def test_a_shipped_invariant_names_the_fault(name: str, content: list[bytes], said: str) -> None:
    assert INVARIANTS[name](content, ()) == said


def test_ids_and_ordinals_are_always_asked_at_the_end() -> None:
    assert [(one.name, one.check, one.each_step) for one in ALWAYS] == [
        (name, INVARIANTS[name], False) for name in ("unique_ids", "unique_ordinals")
    ]


def test_an_entry_written_twice_is_told_once() -> None:
    story = Story()
    with story.op(CRON, "append", "c"):
        story.put(CRON, lines("first", "c", "c"))
    assert [one.kind for one in judge(story.history()).violations] == ["altered_entry"]


def has_x(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    return "x is there" if line("x").rstrip() in content else ""


def story_with_x(*, stays: bool, lane: int = CRON) -> tuple[Story, int]:
    """Return a story in which x appears with the second change, and the index of that step."""
    story = Story()
    story.add(HEARTBEAT, "h")
    breaker = story.write(lane, lines("first", "h", "x"), kind="rewrite")
    story.write(HEARTBEAT, lines("first", "h", "x", "i"), kind="rewrite")
    if not stays:
        story.write(HEARTBEAT, lines("first", "h", "i"), kind="rewrite")
    return story, breaker


@pytest.mark.parametrize("each_step", [False, True])
def test_the_step_that_broke_it_is_accused(each_step: bool) -> None:
    story, breaker = story_with_x(stays=True)
    assert broken(story.history(), has_x, each_step) == [
        Violation("invariant", breaker, CRON, 0, "mine: after a step of cron, x is there", (breaker,))
    ]


@pytest.mark.parametrize(("each_step", "places"), [(False, 0), (True, 1)])
def test_a_break_that_was_repaired_counts_at_each_step_only(each_step: bool, places: int) -> None:
    story, breaker = story_with_x(stays=False)
    found = broken(story.history(), has_x, each_step)
    assert [one.at for one in found] == [breaker] * places


@pytest.mark.parametrize("each_step", [False, True])
def test_a_rogues_break_is_not_held_against_a_fence(each_step: bool) -> None:
    story, _ = story_with_x(stays=True, lane=EDITOR)
    assert broken(story.history(), has_x, each_step) == []


def rewritten_in_place(lane: int, *, by: int = EDITOR) -> tuple[Story, int]:
    """Return a story in which x was there when a lane emptied the file and wrote it again."""
    story = Story()
    story.add(HEARTBEAT, "h")
    breaker = story.write(by, lines("first", "h", "x"), kind="rewrite")
    with story.op(lane, "rewrite"):
        story.put(lane, b"", call="openat")
        story.put(lane, lines("first", "h", "x"))
    return story, breaker


def test_a_rewrite_of_content_that_a_rogue_broke_breaks_nothing() -> None:
    story, _ = rewritten_in_place(CRON)
    assert broken(story.history(), has_x) == []


def test_a_rewrite_of_content_broken_earlier_accuses_the_first() -> None:
    story, breaker = rewritten_in_place(CRON, by=HEARTBEAT)
    (found,) = broken(story.history(), has_x)
    assert (found.at, found.lane) == (breaker, HEARTBEAT)


def test_a_rewrite_that_breaks_whole_content_is_accused() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "rewrite"):
        story.put(CRON, b"", call="openat")
        breaker = story.put(CRON, lines("first", "h", "x"))
    assert [one.at for one in broken(story.history(), has_x)] == [breaker]


def test_a_rewrite_into_which_a_rogue_wrote_is_not_accused() -> None:
    story = Story()
    with story.op(CRON, "rewrite"):
        story.put(CRON, b"", call="openat")
        with story.op(EDITOR, "action"):
            story.put(EDITOR, lines("first", "h"))
        story.put(CRON, lines("first", "x"))
    assert broken(story.history(), has_x) == []


def test_a_break_at_the_first_change_is_found() -> None:
    story = Story()
    at = story.write(CRON, lines("first", "x"), kind="rewrite")
    for each_step in (False, True):
        assert [one.at for one in broken(story.history(), has_x, each_step)] == [at]


def test_a_later_break_after_a_repair_is_the_one_accused() -> None:
    story, _ = story_with_x(stays=False)
    again = story.write(HEARTBEAT, lines("first", "x"), kind="rewrite")
    (found,) = broken(story.history(), has_x)
    assert (found.at, found.lane) == (again, HEARTBEAT)


def test_a_transcript_that_never_changed_is_not_asked() -> None:
    story = Story(initial=lines("first", "first"))
    with story.op(CRON, "load"):
        story.look(CRON)
    assert broken(story.history(), INVARIANTS["unique_ids"]) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_rule_broken_from_the_start_accuses_nothing(each_step: bool) -> None:
    story = Story(initial=lines("x"))
    story.write(HEARTBEAT, lines("x", "h"), kind="rewrite")
    story.write(CRON, lines("x", "h", "c"), kind="rewrite")
    assert broken(story.history(), has_x, each_step=each_step) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_rule_mended_and_broken_again_accuses_the_second_break(each_step: bool) -> None:
    story = Story(initial=lines("x"))
    story.write(HEARTBEAT, lines("h"), kind="rewrite")
    at = story.write(CRON, lines("h", "x"), kind="rewrite")
    story.write(HEARTBEAT, lines("h", "x", "y"), kind="rewrite")
    (found,) = broken(story.history(), has_x, each_step=each_step)
    assert (found.at, found.lane) == (at, CRON)


def test_changes_that_overlap_in_time_are_not_judged() -> None:
    story = Story(gate="free")
    story.call(CRON, "rewrite")
    story.call(HEARTBEAT, "append", "h")
    story.put(CRON, lines("first", "x"), at=(10, 60))
    story.put(HEARTBEAT, lines("first", "x", "h"), at=(20, 50))
    story.done(CRON)
    story.done(HEARTBEAT)
    history = story.history()
    assert any(mutation.contested for mutation in HistoryIndex(history).mutations)
    assert broken(history, has_x) == []


def test_the_check_gets_lines_and_acknowledged_entries() -> None:
    got: list[tuple[list[bytes], list[Acknowledged]]] = []

    def check(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> None:
        got.append((list(content), list(acknowledged)))

    story = Story(initial=b"")
    story.add(EDITOR, "x")
    story.add(HEARTBEAT, "h")
    with story.op(HEARTBEAT, "append", "late", outcome="refused"):
        pass
    story.add(CRON, "c")
    story.write(CRON, b'{"id": "h"}\n\nhalf', kind="rewrite")
    story.write(CRON, None, kind="rewrite")
    history = story.history()
    header = msgspec.structs.replace(history.header, lines={"h": "the line of h"})
    assert broken(msgspec.structs.replace(history, header=header), check, each_step=True) == []
    h = Acknowledged("h", "user", "heartbeat", b"the line of h")
    c = Acknowledged("c", "user", "cron", b"")
    x, plain_h, plain_c = (line(name).rstrip() for name in "xhc")
    assert got == [
        ([x], []),
        ([x, plain_h], [h]),
        ([x, plain_h, plain_c], [h, c]),
        ([b'{"id": "h"}', b"", b"half"], [h, c]),
        ([], [h, c]),
    ]


def test_an_entry_of_the_first_call_is_acknowledged() -> None:
    got: list[list[str]] = []
    story = Story(initial=b"")
    story.add(HEARTBEAT, "h")
    broken(story.history(), lambda _, acknowledged: got.append([one.id for one in acknowledged]))
    assert got == [["h"]]


def test_bytes_that_were_not_kept_break_nothing() -> None:
    story, _ = story_with_x(stays=True)
    history = story.history()
    assert broken(msgspec.structs.replace(history, blobs={}), lambda *_: "wrong") == []


@pytest.mark.parametrize(
    ("returned", "said"), [(None, ""), ("", ""), ([], ""), (["a", "b"], "a; b"), (("a",), "a")]
)
def test_a_check_may_return_text_or_texts_or_none(returned: str | list[str] | None, said: str) -> None:
    story, _ = story_with_x(stays=True)
    found = broken(story.history(), lambda content, _: returned if line("x").rstrip() in content else None)
    assert [one.detail.rpartition(", ")[2] for one in found] == ([said] if said else [])


@pytest.mark.parametrize("returned", [True, 3, [1], ["a", 1], b"a"])
def test_a_check_that_returns_something_else_is_an_error(returned: object) -> None:
    story, _ = story_with_x(stays=True)
    with pytest.raises(InvariantError, match=r"mine returned .*, expected text, a list of texts or None"):
        broken(story.history(), lambda *_: returned)  # type: ignore[arg-type,return-value]


def test_a_check_that_raises_makes_the_history_inconclusive() -> None:
    def check(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
        raise KeyError("seq")

    story, _ = story_with_x(stays=True)
    judgement = judge(story.history(), invariants=[Invariant("mine", check)])
    assert judgement.inconclusive == "invariant mine raised KeyError: 'seq'"
    assert judgement.decisions == () and judgement.violations == ()


@pytest.mark.parametrize("each_step", [False, True])
def test_an_invariant_that_holds_accuses_no_step(each_step: bool) -> None:
    story, _ = story_with_x(stays=True)
    assert broken(story.history(), lambda *_: "", each_step) == []
