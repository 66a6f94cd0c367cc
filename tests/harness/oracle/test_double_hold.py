"""Tests of `harness.oracle.double_hold`: two lanes in the locked section at once."""

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


def _reclaim(story: Story, taker: int, holder: int) -> int:
    with story.op(taker, "acquire"):
        story.lock(taker, "reclaimed", holder)
        at = story.lock(taker, "acquired")
    return at


def test_taking_turns_is_no_double_hold() -> None:
    story = Story()
    for lane in (RUNNER, HEARTBEAT, RUNNER):
        _acquire(story, lane)
        story.add(lane, f"e{len(story.events)}")
        _release(story, lane)
    assert double(story) == []


def test_acting_after_another_lane_acquired_is_a_double_hold() -> None:
    story = Story()
    first = _acquire(story, HEARTBEAT)
    second = _acquire(story, CRON)
    step = story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT)
    (violation,) = double(story)
    assert (violation.at, violation.lane, violation.causes) == (second, CRON, (first, second, step))
    assert "heartbeat still held it" in violation.detail


def test_the_first_act_after_the_second_acquisition_is_named() -> None:
    story = Story()
    first = _acquire(story, HEARTBEAT)
    story.add(HEARTBEAT, "before")
    second = _acquire(story, CRON)
    step = story.add(HEARTBEAT, "h")
    story.add(HEARTBEAT, "i")
    (violation,) = double(story)
    assert violation.causes == (first, second, step)


def test_releasing_the_lock_is_no_act_inside_the_section() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _acquire(story, CRON)
    _release(story, HEARTBEAT)
    assert double(story) == []


def test_the_end_of_a_releasing_operation_ends_the_section() -> None:
    for kind in ("release", "release_for_prompt", "guarded_write", "end_turn"):
        story = Story()
        _acquire(story, HEARTBEAT)
        with story.op(HEARTBEAT, kind):
            pass
        _acquire(story, CRON)
        story.add(HEARTBEAT, "h")
        assert double(story) == []


def test_failed_operations_end_the_section_but_skipped_ones_do_not() -> None:
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


def test_a_write_after_a_reclaim_is_a_double_hold() -> None:
    story = Story()
    story.window()
    _acquire(story, HEARTBEAT)
    at = _reclaim(story, CRON, HEARTBEAT)
    with story.op(HEARTBEAT, "append", "h"):
        write = story.put(HEARTBEAT, (story.content or b"") + line("h"), reclaimed=True)
    _release(story, HEARTBEAT, "stale_lock")
    story.refuse("reply")
    (violation,) = double(story)
    assert violation.at == at and "robbed" in violation.detail
    (decision,) = judge(story.history()).decisions
    assert (decision.verdict, decision.causes) == ("true_positive", (write,))


def test_a_holder_outside_after_a_reclaim_is_no_double_hold() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _reclaim(story, CRON, HEARTBEAT)
    story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT, "stale_lock")
    _release(story, CRON)
    _acquire(story, RUNNER)
    assert [violation.lane for violation in double(story)] == [CRON]


def test_a_holder_that_notices_the_reclaim_is_no_double_hold() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _reclaim(story, CRON, HEARTBEAT)
    with story.op(HEARTBEAT, "append", outcome="stale_lock"):
        story.look(HEARTBEAT, "openat", "T.lock")
    story.add(HEARTBEAT, "later")
    assert double(story) == []


def test_a_holder_that_never_wakes_up_is_no_double_hold() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    _reclaim(story, CRON, HEARTBEAT)
    story.add(CRON, "c")
    _release(story, CRON)
    assert double(story) == []


def test_a_lock_removed_by_a_rogue_is_no_double_hold() -> None:
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


def test_other_deeds_of_a_rogue_do_not_hide_its_touch_of_the_lock() -> None:
    for touches in (True, False):
        story = Story()
        _acquire(story, HEARTBEAT)
        with story.op(EDITOR, "action"):
            story.look(EDITOR, "read", "T")
            if touches:
                story.look(EDITOR, "unlink", "T.lock")
        _acquire(story, CRON)
        story.add(HEARTBEAT, "h")
        assert len(double(story)) == (not touches)


def test_acquiring_again_inside_the_own_section_is_no_double_hold() -> None:
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


def test_a_hollow_lock_noticed_in_time_is_no_double_hold() -> None:
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


def test_a_write_under_a_hollow_lock_is_a_double_hold() -> None:
    story = Story()
    first = _acquire(story, CRON)
    second = _hollow(story, HEARTBEAT)
    write = story.add(HEARTBEAT, "h")
    _release(story, CRON)
    (violation,) = double(story)
    assert (violation.at, violation.causes) == (second, (first, second, write))


def test_a_hollow_lock_used_after_the_other_left_is_fine() -> None:
    story = Story()
    _acquire(story, CRON)
    _hollow(story, HEARTBEAT)
    story.add(CRON, "c")
    _release(story, CRON)
    story.add(HEARTBEAT, "h")
    assert double(story) == []


def test_an_early_hollow_lock_that_writes_is_a_double_hold() -> None:
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


def test_a_lock_given_back_unused_is_no_double_hold() -> None:
    story = Story()
    _exchanged_and_back(story, wrote=False)
    story.add(HEARTBEAT, "h")
    assert double(story) == []


def test_a_lock_given_back_after_use_is_a_double_hold() -> None:
    story = Story()
    _exchanged_and_back(story, wrote=True)
    assert [violation.lane for violation in double(story)] == [CRON]


def test_a_lane_that_got_its_lock_back_holds_it_again() -> None:
    story = Story()
    _acquire(story, HEARTBEAT)
    with story.op(CRON, "acquire"):
        story.lock(CRON, "reclaimed", HEARTBEAT)
        story.lock(CRON, "returned", HEARTBEAT)
    story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT)
    _acquire(story, CRON)
    assert double(story) == []


def test_a_lane_that_still_waited_was_not_inside_yet() -> None:
    for waits in (True, False):
        story = Story()
        with story.op(HEARTBEAT, "acquire"):
            story.lock(HEARTBEAT, "acquired")
            if waits:
                _reclaim(story, CRON, HEARTBEAT)
                story.add(CRON, "c")
                _release(story, CRON)
        if not waits:
            _reclaim(story, CRON, HEARTBEAT)
            story.add(CRON, "c")
            _release(story, CRON)
        story.add(HEARTBEAT, "h")
        assert [violation.lane for violation in double(story)] == ([] if waits else [CRON])


def test_touching_the_transcript_enters_the_section_before_the_call_returns() -> None:
    story = Story()
    with story.op(HEARTBEAT, "guarded_write", "h"):
        story.lock(HEARTBEAT, "acquired")
        story.look(HEARTBEAT, "openat", "T")
        _reclaim(story, CRON, HEARTBEAT)
        story.add(CRON, "c")
        _release(story, CRON)
        story.put(HEARTBEAT, (story.content or b"") + line("h"), reclaimed=True)
    assert [violation.lane for violation in double(story)] == [CRON]


def _share(story: Story, lane: int) -> int:
    with story.op(lane, "acquire"):
        at = story.lock(lane, "shared")
    return at


def test_a_write_beside_another_sharer_is_a_double_hold() -> None:
    for writer in (HEARTBEAT, CRON):
        story = Story()
        first, second = _share(story, HEARTBEAT), _share(story, CRON)
        step = story.add(writer, "h")
        (violation,) = double(story)
        assert (violation.at, violation.lane) == (second, CRON)
        assert violation.causes == tuple(sorted({first, second, step}))
        assert "in shared mode, and one of them changed the transcript" in violation.detail


def test_sharers_that_only_read_are_no_double_hold() -> None:
    story = Story()
    _share(story, HEARTBEAT)
    _share(story, CRON)
    for lane in (HEARTBEAT, CRON):
        with story.op(lane, "load"):
            story.look(lane)
        _release(story, lane)
    story.add(EDITOR, "x")
    assert double(story) == []


def test_a_sharer_that_writes_alone_is_no_double_hold() -> None:
    story = Story()
    for lane in (HEARTBEAT, CRON):
        _share(story, lane)
        story.add(lane, f"e{lane}")
        _release(story, lane)
    assert double(story) == []


def test_a_lane_that_goes_on_alone_has_left_the_shared_section() -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "shared")
        story.lock(HEARTBEAT, "acquired")
    story.add(HEARTBEAT, "h")
    _release(story, HEARTBEAT)
    _share(story, CRON)
    assert double(story) == []


def test_a_write_under_a_shared_lock_is_no_missed_takeover() -> None:
    for kind, found in (("shared", []), ("released", ["double_hold"])):
        story = Story()
        story.window()
        with story.op(CRON, "acquire"):
            story.lock(CRON, kind)
        with story.op(CRON, "append", "c"):
            story.put(CRON, (story.content or b"") + line("c"), held=False)
        story.admit()
        assert [one.kind for one in judge(story.history()).violations] == found
