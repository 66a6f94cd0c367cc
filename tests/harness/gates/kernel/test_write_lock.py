"""The holder of the lock, for each kind, by the calls of real processes on its file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.model.history import LockEvent
from tests.harness.gates.kernel.locking import Flocking, MakingDirectories, Recording, Replacing, TwoLocks
from tests.harness.gates.kernel.stage import Out, Seen, Stage, Until

pytestmark = pytest.mark.requires("kernel-gate")

GOT, GONE, HOLLOW = LockEvent("acquired"), LockEvent("released"), LockEvent("hollow")
SHARED = LockEvent("shared")


@pytest.fixture(scope="module")
def flocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("flocks"), Flocking, ["p", "q", "r"]) as stage:
        yield stage


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("directories")
    with Stage(folder, MakingDirectories, ["p", "q"], lock_stale_ms=1000) as stage:
        yield stage


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("files"), Replacing, ["p", "q", "r"]) as stage:
        yield stage


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("records"), Recording, ["p", "q", "q"]) as stage:
        yield stage


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("pairs"), TwoLocks, ["p", "q"]) as stage:
        yield stage


def held(seen: Seen) -> list[tuple[int, bool, bool]]:
    """Lane, whether it had the lock, whether it had been robbed, of each step that changed something."""
    return [(step.lane, step.change.held, step.change.reclaimed) for step in seen.steps if step.change]


# flock


def test_an_unlink_robs_the_holder_and_a_new_flock_follows(flocks: Stage) -> None:
    seen = flocks.run(
        ["open", "exclusive", "think:1", "write", "unlock"],
        ["unlink", "open", "exclusive", "write"],
        [],
        script=[Until(0, "think"), Out(1), Out(0)],
    )
    assert seen.locks() == [(0, GOT), (1, LockEvent("reclaimed", 0)), (1, GOT), (0, GONE)]
    assert held(seen) == [(1, True, False), (0, False, True)]
    assert seen.end.lock_owner == 1
    assert not seen.end.inconclusive


def test_a_flock_on_a_file_that_lost_its_name_is_hollow(flocks: Stage) -> None:
    seen = flocks.run(
        ["open", "think:1", "exclusive", "links", "write", "close"],
        ["open", "unlink", "think:1", "open", "exclusive", "write"],
        [],
        script=[Until(0, "think"), Until(1, "think"), Out(0), Out(1)],
    )
    assert seen.said(0)[3] == "0"
    assert seen.locks() == [(0, HOLLOW), (0, GONE), (1, GOT)]
    assert held(seen) == [(0, False, True), (1, True, False)]


def test_a_lane_that_unlinks_its_own_flock_lets_it_go(flocks: Stage) -> None:
    seen = flocks.run(
        ["open", "exclusive", "unlink", "think:1", "unlock", "close"],
        ["open", "exclusive", "unlock"],
        [],
        script=[Until(0, "think"), Out(1), Out(0)],
    )
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT), (1, GONE)]
    assert seen.end.lock_owner == -1


def test_a_flock_on_some_other_file_is_no_lock(files: Stage) -> None:
    seen = files.run(["prepare", "write"], [], [])
    assert seen.locks() == []


@pytest.mark.parametrize("kind", ["flocks", "records"])
def test_two_lanes_share_a_lock_and_each_lets_go(kind: str, request: pytest.FixtureRequest) -> None:
    stage: Stage = request.getfixturevalue(kind)
    seen = stage.run(
        ["open", "shared", "think:1", "unlock"],
        ["open", "shared", "write", "unlock"],
        [],
        script=[Until(0, "think"), Out(1), Out(0)],
    )
    assert seen.locks() == [(0, SHARED), (1, SHARED), (1, GONE), (0, GONE)]
    assert held(seen) == [(1, False, False)]
    assert seen.end.lock_owner == -1


def test_a_lane_that_goes_on_in_shared_mode_has_the_lock_no_longer(flocks: Stage) -> None:
    words = ["open", "exclusive", "write", "shared", "write", "exclusive", "write", "close"]
    seen = flocks.run(words, [], [])
    assert seen.locks() == [(0, GOT), (0, SHARED), (0, GOT), (0, GONE)]
    assert held(seen) == [(0, True, False), (0, False, False), (0, True, False)]


def test_a_failed_change_of_mode_loses_the_lock_that_was_there(flocks: Stage) -> None:
    seen = flocks.run(
        ["open", "shared", "think:1", "unlock"],
        ["open", "shared", "at_once", "write"],
        [],
        script=[Until(0, "think"), Out(1), Out(0)],
    )
    assert seen.said(1)[2] == "EAGAIN"
    assert seen.locks() == [(0, SHARED), (1, SHARED), (1, GONE), (0, GONE)]


# Several locks


def test_a_lane_has_the_lock_while_it_has_each_of_them(pairs: Stage) -> None:
    words = ["open", "exclusive", "write", "guard", "write", "unlock", "write", "unguard"]
    seen = pairs.run(words, [])
    assert seen.locks() == [(0, GOT), (0, GONE)]
    assert held(seen) == [(0, False, False), (0, True, False), (0, False, False)]


def test_one_of_several_locks_in_shared_mode_leaves_the_lock_as_it_was(pairs: Stage) -> None:
    words = ["open", "exclusive", "guard", "guard_shared", "write", "shared", "write"]
    seen = pairs.run(words, [])
    assert seen.locks()[:1] == [(0, GOT)]
    assert held(seen) == [(0, True, False), (0, False, False)]


def test_a_lane_that_loses_one_of_several_locks_was_robbed(pairs: Stage) -> None:
    seen = pairs.run(
        ["open", "exclusive", "guard", "think:1", "write"],
        ["unlink"],
        script=[Until(0, "think"), Out(1), Out(0)],
    )
    assert seen.locks() == [(0, GOT), (1, LockEvent("reclaimed", 0))]
    assert held(seen) == [(0, False, True)]


# Record locks


def test_a_record_lock_is_had_by_one_process_and_let_go_by_unlock_or_close(records: Stage) -> None:
    for word in ("unlock", "close"):
        seen = records.run(
            ["open", "at_once", "think:1", "write", word],
            ["open", "at_once", "think:1", "at_once", "write"],
            [],
            script=[Until(0, "think"), Until(1, "think"), Out(0)],
        )
        assert (seen.said(1)[1], seen.said(1)[3]) == ("EAGAIN", "done")
        assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]
        assert held(seen) == [(0, True, False), (1, True, False)]
        assert seen.end.lock_owner == 1


def test_closing_any_descriptor_of_the_file_lets_a_record_lock_go(records: Stage) -> None:
    seen = records.run(
        ["open", "at_once", "open_and_close", "write"], ["open", "at_once"], [], script=[Out(0)]
    )
    assert seen.said(1)[1] == "done"
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]
    assert held(seen) == [(0, False, False)]


def test_lanes_of_one_process_do_not_keep_each_other_out_by_record_locks(records: Stage) -> None:
    script = [Until(1, "think"), Out(2)]
    words = ["open", "at_once", "think:1", "write"]
    seen = records.run([], words, ["open", "at_once", "write"], script=script)
    assert seen.said(2)[1] == "done"
    assert seen.locks() == [(1, GOT), (2, GOT)]


def test_handles_of_one_process_agree_before_they_take_the_record_lock(records: Stage) -> None:
    script = [Until(1, "think"), Out(2)]
    words = ["take", "think:4", "write", "let_go"]
    seen = records.run([], words, ["take", "write", "let_go"], script=script)
    assert seen.locks() == [(1, GOT), (1, GONE), (2, GOT), (2, GONE)]


# A directory


def test_the_maker_of_the_directory_has_the_lock_until_removal(directories: Stage) -> None:
    seen = directories.run(["make", "write", "remove"], ["make", "write"], script=[Out(0)])
    assert seen.said(0)[0] == seen.said(1)[0] == "done"
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]
    assert held(seen) == [(0, True, False), (1, True, False)]
    assert seen.end.lock_owner == 1
    assert not seen.end.inconclusive


def test_a_mkdir_that_finds_the_directory_takes_nothing(directories: Stage) -> None:
    seen = directories.run(["make", "think:1"], ["make"], script=[Until(0, "think"), Out(1)])
    assert seen.said(1) == ["EEXIST"]
    assert seen.locks() == [(0, GOT)]


def test_a_lane_that_removes_another_s_directory_reclaims_it(directories: Stage) -> None:
    seen = directories.run(
        ["make", "think:1", "write"], ["remove", "make"], script=[Until(0, "think"), Out(1)]
    )
    assert seen.locks() == [(0, GOT), (1, LockEvent("reclaimed", 0)), (1, GOT)]
    assert held(seen) == [(0, False, True)]


def test_a_poller_is_not_offered_until_the_directory_is_gone(directories: Stage) -> None:
    script = [Until(0, "think"), Out(1)]
    seen = directories.run(["take", "think:6", "let_go"], ["take", "let_go"], script=script)
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT), (1, GONE)]
    assert len([step for step in seen.steps if step.lane == 1 and step.call == "mkdir"]) == 2


def test_a_directory_of_the_dead_is_reclaimed_when_it_is_stale(directories: Stage) -> None:
    seen = directories.run(["take"], ["take", "write"], script=[Out(0)])
    assert seen.locks() == [(0, GOT), (1, LockEvent("reclaimed", 0)), (1, GOT)]


def test_its_times_are_virtual_and_it_can_be_listed(directories: Stage) -> None:
    words = ["make", "pause:500", "age", "touch", "age", "list_it", "remove"]
    first, second = (directories.run(words, []) for _ in range(2))
    assert first.events == second.events
    before, after = (int(said.removesuffix(" ms")) for said in (first.said()[2], first.said()[4]))
    assert 500 <= before < 520
    assert after < 20


def test_a_name_put_into_it_is_followed_and_no_lock(directories: Stage) -> None:
    seen = directories.run(["make", "make_inside", "write_inside"], [])
    assert "mkdir T.lock/inside" in seen.calls(0)
    assert seen.said()[2] == "EISDIR"
    assert [event.kind for _, event in seen.locks()] == ["acquired"]
    assert not seen.end.inconclusive


def test_the_session_directory_is_there_before_a_lane_makes_it(directories: Stage) -> None:
    seen = directories.run(["make_session", "write"], [])
    assert seen.said()[0] == "EEXIST"
    assert not seen.end.inconclusive


def test_any_other_directory_is_no_lock(directories: Stage) -> None:
    seen = directories.run(["make_another"], [])
    assert not seen.end.inconclusive
    assert not seen.locks()


# Files that come back


def test_a_lock_file_that_comes_back_is_its_maker_s_again(files: Stage) -> None:
    seen = files.run(
        ["make", "think:1", "write"],
        ["aside", "back"],
        [],
        script=[Until(0, "think"), Out(1)],
    )
    assert seen.locks() == [(0, GOT), (1, LockEvent("reclaimed", 0)), (1, LockEvent("returned", 0))]
    assert held(seen) == [(0, True, False)]
    assert seen.end.lock_owner == 0


def test_two_lock_files_that_change_places_and_back_leave_the_lock_with_the_first(files: Stage) -> None:
    seen = files.run(
        ["make", "think:1", "write"],
        ["prepare", "exchange", "exchange"],
        [],
        script=[Until(0, "think"), Out(1)],
    )
    assert seen.locks() == [(0, GOT), (1, LockEvent("acquired", 0)), (1, LockEvent("returned", 0))]
    assert held(seen) == [(0, True, False)]
