"""Tests of `harness.oracle.windows`: where a window opens, also if the transcript changed during the load."""

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
    """Return a turn during whose load the editor writes some states."""
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
def test_the_returned_bytes_tell_which_writes_a_load_saw(
    states: list[bytes], returned: bytes | str, admitted: str, refused: str
) -> None:
    assert _verdict(_load_during(states, returned), "admit") == admitted
    assert _verdict(_load_during(states, returned), "refuse") == refused


def test_a_half_known_operation_counts_with_its_unknown_half() -> None:
    assert _verdict(_load_during([B, A], B, one_operation=True), "admit") == "missed_takeover"
    assert _verdict(_load_during([B, A], B, one_operation=True), "refuse") == "true_positive"


def test_an_operation_undone_during_the_load_accuses_no_lane() -> None:
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


def test_a_load_of_a_removed_file_is_not_stale() -> None:
    story = Story()
    story.write(EDITOR, None)
    story.window()
    assert _verdict(story, "refuse") == "false_positive"


def _stale(returned: bytes) -> Story:
    """Return a turn whose load returns bytes that were gone before it began."""
    story = Story(initial=A)
    story.write(EDITOR, B)
    story.add(CRON, "c")
    with story.op(RUNNER, "begin_turn"):
        pass
    with story.op(RUNNER, "load", detail=digest(returned)):
        story.look(RUNNER, "statx")
    story.rest()
    return story


def test_a_stale_load_keeps_unknown_writes_in_the_window() -> None:
    assert _verdict(_stale(A), "admit") == "missed_takeover"
    assert _verdict(_stale(A), "refuse") == "true_positive"


def test_a_stale_load_counts_as_fresh_as_possible() -> None:
    story = Story(initial=A)
    story.write(EDITOR, B)
    story.write(EDITOR, A)
    story.add(CRON, "c")
    with story.op(RUNNER, "begin_turn"):
        pass
    with story.op(RUNNER, "load", detail=digest(A)):
        story.look(RUNNER, "statx")
    assert _verdict(story, "refuse") == "false_positive"


def test_a_stale_load_knows_the_writes_before_its_bytes() -> None:
    assert _verdict(_stale(B), "admit") == "true_negative"
    assert _verdict(_stale(B), "refuse") == "false_positive"


def test_unknown_bytes_leave_all_earlier_writes_in_doubt() -> None:
    assert _verdict(_stale(b"never"), "admit") == "true_negative"
    assert _verdict(_stale(b"never"), "refuse") == "uncounted"
    story = _stale(b"never")
    story.add(EDITOR, "x")
    assert _verdict(story, "admit") == "missed_takeover"


def test_after_a_second_load_both_answers_are_right() -> None:
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


@pytest.mark.parametrize("names", [("x",), ("x", "y"), ("x", "y", "z")])
def test_a_recovery_knows_the_result_of_all_earlier_writes(names: tuple[str, ...]) -> None:
    for back, verdict in ((True, "true_negative"), (False, "missed_takeover")):
        story = Story(initial=A)
        story.window()
        for name in names:
            story.add(EDITOR, name)
        known = story.content
        story.recover()
        story.write(EDITOR, B)
        story.write(EDITOR, known if back else A)
        assert _verdict(story, "admit") == verdict


def test_a_recovery_that_returns_bytes_counts_as_a_load() -> None:
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
    """Return a recovery of several reads between which the editor writes some states."""
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


def test_a_recovery_may_have_read_a_mixture_of_states() -> None:
    """Found by fuzzing: the second read continues in another file with the same begin and a longer end."""
    (old,) = [content for content in _recovery_during([]).history().blobs.values() if b"x" in content]
    story = _recovery_during([b"?" * len(old) + b"-tail"])
    story.write(EDITOR, old + b"-tail")
    assert _verdict(story, "admit") == "true_negative"


def test_a_recovery_excuses_no_bytes_it_cannot_have_read() -> None:
    story = _recovery_during([B])
    story.write(EDITOR, C)
    assert _verdict(story, "admit") == "missed_takeover"
    story = _recovery_during([B])
    story.add(EDITOR, "y")
    assert _verdict(story, "admit") == "missed_takeover"


def test_a_torn_load_accepts_the_bytes_that_it_read() -> None:
    story = _load_during([B], b"torn")
    story.write(EDITOR, C)
    story.write(EDITOR, b"torn")
    assert _verdict(story, "admit") == "true_negative"
