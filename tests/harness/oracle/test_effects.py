"""Tests of `harness.oracle.effects`: classes of effects, their rules, and mutations without an effect."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from harness.model.history import State
from harness.oracle import judge
from harness.oracle.effects import is_append
from harness.oracle.index import Operation
from tests.harness.oracle.histories import (
    CRON,
    EDITOR,
    HEARTBEAT,
    POLICIES,
    RUNNER,
    SAME_PROCESS,
    Story,
    compaction,
    line,
    lines,
)

Act = Callable[[Story], object]


def _rewrite(lane: int, file: str | None = None) -> Act:
    def act(story: Story) -> object:
        return story.write(lane, compaction("sum", "first"), file, kind="rewrite")

    return act


def _stolen(story: Story) -> None:
    with story.op(CRON, "append"):
        story.put(CRON, (story.content or b"") + line("c"), reclaimed=True)


def _forgot_the_lock(story: Story) -> None:
    with story.op(CRON, "append"):
        story.put(CRON, (story.content or b"") + line("c"), held=False)


def _own_without_lock(story: Story) -> None:
    with story.op(RUNNER, "append"):
        story.put(RUNNER, (story.content or b"") + line("mine"), held=False)


def _swap(lane: int) -> Act:
    return lambda story: story.write(lane, story.content, story.new_file(), kind="rewrite")


def _remove(story: Story) -> object:
    return story.write(EDITOR, None)


S, T, E = "sanctioned", "takeover", "either"
TABLE: list[tuple[str, Act, str, str, str]] = [
    ("own append", lambda story: story.add(RUNNER, "mine"), S, S, S),
    ("own append beside the lock", _own_without_lock, S, S, S),
    ("own rewrite", _rewrite(RUNNER), S, S, S),
    ("own rewrite, same bytes, other file", _swap(RUNNER), S, S, S),
    ("append, same process", lambda story: story.add(HEARTBEAT, "h"), S, S, T),
    ("append, other process", lambda story: story.add(CRON, "c"), S, T, T),
    ("rewrite, same process", _rewrite(HEARTBEAT), S, S, T),
    ("rewrite, other process", _rewrite(CRON), S, T, T),
    ("rewrite, same process, new file", _rewrite(HEARTBEAT, "new"), S, S, T),
    ("rogue append", lambda story: story.add(EDITOR, "x"), T, T, T),
    ("rogue removal", _remove, T, T, T),
    ("participant without the lock", _forgot_the_lock, T, T, T),
    ("reclaimed", _stolen, T, T, T),
    ("same bytes, other file, by a rogue", _swap(EDITOR), E, E, T),
    ("same bytes, other file, by a participant", _swap(CRON), E, E, T),
]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_row_of_each_policy_counts_as_it_says(policy: str, row: tuple[str, Act, str, str, str]) -> None:
    _, act, *answers = row
    answer = answers[list(POLICIES).index(policy)]
    admitted, refused = Story(policy), Story(policy)
    for story in (admitted, refused):
        story.window()
        act(story)
    admitted.admit("reply")
    refused.refuse("reply")
    (let_in,) = judge(admitted.history()).decisions
    (turned_away,) = judge(refused.history()).decisions
    assert (let_in.verdict, turned_away.verdict) == {
        S: ("true_negative", "false_positive"),
        T: ("missed_takeover", "true_positive"),
        E: ("true_negative", "uncounted"),
    }[answer]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("call", ["chmod", "utimensat", "link", "unlink", "rename"])
def test_a_step_that_no_reader_sees_is_no_effect(policy: str, call: str) -> None:
    admitted, refused = Story(policy), Story(policy)
    for story in (admitted, refused):
        story.window()
        touch = story.touch(EDITOR, call)
    admitted.admit("reply")
    refused.refuse("reply")
    assert judge(admitted.history()).counts()["true_negative"] == 1
    (decision,) = judge(refused.history()).decisions
    assert (decision.verdict, decision.causes) == ("false_positive", (touch,))


@pytest.mark.parametrize("policy", POLICIES)
def test_renaming_away_and_back_in_one_operation_is_no_effect(policy: str) -> None:
    story = Story(policy)
    story.window()
    content, file = story.content, story.file
    with story.op(EDITOR, "action"):
        story.put(EDITOR, None, call="rename")
        story.put(EDITOR, content, file, call="rename")
    story.refuse("reply")
    assert judge(story.history()).counts()["false_positive"] == 1


def test_an_identical_rewrite_is_no_effect_once_it_is_over() -> None:
    story = Story()
    story.window()
    content = story.content
    with story.op(EDITOR, "action"):
        story.put(EDITOR, b"", call="openat")
        story.put(EDITOR, content)
    story.admit("one")
    story.refuse("two")
    judgement = judge(story.history())
    assert [decision.verdict for decision in judgement.decisions] == ["true_negative", "false_positive"]


def test_an_identical_rewrite_under_way_is_an_effect() -> None:
    story = Story()
    story.window()
    content = story.content
    with story.op(EDITOR, "action"):
        story.put(EDITOR, b"", call="openat")
        story.admit()
        story.put(EDITOR, content)
    assert [decision.verdict for decision in judge(story.history()).decisions] == ["missed_takeover"]


def test_an_identical_rewrite_that_ends_during_the_decision_is_racing() -> None:
    story = Story()
    story.window()
    content = story.content
    with story.op(EDITOR, "action"):
        story.put(EDITOR, b"", call="openat")
        story.admit(during=lambda: story.put(EDITOR, content))
    assert [decision.verdict for decision in judge(story.history()).decisions] == ["racing"]


def test_an_operation_that_overlapped_a_decision_stays_in_its_steps() -> None:
    story = Story()
    story.window()
    content = story.content
    with story.op(EDITOR, "action"):
        story.admit(during=lambda: story.put(EDITOR, b"", call="openat"))
        story.put(EDITOR, content)
    story.refuse("two")
    assert [decision.verdict for decision in judge(story.history()).decisions] == ["racing", "uncounted"]


def test_reclaimed_locks_and_rogues_locks_sanction_no_effect() -> None:
    for lane, reclaimed in ((CRON, True), (EDITOR, False)):
        story = Story()
        story.window()
        with story.op(lane, "append"):
            story.put(lane, lines("first", "x"), held=True, reclaimed=reclaimed)
        story.admit("reply")
        assert judge(story.history()).counts()["missed_takeover"] == 1


def test_a_program_s_lock_sanctions_its_appends() -> None:
    for held, missed in ((True, 0), (False, 1)):
        story = Story()
        lanes = list(story.header.lanes)
        lanes[EDITOR] = msgspec.structs.replace(lanes[EDITOR], role="program")
        story.header = msgspec.structs.replace(story.header, lanes=tuple(lanes))
        story.window()
        with story.op(EDITOR, "action"):
            story.put(EDITOR, lines("first", "x"), held=held)
        story.admit("reply")
        assert judge(story.history()).counts()["missed_takeover"] == missed


def test_an_interleaved_operation_counts_step_by_step() -> None:
    story = Story()
    story.window()
    story.call(EDITOR, "action")
    first = story.put(EDITOR, lines("first", "x"))
    story.add(CRON, "c")
    second = story.put(EDITOR, lines("first"))
    story.done(EDITOR)
    story.refuse("reply")
    (decision,) = judge(story.history()).decisions
    assert (decision.verdict, decision.causes) == ("true_positive", (first, second))


def test_an_append_in_two_writes_is_still_an_append() -> None:
    story = Story("coordinated")
    rules = {**story.header.policy_rules, "participant_rewrite_other_process": "takeover"}
    story.window()
    with story.op(CRON, "append", "c"):
        story.put(CRON, (story.content or b"") + line("c")[:5])
        story.put(CRON, lines("first", "c"))
    story.admit("reply")
    assert judge(story.history(), rules).counts()["true_negative"] == 1


@pytest.mark.parametrize(("size", "appended"), [(11, True), (10, False), (9, False)])
def test_without_bytes_the_sizes_tell_an_append(size: int, appended: bool) -> None:
    operation = Operation(CRON, 0)
    before, after = State("f0", "old", 10), State("f0", "new", size)
    for kind in ("append", "guarded_write"):
        operation.kind = kind
        assert is_append(operation, before, after, {}) == appended
        assert not is_append(operation, before, State("f1", "new", size), {})
    operation.kind = "rewrite"
    assert not is_append(operation, before, after, {})


@pytest.mark.parametrize(("act", "name"), [(_stolen, "reclaimed"), (_forgot_the_lock, "unlocked")])
def test_a_reclaimed_lock_and_none_are_classes_of_their_own(act: Act, name: str) -> None:
    for sanctioned in ("reclaimed", "unlocked"):
        story = Story()
        story.window()
        act(story)
        story.admit("reply")
        rules = {**story.header.policy_rules, sanctioned: "sanctioned"}
        (decision,) = judge(story.history(), rules).decisions
        assert decision.verdict == ("true_negative" if sanctioned == name else "missed_takeover")


def test_an_append_that_changes_earlier_bytes_is_a_rewrite() -> None:
    story = Story("coordinated")
    rules = {**story.header.policy_rules, "participant_rewrite_other_process": "takeover"}
    story.window()
    story.write(CRON, lines("FIRST", "c"), kind="append")
    story.admit("reply")
    assert judge(story.history(), rules).counts()["missed_takeover"] == 1
    assert judge(story.history()).counts()["true_negative"] == 1


def test_an_append_that_creates_the_file_stays_an_append() -> None:
    story = Story("coordinated", initial=None)
    rules = {**story.header.policy_rules, "participant_rewrite_other_process": "takeover"}
    story.window()
    story.add(CRON, "c")
    story.admit("reply")
    assert judge(story.history(), rules).counts()["true_negative"] == 1


def test_the_callers_policy_comes_before_the_one_in_the_history() -> None:
    class Policy:
        name = "same-process"
        rules = SAME_PROCESS

    story = Story("coordinated")
    story.window()
    story.add(CRON, "c")
    story.admit("reply")
    history = story.history()
    assert judge(history).counts()["true_negative"] == 1
    assert judge(history, Policy()).counts()["missed_takeover"] == 1
    assert judge(history, SAME_PROCESS) == judge(history, Policy())


def test_a_custom_policy_may_call_own_appends_a_takeover() -> None:
    story = Story("coordinated")
    rules = {**story.header.policy_rules, "own_append": "takeover"}
    story.begin()
    story.add(RUNNER, "mine")
    story.rest()
    story.admit("one")
    assert judge(story.history(), rules).counts()["missed_takeover"] == 1


def test_an_admitted_write_is_sanctioned_under_any_policy() -> None:
    story = Story("coordinated")
    rules = {**story.header.policy_rules, "own_append": "takeover"}
    story.window()
    story.admit("one")
    story.admit("two")
    assert judge(story.history(), rules).counts()["true_negative"] == 2


@pytest.mark.parametrize(
    ("writer", "outcome", "event", "verdicts"),
    [
        (CRON, "ok", "", ("true_negative", "uncounted")),
        (CRON, "ok", "blocked", ("true_negative", "uncounted")),
        (CRON, "ok", "acquired", ("true_negative", "uncounted")),
        (CRON, "lock_timeout", "", ("missed_takeover", "true_positive")),
        (EDITOR, "ok", "", ("missed_takeover", "true_positive")),
    ],
)
def test_a_write_under_an_unwatched_lock_accuses_no_lane(
    writer: int, outcome: str, event: str, verdicts: tuple[str, str]
) -> None:
    """Where acquisitions succeed and the watched lock is never taken, the fence uses another one."""
    for answer, verdict in zip(("ok", "refused"), verdicts, strict=True):
        story = Story()
        with story.op(RUNNER, "begin_turn", outcome=outcome):
            pass
        story.load()
        with story.op(CRON, "acquire", outcome=outcome):
            if event:
                story.lock(CRON, event)
        with story.op(writer, "append", "c"):
            story.put(writer, lines("first", "c"), held=False)
        with story.op(RUNNER, "guarded_write", outcome=answer):
            story.look(RUNNER, "statx")
        (decision,) = judge(story.history()).decisions
        assert decision.verdict == verdict


@pytest.mark.parametrize(
    ("call", "path", "verdict"),
    [
        *((call, "T", "uncounted") for call in ("read", "pread64", "readv", "preadv", "preadv2", "mmap")),
        *((call, "T", "uncounted") for call in ("sendfile", "copy_file_range", "stat", "lstat", "fstat")),
        *((call, "T", "uncounted") for call in ("newfstatat", "statx")),
        *((call, "T", "false_positive") for call in ("openat", "close", "lseek", "write")),
        ("read", "T.lock", "false_positive"),
    ],
)
def test_a_call_that_may_tell_of_an_undone_change(call: str, path: str, verdict: str) -> None:
    story = Story()
    story.window()
    content = story.content
    story.call(EDITOR, "action")
    story.put(EDITOR, line("sum"))
    with story.op(HEARTBEAT, "load"):
        story.look(HEARTBEAT, call, path)
    story.put(EDITOR, content)
    story.done(EDITOR)
    story.refuse()
    assert [one.verdict for one in judge(story.history()).decisions] == [verdict]


@pytest.mark.parametrize(("reader", "verdicts"), [(EDITOR, ["false_positive"]), (HEARTBEAT, [])])
def test_an_undone_change_excuses_a_refusal_if_a_participant_read_it(
    reader: int, verdicts: list[str]
) -> None:
    story = Story()
    story.window()
    content = story.content
    story.call(CRON, "rewrite")
    story.put(CRON, line("sum"), held=False)
    story.look(CRON)
    story.look(reader)
    story.put(CRON, content, held=False)
    story.done(CRON)
    story.refuse()
    found = judge(story.history()).decisions
    assert [one.verdict for one in found if one.verdict == "false_positive"] == verdicts
