"""Directories of the session directory: steps in them, and the truth about the transcript."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.harness.gates.kernel.call_names import FSTAT
from tests.harness.gates.kernel.folders import Folders
from tests.harness.gates.kernel.stage import INITIAL, START_NS, Out, Seen, Stage, Until

pytestmark = pytest.mark.requires("kernel-gate")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("folders"), Folders, ("p", "q")) as stage:
        yield stage


def run(stage: Stage, *words: str) -> Seen:
    seen = stage.run(list(words), [])
    assert not seen.end.inconclusive
    return seen


def test_calls_in_a_directory_are_steps_without_a_change(stage: Stage) -> None:
    seen = run(stage, "make", "write_in", "list_it", "remove", "move")
    assert seen.calls() == [
        *("mkdir d", "openat d/x", "write d/x", "close d/x"),
        *("openat d", f"{FSTAT} d", "getdents64 d", "getdents64 d", "close d", "rmdir d"),
        "rename d > e",
    ]
    assert seen.said()[1:4] == ["written", "x", "ENOTEMPTY"]
    assert not seen.changes()


def test_directories_in_directories_are_followed_too(stage: Stage) -> None:
    seen = run(stage, "write_deep")
    assert [call for call in seen.calls() if call.startswith("mkdir")][-1] == "mkdir d/b/c"
    assert seen.calls()[-3:] == ["openat d/b/c/x", "write d/b/c/x", "close d/b/c/x"]


def test_numbers_and_times_in_a_directory_are_virtual(stage: Stage) -> None:
    words = ("make", "stat_it", "write_in", "stat_in", "stat_it", "move", "stat_moved")
    seen = run(stage, *words)
    told = (said.split() for said in seen.said() if said[:1].isdigit())
    made, file, written, moved = ([int(number) for number in said] for said in told)
    assert (made[0], file[0]) == (4097, 4098)
    assert all(START_NS < stamp < START_NS + 10**9 for stamp in (*made[1:], *file[2:]))
    # A file that is made in it changes a directory; a file that goes with its directory is not changed.
    assert written[1] > made[1]
    assert moved == file
    assert run(stage, *words).events == seen.events


def test_a_name_in_a_directory_that_is_missing_is_a_step(stage: Stage) -> None:
    seen = stage.run(["look_in"], ["make", "write_in"], script=[Until(0, "newfstatat"), Out(1), Out(0)])
    assert seen.calls(0) == ["newfstatat d/x"]
    assert seen.said(0) == ["True"]
    assert run(stage, "look_in").said() == ["False"]


def test_going_into_a_directory_is_a_step(stage: Stage) -> None:
    seen = run(stage, "make", "go_in")
    assert seen.calls() == ["mkdir d", "chdir d", "openat d/x", "write d/x", "close d/x"]


def test_a_call_is_about_the_directory_that_was_moved_meanwhile(stage: Stage) -> None:
    writes = ["open_it", "write_by_descriptor", "close_it"]
    # The second lane stands before the open in the directory while that is moved.
    seen = stage.run(["make", "move", "stat_moved"], writes, script=[0, 1, 0, Out(1), Out(0)])
    assert not seen.end.inconclusive
    assert seen.calls(1) == ["openat d", "openat e/x", "write e/x", "close e/x", "close e"]
    assert seen.calls(0) == ["mkdir d", "rename d > e", "newfstatat e/x"]
    number, size, *stamps = map(int, seen.said(0)[2].split())
    assert (number, size) == (4098, 2)
    assert all(START_NS < stamp < START_NS + 10**9 for stamp in stamps)


# The transcript


IN_DIRECTORY = ["openat d/t", "write d/t", "close d/t"]


def contents(seen: Seen) -> list[bytes | None]:
    return [content for _, _, content in seen.changes()]


def test_the_transcript_moved_into_a_directory_and_back_is_seen_to_go_and_come(stage: Stage) -> None:
    seen = run(stage, "make", "move_transcript_in", "write_moved_transcript", "move_transcript_back")
    assert contents(seen) == [None, INITIAL + b"x\n"]
    assert seen.calls()[1:] == ["rename T > d/t", *IN_DIRECTORY, "rename d/t > T"]


def test_a_write_to_a_link_in_a_directory_changes_the_transcript(stage: Stage) -> None:
    seen = run(stage, "make", "link_transcript_in", "write_moved_transcript", "move", "write_up_and_down")
    assert contents(seen) == [INITIAL + b"x\n"]
    seen = run(stage, "make", "write_up_and_down")
    assert contents(seen) == [INITIAL + b"x\n"]
    assert seen.calls()[1:] == ["openat T", "write T", "close T"]


def test_a_directory_behind_a_link_is_the_one_that_it_leads_to(stage: Stage) -> None:
    seen = run(stage, "make", "write_by_linked_directory")
    assert contents(seen) == [INITIAL + b"x\n"]
    assert seen.calls()[-1] == "close T"
    seen = run(stage, "make", "write_in", "move_by_linked_directory")
    assert contents(seen) == [b"x\n"]
    assert seen.calls()[-1] == "rename d/x > T"


def test_a_transcript_that_is_a_link_into_a_directory_goes_with_that(stage: Stage) -> None:
    seen = run(stage, "make", "write_in", "replace_transcript_by_link", "write_in", "move")
    assert contents(seen) == [None, b"x\n", b"x\nx\n", None]


# Files without a name


def test_a_file_without_a_name_is_followed_until_it_has_one(stage: Stage) -> None:
    seen = run(stage, "make", "put_nameless_in", "stat_in")
    number, links, stamp = map(int, seen.said()[1].split())
    assert (number, links) == (4098, 0)
    assert START_NS < stamp < START_NS + 10**9
    assert seen.said()[2].split()[:2] == ["4098", "9"]
    assert "linkat tmp1 > d/x" in seen.calls()


def test_a_file_without_a_name_may_become_the_transcript(stage: Stage) -> None:
    seen = run(stage, "nameless_becomes_transcript")
    assert contents(seen) == [None, b"nameless\n", b"nameless\nmore\n"]


def test_a_question_whether_there_are_files_without_a_name_is_answered(stage: Stage) -> None:
    seen = run(stage, "probe_nameless", "probe_nameless")
    assert seen.said() == ["has them", "has them"]
    assert run(stage, "probe_nameless", "probe_nameless").events == seen.events


# The end of a schedule


def test_leftovers_are_gone_and_the_target_of_a_link_stays(stage: Stage) -> None:
    outside = stage.directory.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "kept").write_text("kept")
    run(stage, "leave_much")
    assert run(stage, "look_in").said() == ["False"]
    assert os.listdir(stage.directory) == ["transcript.jsonl"]
    assert (outside / "kept").read_text() == "kept"
