"""Tests of `harness.oracle.decisions`: one small history for each verdict and each figure beside it."""

from __future__ import annotations

from harness.model.history import History
from harness.oracle import Decision, Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, SCRIPT, Story, line, lines


def verdicts(history: History) -> list[str]:
    return [decision.verdict for decision in judge(history).decisions]


def only(history: History) -> Decision:
    (decision,) = judge(history).decisions
    return decision


def only_violation(history: History) -> Violation:
    (violation,) = judge(history).violations
    return violation


def test_an_admission_with_nothing_pending_is_a_true_negative() -> None:
    story = Story()
    story.window()
    story.add(HEARTBEAT, "h")
    at = story.admit("reply")
    judgement = judge(story.history())
    assert judgement.decisions == (Decision(RUNNER, 0, 3, "true_negative", at=at),)
    assert judgement.violations == ()


def test_a_refusal_after_a_rogue_write_is_a_true_positive() -> None:
    story = Story()
    story.window()
    rogue = story.add(EDITOR, "x")
    story.refuse("reply")
    decision = only(story.history())
    assert (decision.verdict, decision.causes, decision.late) == ("true_positive", (rogue,), 0)
    assert judge(story.history()).violations == ()


def test_a_false_positive_names_the_steps_it_was_probably_about() -> None:
    story = Story()
    story.window()
    cotenant = story.add(CRON, "c")
    touch = story.touch(EDITOR)
    at = story.refuse("reply")
    violation = only_violation(story.history())
    assert (violation.kind, violation.at, violation.causes) == ("false_positive", at, (cotenant, touch))
    assert "cron (write of T, holding the lock)" in violation.detail
    assert "editor (utimensat of T)" in violation.detail
    assert only(story.history()).causes == (cotenant, touch)


def test_reads_and_lock_steps_are_no_cause_of_a_refusal() -> None:
    story = Story()
    story.window()
    with story.op(CRON, "append"):
        story.lock(CRON, "acquired")
        story.look(CRON, "write", "T.lock")
        story.look(CRON, "openat", note="write CREAT APPEND")
        write = story.put(CRON, lines("first", "c"))
        story.look(CRON, "statx")
        story.lock(CRON, "released")
    with story.op(CRON, "rewrite"):
        story.look(CRON, "write", "tmp1")
        again = story.look(CRON, "openat", note="write TRUNC")
    story.refuse("reply")
    assert only(story.history()).causes == (write, again)


def test_a_false_positive_names_only_steps_after_the_last_decision() -> None:
    story = Story()
    story.window()
    story.add(CRON, "c")
    story.admit("one")
    late = story.add(CRON, "d")
    story.refuse("two")
    assert judge(story.history()).decisions[1].causes == (late,)


def test_an_admission_over_a_rogue_write_is_a_missed_takeover() -> None:
    story = Story()
    story.window()
    rogue = story.add(EDITOR, "x")
    at = story.admit("reply")
    history = story.history()
    violation = only_violation(history)
    assert (violation.kind, violation.at, violation.causes) == ("missed_takeover", at, (rogue,))
    assert (only(history).verdict, only(history).kind) == ("missed_takeover", "")


def test_a_violation_says_where_its_window_opened() -> None:
    story = Story()
    story.call(RUNNER, "begin_turn")
    story.done(RUNNER)
    opened = story.load()
    story.rest()
    story.add(EDITOR, "x")
    story.admit("reply")
    assert only_violation(story.history()).window_from == opened


def test_a_write_during_the_decision_is_racing_and_no_violation() -> None:
    story = Story()
    story.window()
    story.admit("reply", during=lambda: story.add(EDITOR, "x"))
    judgement = judge(story.history())
    assert [decision.verdict for decision in judgement.decisions] == ["racing"]
    assert judgement.violations == ()


def test_a_write_during_the_decision_may_also_be_reported() -> None:
    story = Story()
    story.window()
    story.refuse("reply", during=lambda: story.add(EDITOR, "x"))
    assert verdicts(story.history()) == ["true_positive"]


def test_a_write_after_a_decision_belongs_to_the_next_one() -> None:
    story = Story()
    story.window()
    story.admit("one")
    story.add(EDITOR, "x")
    assert verdicts(story.history()) == ["true_negative"]
    story.admit("two")
    assert verdicts(story.history()) == ["true_negative", "missed_takeover"]


def test_a_second_admission_absorbs_a_write_that_raced_the_first() -> None:
    story = Story()
    story.window()
    story.admit("one", during=lambda: story.add(EDITOR, "x"))
    story.admit("two")
    judgement = judge(story.history())
    assert [decision.verdict for decision in judgement.decisions] == ["racing", "missed_takeover"]
    assert judgement.decisions[1].kind == "absorbed"
    assert "earlier decision" in judgement.violations[0].detail


def test_a_new_takeover_beside_an_absorbed_one_is_not_absorbed() -> None:
    story = Story()
    story.window()
    story.admit("one", during=lambda: story.add(EDITOR, "x"))
    story.add(EDITOR, "y")
    story.admit("two")
    assert judge(story.history()).decisions[1].kind == ""


def test_one_effect_is_one_violation_but_every_decision_counts() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.admit("one")
    story.admit("two")
    judgement = judge(story.history())
    assert judgement.counts()["missed_takeover"] == 2
    assert len(judgement.violations) == 1
    story.add(EDITOR, "y")
    story.admit("three")
    assert len(judge(story.history()).violations) == 2


def test_a_report_after_two_admissions_is_late_by_two() -> None:
    story = Story()
    story.window()
    story.admit("zero")
    rogue = story.add(EDITOR, "x")
    story.admit("one")
    story.admit("two")
    story.refuse("three")
    last = judge(story.history()).decisions[-1]
    assert (last.verdict, last.late, last.causes) == ("true_positive", 2, (rogue,))


def test_a_report_is_not_late_for_the_decision_it_raced() -> None:
    story = Story()
    story.window()
    story.admit("one", during=lambda: story.add(EDITOR, "x"))
    story.refuse("two")
    last = judge(story.history()).decisions[-1]
    assert (last.verdict, last.late) == ("true_positive", 0)


def test_further_refusals_after_a_true_positive_are_not_counted() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    story.refuse("two")
    story.refuse(kind="append")
    assert verdicts(story.history()) == ["true_positive", "uncounted", "uncounted"]
    assert judge(story.history()).violations == ()


def test_a_true_positive_does_not_excuse_a_new_takeover() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    story.add(EDITOR, "y")
    story.admit("two")
    story.refuse("three")
    assert verdicts(story.history()) == ["true_positive", "missed_takeover", "true_positive"]


def test_a_reported_state_may_be_the_new_baseline() -> None:
    story = Story()
    story.window()
    story.write(EDITOR, line("other"))
    story.refuse("one")
    story.write(EDITOR, line("third"))
    story.write(EDITOR, line("other"))
    story.admit("two")
    assert verdicts(story.history()) == ["true_positive", "true_negative"]


def test_a_true_positive_does_not_leak_into_the_next_turn() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    story.window()
    story.refuse("two")
    assert verdicts(story.history()) == ["true_positive", "false_positive"]


def test_effects_before_the_load_of_a_turn_are_known() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.window()
    story.admit("reply")
    assert verdicts(story.history()) == ["true_negative"]


def test_later_refusals_of_a_turn_count_as_stuck() -> None:
    story = Story()
    story.window()
    story.add(CRON, "c")
    story.refuse("one")
    story.refuse("two")
    story.refuse(kind="append")
    story.refuse(kind="end_turn")
    judgement = judge(story.history())
    assert judgement.counts()["false_positive"] == 4
    assert [decision.stuck for decision in judgement.decisions] == [2, 1, 0, 0]
    assert not any(decision.way_out for decision in judgement.decisions)
    assert [violation.kind for violation in judgement.violations] == ["false_positive"]


def test_a_later_admission_is_a_way_out() -> None:
    story = Story()
    story.window()
    story.add(CRON, "c")
    story.refuse("one")
    story.refuse("two")
    story.admit("three")
    first, second, _ = judge(story.history()).decisions
    assert (first.stuck, first.way_out, second.stuck, second.way_out) == (1, True, 0, True)


def test_a_recovery_is_a_way_out_in_its_own_turn() -> None:
    recovered = Story()
    recovered.window()
    recovered.refuse("one")
    recovered.recover()
    assert only(recovered.history()).way_out
    next_turn = Story()
    next_turn.window()
    next_turn.refuse("one")
    next_turn.window()
    next_turn.admit("two")
    assert not judge(next_turn.history()).decisions[0].way_out


def test_each_turn_with_a_false_positive_is_one_violation() -> None:
    story = Story()
    for _ in range(2):
        story.window()
        story.refuse("one")
        story.refuse("two")
    assert len(judge(story.history()).violations) == 2


def test_after_a_recovery_refusals_without_cause_count_again() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    story.recover()
    story.refuse("two")
    assert verdicts(story.history()) == ["true_positive", "false_positive"]


def test_effects_before_a_recovery_are_known() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.recover()
    story.admit("one")
    story.add(EDITOR, "y")
    story.admit("two")
    assert verdicts(story.history()) == ["true_negative", "missed_takeover"]


def test_a_write_during_a_recovery_without_bytes_accuses_no_lane() -> None:
    for answer, verdict in (("admit", "true_negative"), ("refuse", "uncounted")):
        story = Story()
        story.window()
        story.call(RUNNER, "recover")
        story.look(RUNNER, "openat")
        story.add(EDITOR, "x")
        story.look(RUNNER)
        story.done(RUNNER)
        getattr(story, answer)("one")
        assert verdicts(story.history()) == [verdict]


def test_a_recovery_that_failed_changes_nothing() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    with story.op(RUNNER, "recover", outcome="unsupported"):
        pass
    story.refuse("two")
    assert verdicts(story.history()) == ["true_positive", "uncounted"]


def test_decisions_of_a_turn_without_a_load_are_not_counted() -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        pass
    with story.op(RUNNER, "load", outcome="crash"):
        pass
    story.add(EDITOR, "x")
    story.admit("one")
    story.refuse("two")
    assert verdicts(story.history()) == ["uncounted", "uncounted"]


def test_failures_other_than_refusals_are_no_decision() -> None:
    for outcome in ("lock_timeout", "stale_lock", "skipped", "unsupported"):
        story = Story()
        story.window()
        story.add(EDITOR, "x")
        with story.op(RUNNER, "guarded_write", "one", outcome=outcome):
            story.look(RUNNER)
        assert judge(story.history()).decisions == ()
        story.admit("two")
        assert verdicts(story.history()) == ["missed_takeover"]


def test_a_refusal_out_of_any_call_is_a_decision() -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn", outcome="refused"):
        pass
    assert verdicts(story.history()) == ["false_positive"]
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse(kind="release_for_prompt")
    assert verdicts(story.history()) == ["true_positive"]


def test_an_admitted_append_is_no_decision() -> None:
    story = Story()
    story.begin()
    story.add(EDITOR, "x")
    story.add(RUNNER, "mine")
    assert judge(story.history()).decisions == ()


def test_a_decision_without_steps_lasts_from_call_to_return() -> None:
    story = Story()
    story.window()
    story.call(RUNNER, "guarded_write", "one")
    story.add(EDITOR, "x")
    story.done(RUNNER)
    assert verdicts(story.history()) == ["racing"]


def test_each_of_two_runners_is_judged_by_its_own_window() -> None:
    story = Story()
    story.window(RUNNER)
    story.add(SCRIPT, "x")
    story.window(CRON)
    story.admit("theirs", lane=CRON)
    story.admit("mine", lane=RUNNER)
    judgement = judge(story.history())
    assert [(decision.lane, decision.verdict) for decision in judgement.decisions] == [
        (CRON, "true_negative"),
        (RUNNER, "missed_takeover"),
    ]


def test_one_runners_reply_is_a_cotenant_append_to_the_other() -> None:
    for policy, verdict in (("coordinated", "true_negative"), ("same-process", "missed_takeover")):
        story = Story(policy)
        story.window(RUNNER)
        story.window(CRON)
        story.admit("theirs", lane=CRON)
        story.admit("mine", lane=RUNNER)
        assert verdicts(story.history()) == ["true_negative", verdict]


def test_a_takeover_just_before_the_decisions_own_append_is_racing() -> None:
    story = Story()
    story.window()
    story.write(EDITOR, lines("first", "x"))
    story.admit("one")
    story.write(EDITOR, lines("first", "one"))
    story.admit("two")
    assert verdicts(story.history()) == ["missed_takeover", "true_negative"]
