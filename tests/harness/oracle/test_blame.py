"""Tests of `harness.oracle.blame`: the steps that a refusal without cause is said to be about."""

from __future__ import annotations

import pytest

from harness.oracle import Violation, judge
from tests.harness.oracle.histories import EDITOR, HEARTBEAT, RUNNER, Story, lines

#: Calls that change the result of stat for the transcript, though not its bytes.
SHOWN = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("truncate", "ftruncate", "fallocate", "write", "pwrite64", "writev", "pwritev", "pwritev2"),
    *("sendfile", "copy_file_range", "mmap", "msync", "creat"),
)
OPENING = ("open", "openat", "openat2")
NAMING = (
    *("link", "linkat", "rename", "renameat", "renameat2"),
    *("symlink", "symlinkat", "unlink", "unlinkat"),
)


def refused(story: Story) -> Violation:
    story.refuse("reply")
    (violation,) = judge(story.history()).violations
    assert violation.kind == "false_positive"
    return violation


def named(call: str, path: str = "T", note: str = "") -> bool:
    """Return whether a step of another lane that changes no bytes is given as the cause."""
    story = Story()
    story.window()
    with story.op(EDITOR, "action"):
        at = story.look(EDITOR, call, path, note)
    causes = refused(story).causes
    assert causes in ((), (at,))
    return bool(causes)


@pytest.mark.parametrize("call", SHOWN)
def test_a_call_that_stat_shows_is_named_on_the_transcript(call: str) -> None:
    assert named(call)
    assert not named(call, "other")


@pytest.mark.parametrize("call", NAMING)
def test_a_call_on_names_is_named_except_on_the_lock(call: str) -> None:
    assert named(call)
    assert named(call, "other")
    assert not named(call, "T.lock")


@pytest.mark.parametrize("call", OPENING)
def test_an_open_is_named_only_where_it_truncates(call: str) -> None:
    assert named(call, note="write TRUNC")
    assert not named(call, note="write APPEND")


@pytest.mark.parametrize("call", ["read", "statx", "close", "lseek", "flock"])
def test_a_call_that_changes_nothing_is_not_named(call: str) -> None:
    assert not named(call)


def test_the_latest_eight_steps_are_named() -> None:
    story = Story()
    story.window()
    touched = [story.touch() for _ in range(10)]
    assert refused(story).causes == tuple(touched[2:])


def test_own_steps_and_those_before_the_window_are_not_named() -> None:
    story = Story()
    story.touch()
    story.window()
    with story.op(RUNNER, "append"):
        story.look(RUNNER, "utimensat")
    assert refused(story).causes == ()


def test_the_sentence_says_lane_call_path_and_lock() -> None:
    story = Story()
    story.window()
    story.add(HEARTBEAT, "h")
    story.write(HEARTBEAT, lines("first", "h", "i"), kind="rewrite")
    with story.op(EDITOR, "action"):
        story.look(EDITOR, "rename", "")
    said = refused(story).detail.partition("was pending, ")[2]
    assert said == (
        "after steps of heartbeat (write of T, holding the lock); heartbeat (write of T, holding the lock); "
        "editor (rename of ?)"
    )
