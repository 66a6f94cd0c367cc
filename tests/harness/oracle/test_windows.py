"""Where a window opens, also when somebody wrote during the load."""

from __future__ import annotations

import pytest

from harness.model.history import digest
from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, RUNNER, Story, line, lines

A, B, C = lines("a"), lines("b"), lines("c")


def _verdict(story: Story, answer: str) -> str:
    getattr(story, answer)("reply")
    return judge(story.history()).decisions[-1].verdict


def _load_during(states: list[bytes], returned: bytes | str, one_operation: bool = False) -> Story:
    """A turn in whose load the editor goes through some states."""
    story = Story(initial=A)
    with story.op(RUNNER, "begin_turn"):
        pass
    story.call(RUNNER, "load")
    story.look(RUNNER, "openat")
    if one_operation:
        story.call(EDITOR, "action")
    for state in states:
        if one_operation:
            story.put(EDITOR, state)
        else:
            story.write(EDITOR, state)
    if one_operation:
        story.done(EDITOR)
    story.look(RUNNER)
    story.done(RUNNER, "ok", returned if isinstance(returned, str) else digest(returned))
    story.rest()
    return story


@pytest.mark.parametrize(
    ("states", "returned", "admitted", "refused"),
    [
        ([B], A, "missed_takeover", "true_positive"),
        ([B], B, "true_negative", "false_positive"),
        ([B], b"torn", "true_negative", "uncounted"),
        ([B], "", "true_negative", "uncounted"),
        ([B, C], A, "missed_takeover", "true_positive"),
        ([B, C], B, "missed_takeover", "true_positive"),
        ([B, C], C, "true_negative", "false_positive"),
        ([B, A], A, "true_negative", "uncounted"),
        ([B, A, C], A, "missed_takeover", "true_positive"),
    ],
)
def test_what_a_load_returned_tells_which_writes_it_knew_of(
    states: list[bytes], returned: bytes | str, admitted: str, refused: str
) -> None:
    assert _verdict(_load_during(states, returned), "admit") == admitted
    assert _verdict(_load_during(states, returned), "refuse") == refused


def test_an_operation_that_was_half_known_counts_with_its_unknown_half() -> None:
    assert _verdict(_load_during([B, A], B, one_operation=True), "admit") == "missed_takeover"
    assert _verdict(_load_during([B, A], B, one_operation=True), "refuse") == "true_positive"


def test_an_operation_that_came_and_went_during_the_load_is_held_against_nobody() -> None:
    assert _verdict(_load_during([B, A], A, one_operation=True), "admit") == "true_negative"
    assert _verdict(_load_during([B, A], A, one_operation=True), "refuse") == "uncounted"


def test_a_sanctioned_write_during_a_torn_load_is_still_sanctioned() -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        pass
    story.call(RUNNER, "load")
    story.look(RUNNER, "openat")
    story.add(CRON, "c")
    story.look(RUNNER)
    story.done(RUNNER, "ok", digest(b"torn"))
    assert _verdict(story, "refuse") == "false_positive"


def test_a_torn_load_does_not_excuse_a_later_write() -> None:
    story = _load_during([B], b"torn")
    story.add(EDITOR, "x")
    assert _verdict(story, "admit") == "missed_takeover"


def test_a_torn_load_may_have_known_either_state() -> None:
    for state in (A, B):
        story = _load_during([B], b"torn")
        story.write(EDITOR, C)
        story.write(EDITOR, state)
        assert _verdict(story, "admit") == "true_negative"


def test_a_load_of_a_missing_file_returns_no_bytes() -> None:
    story = Story(initial=None)
    story.window()
    assert _verdict(story, "refuse") == "false_positive"
    story.write(EDITOR, A)
    assert _verdict(story, "admit") == "missed_takeover"


def test_a_load_of_a_file_that_had_been_removed_is_not_stale() -> None:
    story = Story()
    story.write(EDITOR, None)
    story.window()
    assert _verdict(story, "refuse") == "false_positive"


def _stale(returned: bytes) -> Story:
    """A load that returns bytes which were gone before it began."""
    story = Story(initial=A)
    story.write(EDITOR, B)
    story.add(CRON, "c")
    with story.op(RUNNER, "begin_turn"):
        pass
    with story.op(RUNNER, "load", detail=digest(returned)):
        story.look(RUNNER, "statx")
    story.rest()
    return story


def test_a_stale_load_leaves_in_the_window_what_it_did_not_know() -> None:
    assert _verdict(_stale(A), "admit") == "missed_takeover"
    assert _verdict(_stale(A), "refuse") == "true_positive"


def test_a_stale_load_is_taken_to_be_as_fresh_as_it_can_be() -> None:
    story = Story(initial=A)
    story.write(EDITOR, B)
    story.write(EDITOR, A)
    story.add(CRON, "c")
    with story.op(RUNNER, "begin_turn"):
        pass
    with story.op(RUNNER, "load", detail=digest(A)):
        story.look(RUNNER, "statx")
    assert _verdict(story, "refuse") == "false_positive"


def test_a_stale_load_knows_what_came_before_its_bytes() -> None:
    assert _verdict(_stale(B), "admit") == "true_negative"
    assert _verdict(_stale(B), "refuse") == "false_positive"


def test_bytes_that_never_were_there_leave_everything_before_the_load_in_doubt() -> None:
    assert _verdict(_stale(b"never"), "admit") == "true_negative"
    assert _verdict(_stale(b"never"), "refuse") == "uncounted"
    story = _stale(b"never")
    story.add(EDITOR, "x")
    assert _verdict(story, "admit") == "missed_takeover"


def test_a_second_load_in_a_turn_excuses_both_answers_to_what_came_before_it() -> None:
    for answer, verdict in (("admit", "true_negative"), ("refuse", "uncounted")):
        story = Story()
        story.window()
        story.add(EDITOR, "x")
        story.load()
        assert _verdict(story, answer) == verdict
    story = Story()
    story.window()
    story.load()
    story.add(EDITOR, "x")
    assert _verdict(story, "admit") == "missed_takeover"


def test_a_failed_load_does_not_open_a_window() -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        pass
    with story.op(RUNNER, "load", outcome="lock_timeout"):
        story.look(RUNNER)
    story.write(EDITOR, line("x"))
    assert _verdict(story, "admit") == "uncounted"


def test_a_recovery_is_never_stale() -> None:
    story = Story(initial=A)
    story.window()
    story.write(EDITOR, B)
    story.recover(detail=digest(A))
    assert _verdict(story, "admit") == "true_negative"
    story = Story(initial=A)
    story.window()
    story.write(EDITOR, B)
    story.recover(detail=digest(b"never"))
    assert _verdict(story, "refuse") == "false_positive"


def test_a_recovery_that_returns_bytes_is_read_like_a_load() -> None:
    for returned, verdict in ((A, "missed_takeover"), (B, "true_negative")):
        story = Story(initial=A)
        story.window()
        story.call(RUNNER, "recover")
        story.look(RUNNER, "openat")
        story.write(EDITOR, B)
        story.look(RUNNER)
        story.done(RUNNER, "ok", digest(returned))
        assert _verdict(story, "admit") == verdict


def _recovery_during(states: list[bytes]) -> Story:
    """A recovery that took several reads, during which the editor goes through some states."""
    story = Story(initial=A)
    story.window()
    story.add(EDITOR, "x")
    story.refuse("r")
    story.call(RUNNER, "recover")
    story.look(RUNNER)
    for state in states:
        story.write(EDITOR, state)
    story.look(RUNNER)
    story.done(RUNNER, "ok")
    return story


def test_a_recovery_may_have_read_a_mixture_and_then_sees_no_difference_when_it_comes_about() -> None:
    """Found by fuzzing: read, another file of the same beginning and a longer end, read on."""
    (old,) = [content for content in _recovery_during([]).history().blobs.values() if b"x" in content]
    story = _recovery_during([b"?" * len(old) + b"-tail"])
    story.write(EDITOR, old + b"-tail")
    assert _verdict(story, "admit") == "true_negative"


def test_a_recovery_during_writes_does_not_excuse_bytes_that_it_cannot_have_read() -> None:
    story = _recovery_during([B])
    story.write(EDITOR, C)
    assert _verdict(story, "admit") == "missed_takeover"
    story = _recovery_during([B])
    story.add(EDITOR, "y")
    assert _verdict(story, "admit") == "missed_takeover"


def test_a_torn_load_sees_no_difference_when_the_bytes_that_it_read_come_about() -> None:
    story = _load_during([B], b"torn")
    story.write(EDITOR, C)
    story.write(EDITOR, b"torn")
    assert _verdict(story, "admit") == "true_negative"
