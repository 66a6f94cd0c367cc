"""The first pass never says what the whole analysis would not say, and says where it has a doubt."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.model.history_text import decode
from harness.oracle import Decision, judge
from harness.oracle.first_pass import FirstPass, first_pass
from harness.oracle.rules import rules_of
from harness.results.witness import read
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line, lines
from tests.harness.oracle.random_histories import LOCKING, Play, plays

ROOT = Path(__file__).parents[3]
LOCKED = (
    "cotenant_append_same_process",
    "cotenant_append_other_process",
    "participant_rewrite_same_process",
    "participant_rewrite_other_process",
    "same_bytes_other_file",
)
#: `tests/stress.py` asks for more.
EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "300"))


@settings(deadline=None, print_blob=True, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(plays(participants=LOCKING, known=st.booleans()))
def test_first_pass_and_whole_analysis_agree_on_random_histories(play: Play) -> None:
    history = play.history()
    assert judge(history) == judge(history, full=True)


def test_first_pass_and_whole_analysis_agree_on_stored_witnesses() -> None:
    witnesses = [path for path in (ROOT / "results").rglob("*.json") if b'"claim"' in path.read_bytes()[:99]]
    histories = [decode(read(str(path)).history.encode()) for path in witnesses]
    assert len(histories) > 20
    for history in histories:
        assert judge(history) == judge(history, full=True)


def passed(story: Story, **rules: str) -> FirstPass:
    history = story.history()
    return first_pass(history, {**rules_of(history.header, None), **rules})


def test_an_undisturbed_turn_leaves_no_doubt() -> None:
    story = Story()
    story.window()
    at = story.admit()
    found = passed(story)
    assert not (found.doubt or found.contention or found.entries_doubt or found.lock_errors)
    assert (found.crashes, found.acknowledged, found.faulted) == ([], [], set())
    assert found.decisions == [Decision(RUNNER, 0, 2 + 1, "true_negative", at=at)]


def test_a_lane_that_waited_for_the_lock_leaves_its_owner() -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    story.call(RUNNER, "begin_turn")
    story.lock(RUNNER, "blocked")
    with story.op(HEARTBEAT, "release"):
        story.lock(HEARTBEAT, "released")
    story.lock(RUNNER, "acquired")
    story.done(RUNNER)
    assert not passed(story).contention


def test_an_admission_without_a_load_in_its_turn_is_uncounted() -> None:
    story = Story()
    story.window()
    story.admit()
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "acquired")
    story.rest()
    story.admit()
    story.recover()
    story.admit()
    verdicts = [one.verdict for one in passed(story).decisions]
    assert verdicts == ["true_negative", "uncounted", "true_negative"]


@pytest.mark.parametrize(
    ("lane", "held", "reclaimed", "doubt"),
    [
        (HEARTBEAT, True, False, False),
        (HEARTBEAT, False, False, True),
        (HEARTBEAT, True, True, True),
        (EDITOR, True, False, True),
    ],
)
def test_a_change_outside_the_lock_is_a_doubt(lane: int, held: bool, reclaimed: bool, doubt: bool) -> None:
    story = Story()
    with story.op(lane, "append", "h"):
        story.put(lane, lines("first", "h"), held=held, reclaimed=reclaimed)
    assert passed(story).doubt == doubt


@pytest.mark.parametrize(
    ("kinds", "contention"),
    [
        (["acquired", "released"], False),
        (["acquired", "acquired"], False),
        (["acquired", "reclaimed"], True),
        (["acquired", "returned"], True),
        (["hollow"], True),
        (["blocked"], False),
    ],
)
def test_lock_events_of_one_lane_that_contend(kinds: list[str], contention: bool) -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        for kind in kinds:
            story.lock(HEARTBEAT, kind)
    assert passed(story).contention == contention


@pytest.mark.parametrize(
    ("between", "contention"),
    [((HEARTBEAT, "released"), False), ((CRON, "released"), True), ((CRON, "blocked"), True), (None, True)],
)
def test_a_second_owner_contends_unless_the_first_left(
    between: tuple[int, str] | None, contention: bool
) -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    if between is not None:
        with story.op(between[0], "release"):
            story.lock(*between)
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "acquired")
    assert passed(story).contention == contention


def test_the_free_gate_always_contends() -> None:
    assert passed(Story(gate="free")).contention


@pytest.mark.parametrize("outcome", ["lock_timeout", "stale_lock"])
def test_errors_about_the_lock_are_looked_into(outcome: str) -> None:
    story = Story()
    with story.op(CRON, "acquire", outcome=outcome):
        pass
    found = passed(story)
    assert found.lock_errors and not found.doubt and found.crashes == []


@pytest.mark.parametrize(
    ("kind", "outcome", "detail", "crash"),
    [
        ("load", "crash", "", True),
        ("load", "failed", "", True),
        ("load", "unsupported", "", True),
        ("recover", "unsupported", "", False),
        ("load", "unsupported", "the adapter has no load", False),
        ("load", "skipped", "", False),
    ],
)
def test_outcomes_that_are_crashes(kind: str, outcome: str, detail: str, crash: bool) -> None:
    story = Story()
    with story.op(RUNNER, kind, outcome=outcome, detail=detail):
        pass
    assert passed(story).crashes == ([1] if crash else [])


def test_a_failed_call_is_no_crash_in_the_operation_of_the_fault_only() -> None:
    story = Story()
    with story.op(RUNNER, "load", outcome="failed"):
        story.look(RUNNER, fault="EIO")
    with story.op(RUNNER, "load", outcome="failed"):
        story.look(RUNNER)
    found = passed(story)
    assert found.faulted == {(RUNNER, 0)} and found.crashes == [5]


def test_acknowledged_calls_of_participants_are_kept() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    story.add(EDITOR, "x")
    with story.op(CRON, "append", "c", outcome="refused"):
        pass
    assert [(call.lane, at) for call, at in passed(story).acknowledged] == [(HEARTBEAT, 2)]


def test_a_refusal_is_a_doubt_and_a_rewrite_a_doubt_about_entries() -> None:
    story = Story()
    story.refuse(lane=CRON, kind="acquire")
    assert passed(story).doubt and not passed(story).entries_doubt
    for lane, doubt in ((CRON, True), (EDITOR, False)):
        story = Story()
        story.write(lane, story.content, kind="rewrite")
        assert passed(story).entries_doubt == doubt


@pytest.mark.parametrize(
    ("initial", "after", "plain"),
    [
        (line("first"), lines("first", "h"), True),
        (None, line("h"), True),
        (line("first"), lines("h", "first"), False),
        (line("first"), lines("other", "h"), False),
        (line("first"), lines("first", "h", "i"), False),
        (line("first"), lines("first") + b"\n" + line("h"), False),
    ],
)
def test_only_lines_added_at_the_end_settle_an_append(
    initial: bytes | None, after: bytes, plain: bool
) -> None:
    story = Story(initial=initial)
    with story.op(HEARTBEAT, "append", "h"):
        story.put(HEARTBEAT, after[:-3])
        story.put(HEARTBEAT, after)
    history = story.history()
    rules = rules_of(history.header, None)
    assert first_pass(history, rules).entries_doubt
    wanted = {"h": line("h").decode().removesuffix("\n")}
    header = msgspec.structs.replace(history.header, lines=wanted)
    history = msgspec.structs.replace(history, header=header)
    assert first_pass(history, rules).entries_doubt == (not plain)
    lost = msgspec.structs.replace(history, blobs={})
    assert first_pass(lost, rules).entries_doubt


@pytest.mark.parametrize(
    ("lane", "rule", "doubt"),
    [
        (RUNNER, "own_append", True),
        (RUNNER, "cotenant_append_same_process", False),
        *((HEARTBEAT, name, True) for name in LOCKED),
        (HEARTBEAT, "own_append", True),
        (HEARTBEAT, "unlocked", False),
    ],
)
def test_a_policy_that_condemns_locked_changes_is_a_doubt(lane: int, rule: str, doubt: bool) -> None:
    story = Story()
    story.window()
    if lane != RUNNER:
        story.add(lane, "h")
    story.admit(*(["w"] if lane == RUNNER else []))
    history = story.history()
    rules = dict.fromkeys(rules_of(history.header, None), "sanctioned")
    assert not first_pass(history, rules).doubt
    assert first_pass(history, {**rules, rule: "takeover"}).doubt == doubt


def test_a_policy_condemns_nothing_where_nothing_was_decided() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    assert not passed(story, **dict.fromkeys(LOCKED, "takeover"), own_append="takeover").doubt


def test_a_first_turn_without_a_load_is_uncounted() -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "acquired")
    story.rest()
    story.admit()
    assert [one.verdict for one in passed(story).decisions] == ["uncounted"]
