"""A load returns what the transcript held while it ran."""

from __future__ import annotations

import pytest

from harness.model.history import digest
from harness.oracle import judge
from harness.oracle.verdict import Violation
from tests.harness.oracle.histories import CRON, EDITOR, RUNNER, Story, line, lines


def _accused(story: Story) -> list[Violation]:
    history = story.history()
    assert judge(history) == judge(history, full=True)
    return [one for one in judge(history).violations if one.kind == "altered_entry"]


def _load(story: Story, content: bytes, *, fault: str = "", lane: int = RUNNER) -> int:
    story.call(lane, "load")
    story.look(lane, "openat")
    story.look(lane, fault=fault)
    return story.done(lane, "ok", digest(content))


@pytest.mark.parametrize("content", [b"", line("other"), line("first")[:-1]])
def test_a_load_of_other_bytes_is_accused(content: bytes) -> None:
    story = Story()
    at = _load(story, content)
    (found,) = _accused(story)
    assert (found.at, found.lane, found.op) == (at, RUNNER, 0)
    assert found.detail == "not_read: the load of runner returned other bytes than the transcript held"


def test_a_load_of_the_bytes_there_is_not_accused() -> None:
    story = Story()
    _load(story, line("first"))
    story.add(CRON, "c")
    _load(story, lines("first", "c"))
    assert not _accused(story)


def test_a_load_of_an_earlier_content_is_accused() -> None:
    story = Story()
    story.add(CRON, "c")
    _load(story, line("first"))
    assert len(_accused(story)) == 1


def test_a_missing_file_loads_as_empty() -> None:
    story = Story(initial=None)
    _load(story, b"")
    assert not _accused(story)
    _load(story, line("first"))
    assert len(_accused(story)) == 1


@pytest.mark.parametrize("content", [line("first"), lines("first", "e"), b"a mix"])
def test_a_load_during_a_change_is_not_judged(content: bytes) -> None:
    story = Story()
    story.call(RUNNER, "load")
    story.look(RUNNER, "openat")
    story.call(EDITOR, "action")
    story.put(EDITOR, lines("first", "e"))
    story.look(RUNNER)
    story.done(RUNNER, "ok", digest(content))
    story.done(EDITOR)
    assert not _accused(story)


@pytest.mark.parametrize(("content", "accused"), [(line("first"), 1), (lines("first", "e"), 0)])
def test_a_change_before_the_first_step_of_a_load_came_before_it(content: bytes, accused: int) -> None:
    story = Story()
    story.call(RUNNER, "load")
    story.write(EDITOR, lines("first", "e"))
    story.look(RUNNER, "openat")
    story.look(RUNNER)
    story.done(RUNNER, "ok", digest(content))
    assert len(_accused(story)) == accused


@pytest.mark.parametrize(("content", "accused"), [(line("first"), 0), (lines("first", "e"), 1)])
def test_a_change_after_the_last_step_of_a_load_came_after_it(content: bytes, accused: int) -> None:
    story = Story()
    story.call(RUNNER, "load")
    story.look(RUNNER)
    story.write(EDITOR, lines("first", "e"))
    story.done(RUNNER, "ok", digest(content))
    assert len(_accused(story)) == accused


def test_a_load_with_a_failed_call_is_not_judged() -> None:
    story = Story()
    _load(story, b"", fault="EIO")
    assert not _accused(story)


def test_a_load_without_a_digest_is_not_judged() -> None:
    story = Story()
    with story.op(RUNNER, "load"):
        story.look(RUNNER)
    assert not _accused(story)


def test_the_free_gate_judges_no_load() -> None:
    story = Story(gate="free")
    _load(story, b"")
    assert not _accused(story)


@pytest.mark.parametrize(("content", "accused"), [(line("first"), 1), (lines("first", "e"), 0)])
def test_changes_around_the_steps_of_a_load_are_told_apart(content: bytes, accused: int) -> None:
    story = Story()
    story.call(RUNNER, "load")
    story.write(EDITOR, lines("first", "e"))
    story.look(RUNNER)
    story.write(EDITOR, line("first"))
    story.done(RUNNER, "ok", digest(content))
    assert len(_accused(story)) == accused
