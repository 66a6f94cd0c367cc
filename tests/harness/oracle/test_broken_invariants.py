"""Invariants that ask for acknowledged entries, and rules that do not answer the same every time."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from harness.model.history import History
from harness.oracle import judge
from harness.oracle.broken_invariants import broken_invariants
from harness.oracle.index import HistoryIndex
from harness.oracle.invariants import INVARIANTS, Acknowledged, Check, Invariant
from harness.oracle.verdict import Violation
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, Story, line, lines

pytestmark = pytest.mark.timeout(20)


def told_ids_stand(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which acknowledged ids no line bears."""
    there = {json.loads(text).get("id") for text in content if text}
    missing = [one.id for one in acknowledged if one.id not in there]
    return f"no line for {', '.join(missing)}" if missing else ""


def broken(history: History, check: Check = told_ids_stand, each_step: bool = False) -> list[Violation]:
    return broken_invariants(HistoryIndex(history), [Invariant("told", check, each_step)])


def wrapped(name: str) -> bytes:
    return b'{"entry":' + line(name).rstrip() + b"}\n"


@pytest.mark.parametrize("each_step", [False, True])
def test_an_append_under_another_form_breaks_the_rule_itself(each_step: bool) -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "append", "c"):
        at = story.put(CRON, lines("first", "h") + wrapped("c"))
    story.add(HEARTBEAT, "i")
    (found,) = broken(story.history(), each_step=each_step)
    assert (found.at, found.lane) == (at, CRON)
    assert found.detail == "told: after a step of cron, no line for c"


@pytest.mark.parametrize("each_step", [False, True])
def test_each_append_of_a_lane_may_break_it(each_step: bool) -> None:
    story = Story()
    content = story.content or b""
    steps = []
    for name in "abc":
        content += wrapped(name)
        with story.op(CRON, "append", name):
            steps.append(story.put(CRON, content))
    assert [one.at for one in broken(story.history(), each_step=each_step)] == [steps[0]]


@pytest.mark.parametrize("each_step", [False, True])
def test_a_call_that_waits_has_not_been_told_yet(each_step: bool) -> None:
    story = Story()
    story.call(CRON, "guarded_write", "c")
    story.add(HEARTBEAT, "h")
    story.put(CRON, lines("first", "h", "c"))
    story.done(CRON)
    assert broken(story.history(), each_step=each_step) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_lines_of_one_call_may_come_one_by_one(each_step: bool) -> None:
    story = Story()
    with story.op(CRON, "append", "c", "d"):
        story.put(CRON, lines("first", "c"))
        story.put(CRON, lines("first", "c", "d"))
    assert broken(story.history(), each_step=each_step) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_a_lie_without_a_step_accuses_no_other_lane(each_step: bool) -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "append", "c"):
        story.look(CRON)
    story.add(HEARTBEAT, "i")
    assert broken(story.history(), each_step=each_step) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_a_lie_told_while_another_lane_writes_accuses_none(each_step: bool) -> None:
    story = Story()
    story.add(EDITOR, "x")
    with story.op(HEARTBEAT, "append", "h"):
        with story.op(CRON, "append", "c"):
            story.look(CRON)
        story.put(HEARTBEAT, lines("first", "x", "h"))
    assert broken(story.history(), each_step=each_step) == []


def test_a_lie_does_not_bring_a_mended_break_back() -> None:
    story = Story()
    with story.op(HEARTBEAT, "append", "h"):
        story.put(HEARTBEAT, lines("first") + wrapped("h"))
    story.write(EDITOR, lines("first", "h"))
    with story.op(CRON, "append", "c"):
        story.look(CRON)
    story.add(HEARTBEAT, "i")
    assert broken(story.history()) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_the_lane_that_drops_an_acknowledged_line_is_accused(each_step: bool) -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    at = story.write(CRON, lines("first"), kind="rewrite")
    story.add(HEARTBEAT, "i")
    assert [one.at for one in broken(story.history(), each_step=each_step)] == [at]


@pytest.mark.parametrize("each_step", [False, True])
@pytest.mark.parametrize("period", [2, 3, 5])
def test_a_rule_with_a_state_of_its_own_is_inconclusive(each_step: bool, period: int) -> None:
    asked: list[int] = []

    def moody(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str | None:
        asked.append(1)
        return "odd" if len(asked) % period == 1 else None

    story = Story()
    for name in "abcdef":
        story.add(HEARTBEAT, name)
    judgement = judge(story.history(), invariants=[Invariant("moody", moody, each_step)])
    assert judgement.violations == ()
    assert judgement.inconclusive == (
        "invariant moody answers differently when it is asked the same question again: first 'odd', "
        "then None; it has to depend on its arguments alone"
    )


@pytest.mark.parametrize("each_step", [False, True])
def test_a_rule_may_change_its_arguments(each_step: bool) -> None:
    def greedy(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
        said = told_ids_stand(content, acknowledged)
        content.clear()  # type: ignore[attr-defined]
        acknowledged.clear()  # type: ignore[attr-defined]
        return said

    story = Story()
    with story.op(CRON, "append", "c"):
        at = story.put(CRON, lines("first") + wrapped("c"))
    assert [one.at for one in broken(story.history(), greedy, each_step)] == [at]


@pytest.mark.parametrize("each_step", [False, True])
@pytest.mark.parametrize(("seen", "left"), [(b"", b'{"half'), (b'{"half', b"")])
def test_a_rogue_between_look_and_write_excuses_the_write(seen: bytes, left: bytes, each_step: bool) -> None:
    story = Story()
    if seen:
        story.write(EDITOR, lines("first") + seen)
    with story.op(CRON, "append", "c"):
        story.look(CRON, "openat")
        story.look(CRON)
        story.write(EDITOR, lines("first") + left)
        story.put(CRON, lines("first") + left + (b"\n" if seen else b"") + line("c"))
    assert broken(story.history(), INVARIANTS["every_line_parses"], each_step) == []


@pytest.mark.parametrize("each_step", [False, True])
def test_a_rogue_before_the_first_look_excuses_no_write(each_step: bool) -> None:
    story = Story()
    with story.op(CRON, "append", "c"):
        story.look(CRON, "openat", "T.lock")
        story.write(EDITOR, lines("first", "x"))
        story.look(CRON)
        at = story.put(CRON, lines("first", "x") + b"\n" + line("c"))
    assert [one.at for one in broken(story.history(), INVARIANTS["every_line_parses"], each_step)] == [at]


def test_a_look_in_an_earlier_call_excuses_no_write() -> None:
    story = Story()
    story.load(CRON)
    story.write(EDITOR, lines("first", "x"))
    with story.op(CRON, "append", "c"):
        at = story.put(CRON, lines("first", "x") + b"\n" + line("c"))
    assert [one.at for one in broken(story.history(), INVARIANTS["every_line_parses"])] == [at]
