"""A lane that waits for an flock is not ready, and no lane waits in the kernel."""

from __future__ import annotations

import pytest

from harness.model.history import LockEvent
from tests.harness.gates.kernel.locking import Flocking
from tests.harness.gates.kernel.stage import Out, Seen, Stage

pytestmark = pytest.mark.requires("kernel-gate")

GOT, GONE, BLOCKED = LockEvent("acquired"), LockEvent("released"), LockEvent("blocked")
SHARED = LockEvent("shared")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("flocks"), Flocking, ["p", "q", "q"]) as stage:
        yield stage


def waited(seen: Seen, lane: int) -> int:
    """Steps of the others between a lane's standing before its flock and its having it."""
    at = next(i for i, step in enumerate(seen.steps) if step.lane == lane and step.call == "flock")
    before = max(i for i, step in enumerate(seen.steps[:at]) if step.lane == lane)
    return at - before - 1


def test_a_waiting_lane_is_not_offered_until_the_lock_is_free(stage: Stage) -> None:
    seen = stage.run(
        ["open", "exclusive", "think:3", "unlock", "write"], ["open", "exclusive", "write"], [],
        script=[0, 0, Out(1), 0, 0, 0, 0, 1],
    )  # fmt: skip
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]
    assert waited(seen, 1) == 4
    offered = seen.strategy.offered[3:7]  # type: ignore[attr-defined]
    assert [[candidate.lane for candidate in candidates] for candidates in offered] == [[0]] * 4
    assert seen.end.lock_owner == 1
    assert [step.change.held for step in seen.steps if step.change] == [True, False]


def test_the_strategy_chooses_which_waiter_gets_a_free_lock(stage: Stage) -> None:
    for first, second in ((1, 2), (2, 1)):
        script = [0, 0, Out(1), Out(2), 0, 0, first]
        words = ["open", "exclusive", "close"]
        seen = stage.run(["open", "exclusive", "think:1", "unlock"], words, words, script=script)
        assert [lane for lane, lock in seen.locks() if lock == GOT] == [0, first, second]
        assert not seen.end.waiting


def test_closing_the_descriptor_lets_the_lock_go(stage: Stage) -> None:
    for word in ("close", "over"):
        words = ["open", "exclusive", "think:1", word]
        seen = stage.run(words, ["open", "exclusive"], [], script=[0, 0, Out(1)])
        assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)], word


def test_a_lane_that_will_not_wait_is_told_at_once(stage: Stage) -> None:
    seen = stage.run(["open", "exclusive", "think:2"], ["open", "at_once"], [], script=[0, 0, Out(1)])
    assert seen.said(1) == ["", "EAGAIN"]
    assert seen.locks() == [(0, GOT)]
    seen = stage.run(["open", "exclusive", "unlock"], ["open", "at_once"], [], script=[Out(0)])
    assert seen.said(1) == ["", "had"]
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]


def test_readers_share_and_a_writer_waits_for_all_of_them(stage: Stage) -> None:
    reads = ["open", "shared", "think:1", "unlock"]
    seen = stage.run(reads, reads, ["open", "exclusive"], script=[0, 0, 1, 1, Out(2), Out(0), Out(1)])
    assert [step.lane for step in seen.steps if step.call == "flock"] == [0, 1, 0, 1, 2]
    assert seen.locks() == [(0, SHARED), (1, SHARED), (0, GONE), (1, GONE), (2, GOT)]


def test_a_copy_of_the_descriptor_keeps_the_lock(stage: Stage) -> None:
    words = ["open", "exclusive", "duplicate", "close", "think:2", "close_other"]
    seen = stage.run(words, ["open", "exclusive", "write"], [], script=[0, 0, 0, Out(1)])
    assert not seen.end.inconclusive
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]
    closes = [at for at, step in enumerate(seen.steps) if step.call == "close" and step.lane == 0]
    assert seen.steps[closes[1]].lock == GONE


def test_a_lane_that_asks_twice_waits_for_itself_and_that_is_a_dead_end(stage: Stage) -> None:
    seen = stage.run(["open", "exclusive", "again"], ["write"], [])
    assert seen.locks() == [(0, GOT), (0, BLOCKED)]
    assert seen.end.waiting == ((0, "it waits for the flock on T.flock"),)
    assert seen.outcomes(1) == ["ok"]
    assert not seen.end.inconclusive


def test_a_lock_that_is_never_let_go_leaves_the_other_waiting(stage: Stage) -> None:
    seen = stage.run(["open", "exclusive"], ["open", "exclusive"], [], script=[Out(0)])
    assert seen.locks() == [(0, GOT), (1, BLOCKED)]
    assert seen.end.waiting == ((1, "it waits for the flock on T.flock"),)
    assert seen.end.lock_owner == 0


def test_the_next_schedule_starts_with_a_free_lock(stage: Stage) -> None:
    stage.run(["open", "exclusive"], ["open", "exclusive"], [], script=[Out(0)])
    seen = stage.run(["write"], ["open", "exclusive"], [])
    assert seen.locks() == [(1, GOT)]
    assert not seen.end.waiting


def test_a_process_that_keeps_the_lock_is_replaced(stage: Stage) -> None:
    stage.run(["open", "exclusive", "unlock"], ["write"], [])
    before = dict(stage.gate.pids())
    stage.run(["open", "exclusive"], ["write"], [])
    stage.run(["write"], ["write"], [])
    after = stage.gate.pids()
    assert (after["p"] != before["p"], after["q"] == before["q"]) == (True, True)


def test_a_wrong_operation_is_refused_as_the_kernel_does(stage: Stage) -> None:
    assert stage.run(["open", "bad"], [], []).said() == ["", "EINVAL"]
