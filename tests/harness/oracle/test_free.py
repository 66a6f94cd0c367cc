"""The oracle on histories of the free gate: events that overlap in time have no order."""

from __future__ import annotations

import msgspec

from harness.model.history import digest
from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, SCRIPT, Story, line, lines


def _story() -> Story:
    story = Story(gate="free")
    story.window()
    return story


def _decide(story: Story, begin: int, end: int, outcome: str = "ok") -> str:
    story.call(RUNNER, "guarded_write")
    story.look(RUNNER, "statx", at=(begin, end))
    story.done(RUNNER, outcome)
    return judge(story.history()).decisions[-1].verdict


def _rogue(story: Story, begin: int, end: int, lane: int = EDITOR, name: str = "x") -> None:
    with story.op(lane, "action"):
        story.put(lane, (story.content or b"") + line(name), at=(begin, end))


def test_a_write_that_ended_before_the_decision_began_is_missed() -> None:
    story = _story()
    _rogue(story, 1000, 1100)
    assert _decide(story, 1101, 1200) == "missed_takeover"


def test_a_write_overlapping_either_end_of_a_decision_is_racing() -> None:
    for begin, end in ((900, 1000), (1050, 1060), (1200, 1300), (900, 1300)):
        story = _story()
        _rogue(story, begin, end)
        assert _decide(story, 1000, 1200) == "racing"


def test_a_write_begun_after_a_decision_belongs_to_the_next() -> None:
    story = _story()
    _rogue(story, 1201, 1300)
    assert _decide(story, 1000, 1200) == "true_negative"
    assert _decide(story, 1400, 1500) == "missed_takeover"


def test_a_write_that_overlaps_a_cotenants_accuses_no_lane() -> None:
    for outcome, verdict in (("ok", "true_negative"), ("refused", "uncounted")):
        story = _story()
        with story.op(CRON, "append"):
            story.put(CRON, lines("first", "c"), at=(1000, 1100))
        _rogue(story, 1050, 1150)
        assert _decide(story, 1200, 1300, outcome) == verdict


def test_a_write_without_overlap_counts_beside_overlapping_ones() -> None:
    story = _story()
    with story.op(CRON, "append"):
        story.put(CRON, lines("first", "c"), at=(1000, 1100))
    _rogue(story, 1050, 1150)
    _rogue(story, 1160, 1170, SCRIPT, "y")
    assert _decide(story, 1200, 1300) == "missed_takeover"


def test_an_effect_perhaps_undone_by_an_overlap_accuses_no_lane() -> None:
    story = _story()
    _rogue(story, 900, 910, SCRIPT, "y")
    with story.op(CRON, "append"):
        story.put(CRON, lines("first", "y", "c"), at=(1000, 1100))
    _rogue(story, 1050, 1150)
    assert _decide(story, 1200, 1300) == "true_negative"


def test_events_are_ordered_by_their_times_not_their_places() -> None:
    story = _story()
    story.call(RUNNER, "guarded_write")
    story.look(RUNNER, "statx", at=(2000, 2100))
    _rogue(story, 1000, 1100)
    story.done(RUNNER)
    assert judge(story.history()).decisions[0].verdict == "missed_takeover"


def _loaded(at: tuple[int, int], second: tuple[int, int] | None, returned: bytes) -> Story:
    """Return a story with a load from 1000 to 1100 and one or two writes at the given times."""
    story = Story(gate="free")
    with story.op(RUNNER, "begin_turn"):
        story.look(RUNNER, at=(10, 20))
    story.call(RUNNER, "load")
    story.look(RUNNER, at=(1000, 1100))
    _rogue(story, *at)
    if second is not None:
        _rogue(story, *second, SCRIPT, "y")
    story.done(RUNNER, "ok", digest(returned))
    return story


def test_a_load_tells_which_overlapping_writes_it_knew_of() -> None:
    one = (1050, 1060)
    assert _decide(_loaded(one, None, lines("first")), 2000, 2100) == "missed_takeover"
    assert _decide(_loaded(one, None, lines("first", "x")), 2000, 2100) == "true_negative"
    assert _decide(_loaded(one, None, b"torn"), 2000, 2100, "refused") == "uncounted"


def test_a_write_that_touches_a_load_may_be_known() -> None:
    both = lines("first", "x")
    assert _decide(_loaded((1100, 1110), None, both), 2000, 2100) == "true_negative"
    assert _decide(_loaded((990, 1000), None, both), 2000, 2100) == "true_negative"
    assert _decide(_loaded((990, 1000), None, lines("first")), 2000, 2100) == "missed_takeover"
    assert _decide(_loaded((1101, 1110), None, lines("first")), 2000, 2100) == "missed_takeover"


def test_a_write_that_touches_a_second_load_may_be_known() -> None:
    for at, verdict in (((1100, 1110), "true_negative"), ((1101, 1110), "missed_takeover")):
        story = _story()
        story.call(RUNNER, "load")
        story.look(RUNNER, at=(1000, 1100))
        story.done(RUNNER, "ok", digest(lines("first")))
        _rogue(story, *at)
        assert _decide(story, 2000, 2100) == verdict


def test_unordered_writes_during_a_load_excuse_no_later_ones() -> None:
    story = _loaded((1050, 1060), (1055, 1065), lines("first"))
    _rogue(story, 1200, 1210, name="later")
    _rogue(story, 1220, 1230, SCRIPT, "last")
    with story.op(CRON, "rewrite"):
        story.put(CRON, lines("sum"), at=(1300, 1310))
    assert _decide(story, 2000, 2100) == "missed_takeover"


def test_writes_overlapping_each_other_and_a_load_are_in_doubt() -> None:
    story = _loaded((1050, 1060), (1055, 1065), lines("first"))
    assert _decide(story, 2000, 2100) == "true_negative"
    story = _loaded((1050, 1060), (1061, 1065), lines("first"))
    assert _decide(story, 2000, 2100) == "missed_takeover"


def test_an_operation_without_steps_lasts_from_call_to_return() -> None:
    story = _story()
    story.call(RUNNER, "guarded_write")
    _rogue(story, story.now, story.now + 2)
    story.done(RUNNER)
    assert judge(story.history()).decisions[0].verdict == "racing"


def _hold(lane: int, story: Story, at: tuple[int, int]) -> None:
    story.call(lane, "acquire")
    step = story.events[story.lock(lane, "acquired")]
    story.events[-1] = msgspec.structs.replace(step, begin_ns=at[0], end_ns=at[1])
    story.done(lane)


def test_two_acquisitions_that_overlap_prove_no_double_hold() -> None:
    for late, count in (((1005, 1015), 0), ((1020, 1030), 1)):
        story = Story(gate="free")
        _hold(HEARTBEAT, story, (1000, 1010))
        _hold(CRON, story, late)
        story.call(HEARTBEAT, "append")
        story.put(HEARTBEAT, lines("first", "h"), at=(1100, 1110))
        found = [violation.kind for violation in judge(story.history()).violations]
        assert found == ["double_hold"] * count


def test_a_rogue_near_the_lock_excuses_its_holders() -> None:
    for at, count in (((980, 999), 1), ((995, 1000), 0), ((1030, 1035), 0), ((1031, 1035), 1)):
        story = Story(gate="free")
        _hold(HEARTBEAT, story, (1000, 1010))
        with story.op(EDITOR, "action"):
            story.look(EDITOR, "unlink", "T.lock", at=at)
        _hold(CRON, story, (1020, 1030))
        story.call(HEARTBEAT, "append")
        story.put(HEARTBEAT, lines("first", "h"), at=(1100, 1110))
        found = [violation.kind for violation in judge(story.history()).violations]
        assert found == ["double_hold"] * count, at


def test_a_step_overlapping_the_second_acquisition_proves_no_double_hold() -> None:
    story = Story(gate="free")
    _hold(HEARTBEAT, story, (1000, 1010))
    _hold(CRON, story, (1020, 1030))
    story.call(HEARTBEAT, "append")
    story.put(HEARTBEAT, lines("first", "h"), at=(1025, 1040))
    assert judge(story.history()).violations == ()


def test_entries_are_not_judged_if_writes_overlap() -> None:
    for at, count in (((1050, 1060), 0), ((1101, 1110), 1)):
        story = Story(gate="free")
        with story.op(HEARTBEAT, "append", "h"):
            story.put(HEARTBEAT, lines("first", "h"), at=(1000, 1100))
        with story.op(CRON, "rewrite"):
            story.put(CRON, lines("first"), at=at)
        found = [violation.kind for violation in judge(story.history()).violations]
        assert found == ["lost_entry"] * count


def test_a_load_between_unordered_writes_leaves_both_in_doubt() -> None:
    story = Story(gate="free")
    with story.op(RUNNER, "begin_turn"):
        story.look(RUNNER, at=(10, 20))
    story.call(RUNNER, "load")
    story.look(RUNNER, at=(1000, 1100))
    before = story.content
    with story.op(EDITOR, "action"):
        story.put(EDITOR, b"late", at=(1040, 1090))
    story.content = before
    with story.op(SCRIPT, "action"):
        story.put(SCRIPT, b"early", at=(1050, 1060))
    story.done(RUNNER, "ok", digest(b"early"))
    assert _decide(story, 2000, 2100, "refused") == "uncounted"


def test_adjacent_steps_of_one_lane_do_not_excuse_each_other() -> None:
    story = _story()
    _rogue(story, 1000, 1010)
    _rogue(story, 1010, 1020)
    assert _decide(story, 2000, 2100) == "missed_takeover"


def test_writes_are_sorted_by_time_first() -> None:
    story = _story()
    _rogue(story, 1000, 1010)
    earlier = story.events[-3:]
    del story.events[-3:]
    _rogue(story, 3000, 3010, SCRIPT, "y")
    story.events += earlier
    assert _decide(story, 2000, 2100) == "missed_takeover"


def test_acquisitions_are_compared_by_their_times() -> None:
    story = Story(gate="free")
    _hold(HEARTBEAT, story, (1000, 1010))
    with story.op(HEARTBEAT, "append"):
        story.look(HEARTBEAT, at=(1100, 1110))
    story.call(HEARTBEAT, "release")
    story.lock(HEARTBEAT, "released")
    story.events[-1] = msgspec.structs.replace(story.events[-1], begin_ns=1200, end_ns=1210)
    story.done(HEARTBEAT)
    _hold(CRON, story, (1020, 1030))
    assert [violation.kind for violation in judge(story.history()).violations] == ["double_hold"]
