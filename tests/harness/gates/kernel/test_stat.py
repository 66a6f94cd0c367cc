"""Every call of the stat family tells a lane the same virtual file."""

from __future__ import annotations

import json
import os

import pytest

from harness.model.program import Filesystem
from tests.harness.gates.kernel.looking import Looking
from tests.harness.gates.kernel.stage import INITIAL, START_NS, Seen, Stage

pytestmark = pytest.mark.requires("kernel-gate")

MS = 1_000_000


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stat"), Looking) as stage:
        yield stage


def told(stage: Stage, *words: str, **options: object) -> list:
    """Return the results of the words that have one."""
    seen: Seen = stage.run(words, **options)
    assert not seen.end.inconclusive
    return [json.loads(detail) for detail in seen.said() if detail]


def test_every_call_of_the_stat_family_tells_the_same(stage: Stage) -> None:
    (found,) = told(stage, "everything")
    assert len(found) == 8
    common = found["os.stat"]
    for name, status in found.items():
        assert {key: status[key] for key in common} == common, name
    real = os.stat(stage.path)
    assert common["size"] == len(INITIAL) == real.st_size
    assert common["links"] == 1
    for key, value in {
        "dev": real.st_dev,
        "mode": real.st_mode,
        "uid": real.st_uid,
        "gid": real.st_gid,
        "blocks": real.st_blocks,
        "block": real.st_blksize,
    }.items():
        assert common[key] == value, key
    assert common["mtime"] == common["ctime"] == START_NS
    assert found["statx"]["birth"] == found["statx of a descriptor"]["birth"] == START_NS
    assert found["statx"]["told_birth"]


def test_stat_is_a_step_each(stage: Stage) -> None:
    calls = stage.run(["everything"]).calls()
    assert calls == [
        *("openat T", "newfstatat T", "stat T", "lstat T", "fstat T", "newfstatat T", "newfstatat T"),
        *("statx T", "statx T", "close T"),
    ]


def test_a_write_moves_mtime_and_ctime_to_the_time_of_its_step(stage: Stage) -> None:
    (_, *before), (_, modified, changed, born, _) = told(stage, "look", "write", "look")
    assert before[:3] == [START_NS] * 3
    # look, open, write: three steps of a millisecond.
    assert modified == changed == START_NS + 3 * MS
    assert born == START_NS


@pytest.mark.parametrize("word", ["chmod", "link_and_unlink"])
def test_a_change_that_no_reader_sees_moves_ctime_alone(stage: Stage, word: str) -> None:
    before, after = told(stage, "look", word, "look")
    assert after[1] == before[1]
    assert after[2] > before[2]
    assert after[0] == before[0]


def test_without_birth_times_statx_says_so_and_nothing_else_changes(stage: Stage) -> None:
    ((ino, modified, changed, born, has_birth),) = told(
        stage, "look", filesystem=Filesystem(birth_time=False)
    )
    assert (born, has_birth) == (0, False)
    assert (ino, modified, changed) == (4096, START_NS, START_NS)


def test_a_grain_of_time_cuts_every_stamp(stage: Stage) -> None:
    grain = Filesystem(time_grain_ms=1000)
    start = START_NS + 999 * MS
    first, second = told(stage, "look", "write", "look", filesystem=grain, clock_start_ns=start)
    assert first[1:4] == [START_NS] * 3
    # Three steps on, a second has begun.
    assert second[1:4] == [START_NS + 1000 * MS] * 2 + [START_NS]
    first, second = told(stage, "look", "write", "look", filesystem=grain, clock_start_ns=START_NS)
    assert first == second


def test_times_that_are_set_are_told(stage: Stage) -> None:
    wanted = 1_234_567_890_123_456_789
    for word in ("set_explicitly", "set_by_descriptor"):
        ((_, (modified, changed), now),) = told(stage, word)
        assert modified == wanted
        assert START_NS < changed < now


def test_times_set_to_now_are_the_virtual_time(stage: Stage) -> None:
    for word in ("set_to_now", "set_without_times"):
        ((before, (modified, changed), _),) = told(stage, word)
        assert before == [START_NS, START_NS]
        assert modified == changed == START_NS + 2 * MS


def test_omitting_mtime_moves_ctime_alone(stage: Stage) -> None:
    (((modified_before, changed_before), (modified, changed), _),) = told(stage, "set_nothing")
    assert modified == modified_before
    assert changed > changed_before


def test_a_time_that_is_set_is_cut_to_the_grain(stage: Stage) -> None:
    ((_, (modified, _), _),) = told(stage, "set_explicitly", filesystem=Filesystem(time_grain_ms=1000))
    assert modified == 1_234_567_890_000_000_000


def test_the_older_calls_set_times_as_well(stage: Stage) -> None:
    assert told(stage, "set_by_old_calls") == [[77_000_000_000, 78_000_009_000, 79_000_009_000]]


@pytest.mark.parametrize("word", ["set_and_fail", "write_and_fail"])
def test_a_call_that_the_kernel_refuses_leaves_no_stamp(stage: Stage, word: str) -> None:
    ((before, after),) = told(stage, word)
    assert before == after


def test_a_symlink_s_own_time_is_not_that_of_its_target(stage: Stage) -> None:
    ((before, kept, own, through),) = told(stage, "set_through_symlink")
    assert before == kept == START_NS
    assert (own, through) == (2, 3)


def test_a_symlink_has_a_number_of_its_own_and_leads_to_the_other(stage: Stage) -> None:
    ((link, through, target, link_size, target_size),) = told(stage, "symlink_look")
    assert through == target != link
    assert (link_size, target_size) == (len("transcript.jsonl"), len(INITIAL))


def test_the_directory_is_told_virtually_as_well(stage: Stage) -> None:
    (before, after) = told(stage, "directory_look", "link_and_unlink", "directory_look")
    assert before == [2, START_NS]
    # look, link, unlink.
    assert after == [2, START_NS + 3 * MS]


def test_a_device_outside_is_told_as_it_is(stage: Stage) -> None:
    real = os.stat("/dev/null")
    assert told(stage, "device_look") == [[real.st_rdev, real.st_mode]]


def test_a_missing_name_is_missing(stage: Stage) -> None:
    assert stage.run(["missing_look"]).said() == ["missing"]


@pytest.mark.parametrize(("mode", "same"), [("always", True), ("never", False)])
def test_a_freed_number_comes_back_as_the_scenario_says(stage: Stage, mode: str, same: bool) -> None:
    seen = stage.run(["recreate"], filesystem=Filesystem(inode_reuse=mode))
    before, after = json.loads(seen.said()[0])
    assert (before == after) is same
    assert seen.end.inode_reused is same


@pytest.mark.requires("ext4")
def test_real_numbers_are_the_file_system_s_own(stage: Stage) -> None:
    reused = []
    for _ in range(8):
        seen = stage.run(["really"], filesystem=Filesystem(inode_reuse="real"))
        pairs = json.loads(seen.said()[0])
        assert all(told == listed for told, listed in pairs)
        reused.append(pairs[0][0] == pairs[1][0])
        assert seen.end.inode_reused is reused[-1]
    # Another process may have taken the number; that it never comes back is not to be.
    assert any(reused)


def test_the_number_of_a_file_that_is_still_open_is_not_given_away(stage: Stage) -> None:
    ((first, second, third),) = told(stage, "recreate_while_open")
    assert first != second
    assert third == first


def test_a_copy_of_a_descriptor_keeps_the_number_as_well(stage: Stage) -> None:
    ((first, second, again),) = told(stage, "recreate_while_duplicated")
    assert first != second
    assert again == first


def test_renaming_over_twice_brings_the_first_number_back(stage: Stage) -> None:
    ((first, second, third),) = told(stage, "rename_over_twice")
    assert first == third != second
    ((first, second, third),) = told(stage, "rename_over_twice", filesystem=Filesystem(inode_reuse="never"))
    assert len({first, second, third}) == 3


def test_a_rename_keeps_the_number(stage: Stage) -> None:
    ((before, after),) = told(stage, "rename_keeps")
    assert before == after


def test_numbers_start_anew_with_each_schedule(stage: Stage) -> None:
    first = told(stage, "look", "recreate", "look")
    assert told(stage, "look", "recreate", "look") == first
