"""A path of any form means the file that the kernel would open."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel.path_resolution import is_indirect, signed
from tests.harness.gates.kernel.call_names import FSTAT, LINK
from tests.harness.gates.kernel.places import Places
from tests.harness.gates.kernel.stage import INITIAL, Seen, Stage

WRITTEN = b"X" + INITIAL[1:]
WRITE = ["openat T", "write T", "close T"]

#: Word, and its steps: each ends with one byte written to the transcript.
WAYS = [
    ("absolute", WRITE),
    ("relative", WRITE),
    ("relative_after_chdir", WRITE),
    ("relative_to_directory", ["openat .", *WRITE, "close ."]),
    ("relative_to_parent", WRITE),
    ("dotted", WRITE),
    ("doubled_slash", WRITE),
    ("directory_link", WRITE),
    ("up_and_down", ["symlink tmp1", *WRITE]),
    ("file_link", WRITE),
    ("process_directory", WRITE),
    ("process_descriptor", ["openat T", *WRITE, "close T"]),
    ("thread_descriptor", ["openat T", *WRITE, "close T"]),
    ("numbered_descriptor", ["openat T", *WRITE, "close T"]),
    ("device_descriptor", ["openat T", *WRITE, "close T"]),
    ("across_pages", ["open T", *WRITE[1:]]),
    ("up_to_a_border", ["open T", *WRITE[1:]]),
    ("longest", WRITE),
    ("name_of_bytes", [f"{LINK} T > tmp1", "openat tmp1", *WRITE[1:]]),
    ("number_used_again", WRITE),
    ("by_openat2", ["openat2 T", *WRITE[1:]]),
]

#: Word, what it comes to, and its steps: no file of the session is touched.
ELSEWHERE = [
    ("without_an_end", "EFAULT", []),
    ("nowhere", "EFAULT", []),
    ("null", "EFAULT", []),
    ("too_long", "ENAMETOOLONG", ["openat T"]),
    ("neighbour", "1", []),
    ("empty_path", "10", ["openat T", f"{FSTAT} T", "close T"]),
    ("longest_name", "written", ["openat tmp1", f"{FSTAT} tmp1", "close tmp1"]),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    directory = tmp_path_factory.mktemp("places")
    os.symlink("session", directory / "into")
    os.symlink("session/transcript.jsonl", directory / "onto")
    os.symlink("session/new.jsonl", directory / "dangling")
    (directory / "session-other").mkdir()
    (directory / "session-other" / "transcript.jsonl").write_bytes(b"not ours")
    with Stage(directory, Places) as stage:
        yield stage


def run(stage: Stage, word: str) -> Seen:
    seen = stage.run([word])
    assert not seen.end.inconclusive
    return seen


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize(("word", "calls"), WAYS, ids=[way[0] for way in WAYS])
def test_each_way_to_the_transcript_is_a_step_on_it(stage: Stage, word: str, calls: list[str]) -> None:
    seen = run(stage, word)
    assert seen.said() == ["written"]
    assert [call for call in seen.calls() if not call.startswith("fstat")] == calls
    assert [content for _, call, content in seen.changes()] == [WRITTEN]


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize(("word", "told", "calls"), ELSEWHERE, ids=[place[0] for place in ELSEWHERE])
def test_calls_beside_the_transcript_are_answered_as_by_the_kernel(
    stage: Stage, word: str, told: str, calls: list[str]
) -> None:
    seen = run(stage, word)
    assert seen.said() == [told]
    assert seen.calls() == calls
    assert not seen.changes()


@pytest.mark.requires("kernel-gate")
def test_a_dangling_link_outside_cannot_make_a_file_inside(stage: Stage) -> None:
    seen = run(stage, "file_link_that_dangles")
    assert seen.said() == ["EROFS"]
    assert sorted(os.listdir(stage.directory)) == ["transcript.jsonl"]


@pytest.mark.requires("kernel-gate")
def test_a_file_that_is_made_without_a_name_may_get_one(stage: Stage) -> None:
    seen = stage.run(["unnamed_file"])
    assert seen.said() == ["written"]
    assert seen.calls() == ["openat .", "write tmp1", "linkat tmp1 > T.new", "close T.new"]
    assert not seen.end.inconclusive


def test_a_register_s_low_half_is_read_as_a_c_int() -> None:
    assert signed(0xFFFFFF9C) == signed(0xFFFFFFFFFFFFFF9C) == -100
    assert signed(0x1_0000_0007) == 7
    assert signed(0x7FFFFFFF) == 0x7FFFFFFF
    assert signed(0x80000000) == -(1 << 31)


@pytest.mark.parametrize(
    ("path", "name", "indirect"),
    [
        ("/s/d/x", "d/x", False),
        ("/s/./d/x/", "d/x", False),
        ("/s/d/../t", "t", True),
        ("/s/link/x", "d/x", True),
        ("/elsewhere/x", "x", True),
        ("/s", ".", False),
        ("/elsewhere", None, False),
    ],
)
@pytest.mark.requires("modules from source")
def test_a_path_that_goes_by_way_of_another_name_is_told(path: str, name: str | None, indirect: bool) -> None:
    files: Any = SimpleNamespace(directory="/s")
    assert is_indirect(files, path, name) == indirect
