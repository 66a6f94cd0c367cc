"""Two lanes in the locked section at once."""

from __future__ import annotations

from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line


def double(story: Story) -> list[Violation]:
    return [violation for violation in judge(story.history()).violations if violation.kind == "double_hold"]


def _acquire(story: Story, lane: int) -> int:
    with story.op(lane, "acquire"):
        at = story.lock(lane, "acquired")
    return at


def _release(story: Story, lane: int, outcome: str = "ok") -> None:
    with story.op(lane, "release", outcome=outcome):
        if outcome == "ok":
            story.lock(lane, "released")


def _rob(story: Story, robber: int, victim: int) -> int:
    with story.op(robber, "acquire"):
        story.lock(robber, "reclaimed", victim)
        at = story.lock(robber, "acquired")
    return at


def test_taking_turns_is_no_double_hold() -> None:
    story = Story()
    for lane in (RUNNER, HEARTBEAT, RUNNER):
        _acquire(story, lane)
        story.add(lane, f"e{len(story.events)}")
        _release(story, lane)
    assert double(story) == []


def test_a_lane_that_goes_on_while_another_acquires_the_lock_is_a_double_hold() -> None:
    story = Story()
    first = _acquire(story, HEARTBEAT)
    second = _acquire(story, CRON)
    step = story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT)
    (violation,) = double(story)
    assert (violation.at, violation.lane, violation.causes) == (second, CRON, (first, second, step))
    assert "heartbeat still held it" in violation.detail


def test_a_lane_that_only_lets_the_lock_go_did_not_act_in_it() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _acquire(story, CRON)
    _release(story, HEARTBEAT)
    assert double(story) == []


def test_the_end_of_the_operation_that_lets_the_lock_go_ends_the_section() -> None:
    for kind in ("release", "release_for_prompt", "guarded_write", "end_turn"):
        story = Story()
        _acquire(story, HEARTBEAT)
        with story.op(HEARTBEAT, kind):
            pass
        _acquire(story, CRON)
        story.add(HEARTBEAT, "h")
        assert double(story) == []


def test_a_call_that_failed_ends_the_section_but_one_that_was_skipped_does_not() -> None:
    for outcome, count in (
        ("stale_lock", 0),
        ("refused", 0),
        ("crash", 0),
        ("skipped", 1),
        ("unsupported", 1),
    ):
        story = Story()
        _acquire(story, HEARTBEAT)
        with story.op(HEARTBEAT, "append", outcome=outcome):
            pass
        _acquire(story, CRON)
        story.add(HEARTBEAT, "h")
        assert len(double(story)) == count, outcome


def test_a_paused_holder_that_touches_the_transcript_after_it_was_robbed_is_a_double_hold() -> None:
    story = Story()
    story.window()
    _acquire(story, HEARTBEAT)
    at = _rob(story, CRON, HEARTBEAT)
    with story.op(HEARTBEAT, "append", "h"):
        write = story.put(HEARTBEAT, (story.content or b"") + line("h"), reclaimed=True)
    _release(story, HEARTBEAT, "stale_lock")
    story.refuse("reply")
    (violation,) = double(story)
    assert violation.at == at and "robbed" in violation.detail
    (decision,) = judge(story.history()).decisions
    assert (decision.verdict, decision.causes) == ("true_positive", (write,))


def test_a_robbed_holder_that_is_out_again_is_in_nobodys_way() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _rob(story, CRON, HEARTBEAT)
    story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT, "stale_lock")
    _release(story, CRON)
    _acquire(story, RUNNER)
    assert [violation.lane for violation in double(story)] == [CRON]


def test_a_robbed_holder_that_notices_in_time_is_no_double_hold() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _rob(story, CRON, HEARTBEAT)
    with story.op(HEARTBEAT, "append", outcome="stale_lock"):
        story.look(HEARTBEAT, "openat", "T.lock")
    story.add(HEARTBEAT, "later")
    assert double(story) == []


def test_a_robbed_holder_that_never_wakes_up_is_no_double_hold() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _rob(story, CRON, HEARTBEAT)
    story.add(CRON, "c")
    _release(story, CRON)
    assert double(story) == []


def test_a_lock_that_a_rogue_took_away_is_not_the_locks_fault() -> None:
    for by_event in (True, False):
        story = Story()
        _acquire(story, HEARTBEAT)
        with story.op(EDITOR, "action"):
            if by_event:
                story.lock(EDITOR, "reclaimed", HEARTBEAT)
            else:
                story.look(EDITOR, "unlink", "T.lock")
        _acquire(story, CRON)
        story.add(HEARTBEAT, "h")
        assert double(story) == []


def test_taking_the_lock_again_inside_the_own_section_is_no_double_hold() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _acquire(story, HEARTBEAT)
    story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT)
    assert double(story) == []


def test_waiting_for_the_lock_is_not_holding_it() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    with story.op(CRON, "acquire", outcome="lock_timeout"):
        story.lock(CRON, "blocked")
    story.add(HEARTBEAT, "h")
    assert double(story) == []


def _hollow(story: Story, lane: int) -> int:
    with story.op(lane, "acquire"):
        at = story.lock(lane, "hollow")
    return at


def test_a_lock_without_its_name_that_is_noticed_in_time_is_no_double_hold() -> None:
    for first, second in ((_hollow, _acquire), (_acquire, _hollow)):
        story = Story()
        first(story, HEARTBEAT)
        second(story, CRON)
        hollow, other = (HEARTBEAT, CRON) if first is _hollow else (CRON, HEARTBEAT)
        with story.op(hollow, "acquire"):
            story.look(hollow, "fstat", "T.flock")
            story.lock(hollow, "released")
        story.add(other, "o")
        _release(story, other)
        assert double(story) == []


def test_who_writes_under_a_lock_without_its_name_while_another_has_the_lock_is_a_double_hold() -> None:
    story = Story()
    first = _acquire(story, CRON)
    second = _hollow(story, HEARTBEAT)
    write = story.add(HEARTBEAT, "h")
    _release(story, CRON)
    (violation,) = double(story)
    assert (violation.at, violation.causes) == (second, (first, second, write))


def test_who_wrote_under_such_a_lock_when_the_other_was_out_again_is_in_nobodys_way() -> None:
    story = Story()
    _acquire(story, CRON)
    _hollow(story, HEARTBEAT)
    story.add(CRON, "c")
    _release(story, CRON)
    story.add(HEARTBEAT, "h")
    assert double(story) == []


def test_who_already_had_such_a_lock_and_writes_inside_another_s_section_is_a_double_hold() -> None:
    story = Story()
    first = _hollow(story, HEARTBEAT)
    second = _acquire(story, CRON)
    write = story.add(HEARTBEAT, "h")
    (violation,) = double(story)
    assert violation.causes == (first, second, write)


def _exchanged_and_back(story: Story, *, wrote: bool) -> None:
    _acquire(story, HEARTBEAT)
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired", HEARTBEAT)
    if wrote:
        story.add(CRON, "c")
    story.look(HEARTBEAT, "read", "T")
    with story.op(CRON, "acquire"):
        story.lock(CRON, "returned", HEARTBEAT)


def test_a_lock_that_was_given_back_unused_was_never_taken() -> None:
    story = Story()
    _exchanged_and_back(story, wrote=False)
    story.add(HEARTBEAT, "h")
    assert double(story) == []


def test_a_lock_that_was_given_back_after_it_was_used_was_held_twice() -> None:
    story = Story()
    _exchanged_and_back(story, wrote=True)
    assert [violation.lane for violation in double(story)] == [CRON]


def test_who_got_its_lock_back_is_robbed_no_more() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    with story.op(CRON, "acquire"):
        story.lock(CRON, "reclaimed", HEARTBEAT)
        story.lock(CRON, "returned", HEARTBEAT)
    story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT)
    _acquire(story, CRON)
    assert double(story) == []


def test_who_still_waited_for_the_lock_when_the_other_was_out_again_was_not_inside_with_it() -> None:
    for waits in (True, False):
        story = Story()
        with story.op(HEARTBEAT, "acquire"):
            story.lock(HEARTBEAT, "acquired")
            if waits:
                _rob(story, CRON, HEARTBEAT)
                story.add(CRON, "c")
                _release(story, CRON)
        if not waits:
            _rob(story, CRON, HEARTBEAT)
            story.add(CRON, "c")
            _release(story, CRON)
        story.add(HEARTBEAT, "h")
        assert [violation.lane for violation in double(story)] == ([] if waits else [CRON])


def test_who_touches_the_transcript_is_inside_though_its_call_has_not_returned() -> None:
    story = Story()
    with story.op(HEARTBEAT, "guarded_write", "h"):
        story.lock(HEARTBEAT, "acquired")
        story.look(HEARTBEAT, "openat", "T")
        _rob(story, CRON, HEARTBEAT)
        story.add(CRON, "c")
        _release(story, CRON)
        story.put(HEARTBEAT, (story.content or b"") + line("h"), reclaimed=True)
    assert [violation.lane for violation in double(story)] == [CRON]
