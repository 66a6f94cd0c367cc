"""Lines of an acknowledged call, one by one, on either side of those that it was asked to write."""

from __future__ import annotations

import json

import msgspec
import pytest

from harness.model.history import History, Step
from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, LANES, Story, compaction, line, lines


def asked(story: Story, *names: str) -> History:
    """The history in which each of these entries was to be `line` of its name."""
    history = story.history()
    wanted = {name: line(name).decode().removesuffix("\n") for name in names}
    return msgspec.structs.replace(history, header=msgspec.structs.replace(history.header, lines=wanted))


def altered(history: History) -> list[Violation]:
    return [one for one in judge(history).violations if one.kind in ("altered_entry", "lost_entry")]


def write(story: Story, lane: int, content: bytes, *names: str) -> None:
    with story.op(lane, "append", *names):
        story.put(lane, content)


FIRST = line("first")
OTHER = json.dumps({"id": "h", "type": "other"}).encode() + b"\n"
MORE = json.dumps({"id": "h", "type": "user", "ordinal": 3, "parentId": "x"}).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "subkind"),
    [
        (FIRST + lines("h", "i"), ""),
        (FIRST + MORE + line("i"), ""),
        (FIRST + line("h") + b"\n" + line("i"), ""),
        (FIRST + OTHER + line("i"), "other_text"),
        (FIRST + lines("h", "h", "i"), "written_twice"),
        (FIRST + lines("i", "h"), "other_order"),
        (lines("h", "i") + FIRST, "misplaced"),
        (FIRST + lines("h", "i") + b"xyz\n", "garbage"),
        (FIRST + lines("h", "i") + b"{", "garbage"),
        (FIRST + b"xyz\n" + lines("h", "i"), "garbage"),
        (FIRST + line("h") + b"xyz\n" + line("i"), "garbage"),
        (b"xyz\n" + FIRST + lines("h", "i"), "garbage"),
        (FIRST + b'{"type":"x"}\n' + lines("h", "i"), ""),
    ],
)
def test_an_acknowledged_entry_is_the_whole_line(content: bytes, subkind: str) -> None:
    story = Story()
    write(story, HEARTBEAT, content, "h", "i")
    found = altered(asked(story, "h", "i"))
    assert [one.detail.partition(":")[0] for one in found] == ([subkind] if subkind else [])


def wrapped(name: str) -> bytes:
    return b'{"entry":%b}\n' % line(name).rstrip()


@pytest.mark.parametrize(
    ("content", "subkind"),
    [
        (wrapped("h") + wrapped("i"), ""),
        (line("h") + wrapped("i"), ""),
        (b'{"batch":[%b,%b]}\n' % (line("h").rstrip(), line("i").rstrip()), ""),
        (b'{"of":{"id":"h"}}\n' + line("i"), "other_text"),
        (b'{"of":{"id":"h"},"type":"user"}\n' + line("i"), "other_text"),
        (b'{"entry":%b}\n' % OTHER.rstrip() + line("i"), "other_text"),
        (compaction("s", "h") + line("i"), "other_text"),
        (compaction("s", "h", "i"), "other_text"),
        (compaction("s", "h") + wrapped("h") + line("i"), ""),
        (b"[%b,%b]\n" % (line("h").rstrip(), line("i").rstrip()), "garbage"),
        (wrapped("h") + wrapped("i") + b"xyz\n", "garbage"),
        (wrapped("h") + wrapped("i")[:-1], "garbage"),
    ],
)
def test_an_id_alone_is_no_entry(content: bytes, subkind: str) -> None:
    story = Story()
    write(story, HEARTBEAT, FIRST + content, "h", "i")
    found = altered(asked(story, "h", "i"))
    assert [one.detail.partition(":")[0] for one in found] == ([subkind] if subkind else [])


def test_a_reference_beside_a_line_that_stood_before_is_no_fault() -> None:
    story = Story(initial=lines("first", "h"))
    write(story, HEARTBEAT, lines("first", "h", "i"), "h", "i")
    assert altered(asked(story, "h", "i")) == []


def test_lines_of_a_rogue_in_between_are_not_the_fences() -> None:
    story = Story()
    story.call(HEARTBEAT, "append", "h")
    story.put(HEARTBEAT, FIRST + line("h")[:5])
    story.call(EDITOR, "action")
    story.put(EDITOR, FIRST + line("h")[:5] + b"xyz\n")
    story.done(EDITOR)
    story.put(HEARTBEAT, FIRST + line("h")[:5] + b"xyz\n" + line("h"))
    story.done(HEARTBEAT)
    assert altered(asked(story, "h")) == []


def test_a_refused_or_failed_call_promises_no_lines() -> None:
    for outcome in ("crash", "failed", "lock_timeout"):
        story = Story()
        story.call(HEARTBEAT, "append", "h")
        story.put(HEARTBEAT, FIRST + OTHER)
        story.done(HEARTBEAT, outcome)
        assert altered(asked(story, "h")) == []


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (compaction("sum", "first", "b"), ""),
        (FIRST + line("b"), "lost_entry"),
        (line("b") + compaction("sum"), "lost_entry"),
        (line("b") + FIRST + compaction("sum"), "other_order"),
        (FIRST + lines("b", "b") + compaction("sum"), "written_twice"),
        (json.dumps({"id": "first"}).encode() + b"\n" + line("b"), "other_text"),
        (FIRST + line("b") + compaction("sum") + b'rest"}\n', "garbage"),
        (FIRST + line("b") + compaction("sum") + b'{"id": "c"', "garbage"),
    ],
)
def test_a_rewrite_keeps_the_lines_that_it_found(after: bytes, kind: str) -> None:
    story = Story(initial=lines("first", "b"))
    with story.op(CRON, "rewrite"):
        story.look(CRON)
        if after != story.content:
            story.put(CRON, after, "f7", call="rename")
    (found,) = altered(story.history()) or [None]
    assert (found is None) == (not kind)
    if found is not None:
        assert kind == found.kind or found.detail.startswith(f"{kind}:")


@pytest.mark.parametrize(
    "after", [lines("first", "b") + b"half\n" + compaction("sum"), compaction("sum", "first", "b") + b"half"]
)
def test_a_rewrite_may_keep_a_line_that_was_torn_before(after: bytes) -> None:
    story = Story(initial=lines("first", "b") + b"half")
    with story.op(CRON, "rewrite"):
        story.put(CRON, after, "f7", call="rename")
    assert altered(story.history()) == []


def test_a_rewrite_beside_a_rogue_is_not_judged() -> None:
    story = Story(initial=lines("first", "b"))
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.write(EDITOR, line("b"))
    with story.op(CRON, "rewrite"):
        story.put(CRON, compaction("sum"))
    assert altered(story.history()) == []


def test_a_line_that_another_participant_tore_is_a_lost_entry_only() -> None:
    story = Story()
    story.write(CRON, FIRST + b'{"id": "c"', kind="append")
    story.add(HEARTBEAT, "h")
    assert [one.kind for one in altered(story.history())] == ["lost_entry"]


def test_a_call_after_a_failed_one_is_still_judged() -> None:
    for outcome in ("lock_timeout", "failed"):
        story = Story()
        with story.op(HEARTBEAT, "append", "g", outcome=outcome):
            story.look(HEARTBEAT, "openat", "T.lock", fault="ENOSPC" if outcome == "failed" else "")
        write(story, HEARTBEAT, FIRST + OTHER, "h")
        assert [one.kind for one in altered(asked(story, "g", "h"))] == ["altered_entry"]


def test_lanes_after_a_rogue_are_still_judged() -> None:
    story = Story(lanes=(LANES[EDITOR], LANES[CRON]))
    story.touch(0)
    write(story, 1, FIRST + OTHER, "h")
    assert [(one.kind, one.lane) for one in altered(asked(story, "h"))] == [("altered_entry", 1)]


def test_the_violation_names_lane_entry_and_steps() -> None:
    story = Story()
    story.call(HEARTBEAT, "append", "h")
    first = story.put(HEARTBEAT, FIRST + OTHER[:5])
    second = story.put(HEARTBEAT, FIRST + OTHER)
    returned = story.done(HEARTBEAT)
    (found,) = altered(asked(story, "h"))
    assert found == Violation(
        "altered_entry",
        returned,
        HEARTBEAT,
        0,
        "other_text: after an acknowledged write of heartbeat entry h "
        "stands with other content than it was asked to write",
        (first, second),
    )


def test_the_violation_of_a_rewrite_names_the_rewrite() -> None:
    story = Story(initial=lines("first", "b"))
    story.write(CRON, line("b") + FIRST, kind="rewrite")
    (found,) = altered(story.history())
    assert "after a rewrite of cron entry b stands in another order" in found.detail


def test_a_call_with_a_failed_step_promises_no_lines() -> None:
    story = Story()
    story.call(HEARTBEAT, "append", "h")
    story.look(HEARTBEAT, "write", fault="ENOSPC")
    story.put(HEARTBEAT, FIRST + OTHER)
    story.done(HEARTBEAT)
    failed = any(event.failed for event in story.events if isinstance(event, Step))
    assert failed and altered(asked(story, "h")) == []


@pytest.mark.parametrize(
    ("initial", "after", "subkind"),
    [
        # The id stood there before: its old line is none of the call's.
        (lines("h", "first"), lines("h", "first", "h"), ""),
        (lines("h", "first"), lines("h", "first") + OTHER, "other_text"),
        (lines("h", "first"), lines("h", "first") + MORE + OTHER, "written_twice"),
        (FIRST + b"xyz\n", FIRST + b"xyz\n" + MORE, ""),
        (FIRST + b"xyz\n", FIRST + b"xyz\n" + MORE + b"xy\n", "garbage"),
        (FIRST, FIRST + MORE + b'["h"]\n', "garbage"),
        (FIRST, FIRST + MORE + b"  \n", ""),
        (FIRST, FIRST + MORE + b'{"id": 3}\n', ""),
        (FIRST, FIRST + b'{"id": "h", "type": "user"\n', ""),
        (lines("first", "b"), FIRST + MORE + line("b"), "misplaced"),
        (None, MORE, ""),
        (None, OTHER, "other_text"),
    ],
)
def test_one_added_entry_is_told_from_the_earlier_ones(
    initial: bytes | None, after: bytes, subkind: str
) -> None:
    story = Story(initial=initial)
    write(story, HEARTBEAT, after, "h")
    found = [one for one in altered(asked(story, "h")) if one.kind == "altered_entry"]
    assert [one.detail.partition(":")[0] for one in found] == ([subkind] if subkind else [])


def test_an_entry_glued_to_half_a_line_is_not_altered() -> None:
    story = Story(initial=FIRST + b'{"id": ')
    write(story, HEARTBEAT, FIRST + b'{"id": ' + OTHER, "h")
    assert [one.kind for one in altered(asked(story, "h"))] == ["lost_entry"]


def test_an_entry_of_unknown_text_is_not_compared() -> None:
    story = Story()
    write(story, HEARTBEAT, FIRST + OTHER, "h")
    assert altered(story.history()) == []


def test_a_rewrite_keeps_each_field_but_the_parent() -> None:
    old = b'{"id": "b", "type": "user", "parentId": "first", "n": 1}\n'
    for new, kinds in (
        (b'{"id": "b", "type": "user", "parentId": "x", "n": 1, "more": 2}\n', []),
        (b'{"id": "b", "type": "user", "parentId": "first"}\n', ["altered_entry"]),
        (b'{"id": "b", "type": "user", "parentId": "first", "n": 2}\n', ["altered_entry"]),
    ):
        story = Story(initial=FIRST + old)
        story.write(CRON, FIRST + new, kind="rewrite")
        assert [one.kind for one in altered(story.history())] == kinds


def test_a_rewrite_may_drop_lines_that_came_after_the_start() -> None:
    """`lost_entries` judges acknowledged entries; no call promises to keep the others."""
    story = Story()
    story.add(EDITOR, "x")
    story.write(CRON, FIRST + compaction("sum"), kind="rewrite")
    assert altered(story.history()) == []


def test_a_rewrite_beside_another_lanes_change_is_not_judged() -> None:
    for late in (False, True):
        story = Story(initial=lines("first", "b"))
        story.call(CRON, "rewrite")
        if not late:
            story.add(HEARTBEAT, "h")
        story.put(CRON, line("b") + (b"" if late else line("h")))
        if late:
            story.add(HEARTBEAT, "h")
        story.done(CRON)
        assert altered(story.history()) == []


def test_a_rewrite_that_did_nothing_is_judged_by_the_earlier_lines() -> None:
    for content, kinds in ((lines("h"), ["lost_entry"]), (b"xyz\n", []), (b"", [])):
        story = Story(initial=b"")
        story.write(HEARTBEAT, content, kind="rewrite") if content else None
        story.call(CRON, "rewrite")
        returned = story.done(CRON)
        found = [one for one in altered(story.history()) if one.lane == CRON]
        assert [one.kind for one in found] == kinds
        assert all(one.at == returned and "the transcript is as it was" in one.detail for one in found)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FIRST + OTHER + line("i"), "entry h stands with other content"),
        (FIRST + lines("h", "i", "i"), "entry i stands more than once"),
        (FIRST + lines("i", "h"), "entry i stands in another order"),
        (lines("h") + FIRST + line("i"), "entry h stands in front of"),
        (FIRST + lines("h", "i") + b"xyz\n", "entry i has bytes beside it"),
    ],
)
def test_the_violation_names_the_entry_that_suffered(content: bytes, said: str) -> None:
    story = Story()
    write(story, HEARTBEAT, content, "h", "i")
    (found,) = altered(asked(story, "h", "i"))
    assert said in found.detail


V1, V2, V3 = (json.dumps({"id": "b", "v": number}).encode() + b"\n" for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("initial", "after", "said"),
    [
        (FIRST + V1 + V2, FIRST + V1, ""),
        (FIRST + V1 + V2, FIRST + V2, ""),
        (FIRST + V1 + V2, FIRST + V3, "other_text"),
        (V1 + FIRST + V1, FIRST + V1, ""),
        (V1 + FIRST + V1, V1 + FIRST, ""),
        (V1 + FIRST + V1, V1 + FIRST + V1 + compaction("sum"), ""),
        (FIRST + V1 + V1, V1 + FIRST + V1, "other_order"),
    ],
)
def test_an_id_on_two_lines_is_known_by_its_first(initial: bytes, after: bytes, said: str) -> None:
    story = Story(initial=initial)
    story.write(CRON, after, kind="rewrite")
    found = [one.detail.partition(":")[0] for one in altered(story.history())]
    assert found == ([said] if said else [])
