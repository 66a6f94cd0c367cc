"""Lanes that share a process are its threads: one that waits for another sleeps until it may go on."""

from __future__ import annotations

import time

import pytest

from harness.gates.kernel.lane import Worker
from harness.gates.kernel.process_scheduler import ProcessScheduler
from harness.gates.kernel.single_process import SingleProcess
from harness.model.history import Return
from tests.harness.gates.kernel.changing import Changing
from tests.harness.gates.kernel.sharing import Sharing
from tests.harness.gates.kernel.stage import INITIAL, Out, Stage
from tests.patience import at_some_patience

pytestmark = pytest.mark.requires("kernel-gate")

WRITE = ["openat T", "write T", "close T"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Lanes 0 and 1 share a process, lane 2 has its own."""
    with Stage(tmp_path_factory.mktemp("threads"), Sharing, ["p", "p", "q"]) as stage:
        yield stage


def test_lanes_of_a_process_share_its_state_and_others_do_not(stage: Stage) -> None:
    seen = stage.run(["count", "look", "count"], ["count"], ["count"])
    assert sorted(seen.said(0) + seen.said(1)) == ["", "1", "2", "3"]
    assert seen.said(2) == ["1"]


def test_the_state_of_a_process_is_gone_with_the_schedule(stage: Stage) -> None:
    for _ in range(3):
        assert stage.run(["count"], [], ["count"]).said(0) == ["1"]


def test_threads_of_one_process_step_as_the_strategy_says(stage: Stage) -> None:
    seen = stage.run(["write"], ["write"], ["write"], script=[0, 1, 2, 1, 0, 0, 1, 2, 2])
    assert [(step.lane, step.call) for step in seen.steps] == [
        *((0, "openat"), (1, "openat"), (2, "openat"), (1, "write"), (0, "write")),
        *((0, "close"), (1, "close"), (2, "write"), (2, "close")),
    ]
    assert [content for _, _, content in seen.changes()][-1] == INITIAL + b"lane1\nlane0\nlane2\n"


def test_a_lane_sleeps_until_a_lock_in_memory_is_free(stage: Stage) -> None:
    seen = stage.run(["under_lock"], ["under_lock"], ["write"], script=[2, 0, 2, 0, 2, 0])
    assert not seen.end.inconclusive
    assert not seen.end.waiting
    assert seen.calls(1) == WRITE
    lanes = [[candidate.lane for candidate in some] for some in seen.strategy.offered]  # type: ignore[attr-defined]
    # Lane 1 is offered from the moment that lane 0 has closed the file and let the lock go.
    assert [1 in some for some in lanes] == [False] * 6 + [True] * 3


def test_waiting_for_a_neighbour_is_the_same_every_time(stage: Stage) -> None:
    # A thread that lets a lock go and asks for it again at once races with the one that it woke, in no order.
    words = (["under_lock", "write"], ["under_lock", "write"], ["write"])
    script = [0, 2, 0, 0, 1, 0, 1, 1, 0]
    first = stage.run(*words, script=script)
    assert [step.lane for step in first.steps[:9]] == script
    assert len(first.steps) == 15
    for _ in range(49):
        assert stage.run(*words, script=script).events == first.events


def test_two_locks_in_opposite_order_are_a_dead_end(stage: Stage) -> None:
    pids = stage.gate.pids()
    seen = stage.run(["a_then_b"], ["b_then_a"], ["write"], script=[0, 1])
    why = "it sleeps in the kernel, and no lane is left to wake it"
    assert seen.end.waiting == ((0, why), (1, why))
    assert not seen.end.inconclusive
    assert seen.calls(2) == WRITE
    # The process cannot be used any more; the other one can.
    stage.run([], [], [])
    assert stage.gate.pids()["p"] != pids["p"]
    assert stage.gate.pids()["q"] == pids["q"]
    seen = stage.run(["a_then_b", "write"], ["under_lock"], ["write"], script=[Out(0)])
    assert not seen.end.waiting


def test_a_lane_that_stands_with_the_interpreter_s_lock_stops_its_neighbour(stage: Stage) -> None:
    words = (["under_gil", "write"], ["write"], ["write"])
    first = stage.run(*words, script=[2, 2, 0])
    assert not first.end.inconclusive
    assert not first.end.waiting
    assert first.calls(0) == ["access T", "access T", *WRITE]
    assert first.calls(1) == WRITE
    for _ in range(9):
        assert stage.run(*words, script=[2, 2, 0]).events == first.events


def test_a_reader_of_an_empty_pipe_sleeps_until_somebody_writes(stage: Stage) -> None:
    seen = stage.run(["read_pipe", "look"], ["look", "write_pipe"], ["look"])
    assert seen.said(0) == ["hello", ""]
    # Lane 0 came to its look only after lane 1 had gone through its own.
    assert [step.lane for step in seen.steps if step.lane != 2] == [1, 0]


def test_a_reader_of_a_pipe_without_writers_is_left_waiting(stage: Stage) -> None:
    seen = stage.run(["read_pipe"], ["look"], ["look"])
    assert [lane for lane, _ in seen.end.waiting] == [0]
    assert seen.outcomes(1) == seen.outcomes(2) == ["ok"]


def test_a_flag_wakes_a_neighbour_that_waits_for_it(stage: Stage) -> None:
    seen = stage.run(["wait_for_flag", "write"], ["write", "set_flag", "write"], [])
    assert seen.said(0) == ["True", ""]
    assert not seen.end.waiting
    assert [step.lane for step in seen.steps[:3]] == [1, 1, 1]


def test_a_neighbour_that_ends_without_another_call_is_noticed(stage: Stage) -> None:
    seen = stage.run(["wait_for_flag"], ["write", "set_flag", "look", "look"], [])
    assert seen.said(0) == ["True"]
    # In the step that woke it, and not at the end.
    returns = [event.lane for event in seen.events if isinstance(event, Return)]
    assert returns.index(0) < returns.index(1, 2)


def test_a_thread_that_only_computes_is_let_be(stage: Stage) -> None:
    seen = stage.run(["thread_computes", "write"], ["write"], [])
    assert not seen.end.inconclusive
    assert seen.said(0) == ["19999900000", ""]


def test_a_thread_may_look_around_outside(stage: Stage) -> None:
    seen = stage.run(["thread_looks_outside"], [], [])
    assert not seen.end.inconclusive
    assert seen.said(0) == ["looked"]


def test_a_thread_that_writes_to_the_transcript_makes_the_truth_unknown(stage: Stage) -> None:
    seen = stage.run(["thread_writes"], [], [])
    assert "thread of process p" in seen.end.inconclusive
    assert not stage.run(["write"], [], []).end.inconclusive


def test_a_thread_that_sleeps_for_ever_is_no_dead_end(stage: Stage) -> None:
    seen = stage.run(["thread_stays", "write"], ["write"], [])
    assert not seen.end.waiting
    assert not seen.end.inconclusive
    assert seen.outcomes(0) == ["ok", "ok"]


def test_a_wait_that_real_time_ends_is_waited_for(stage: Stage) -> None:
    for word in ("timed_wait", "wait_with_a_child"):
        seen = stage.run([word, "look"], [], ["write"])
        assert seen.said(0) == ["False", ""]
        assert not seen.end.waiting
        assert not seen.end.inconclusive


def test_a_lane_whose_last_operation_real_time_ends_has_said_so(stage: Stage) -> None:
    for word in ("timed_wait", "wait_with_a_child"):
        assert stage.run([word], [], ["write"]).said(0) == ["False"]


def test_real_time_waits_of_any_length_are_no_dead_end(stage: Stage) -> None:
    for number in range(30):
        seen = stage.run(["timed_wait"], ["look"] * (number % 4), ["write"] * (number % 3))
        assert seen.said(0) == ["False"]
        assert not seen.end.waiting


@pytest.mark.parametrize(
    ("waiter", "proof", "word"),
    [(SingleProcess, "_sleeps", "long_wait"), (ProcessScheduler, "_prove", "wait_with_a_child")],
)
def test_a_wait_that_ends_right_after_the_proof_is_no_dead_end(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    waiter: type[SingleProcess] | type[ProcessScheduler],
    proof: str,
    word: str,
) -> None:
    prove, outwait, late = getattr(waiter, proof), waiter.outwait, []

    def outwait_late(self: object, worker: Worker) -> object:
        late.append(worker)
        return outwait(self, worker)

    def prove_late(self: object, worker: Worker) -> object:
        found = prove(self, worker)
        if late:
            time.sleep(0.25)
        return found

    monkeypatch.setattr(waiter, "outwait", outwait_late)
    monkeypatch.setattr(waiter, proof, prove_late)
    seen = stage.run([word], [], ["write"])
    assert seen.said(0) == ["False"]
    assert not seen.end.waiting


def test_a_lane_that_never_stops_is_given_up_and_replaced(tmp_path) -> None:
    def spins(limit_s: float) -> None:
        folder = tmp_path / f"{limit_s}"
        folder.mkdir()
        with Stage(folder, Sharing, ["p", "p", "q"], wall_limit_s=limit_s) as stage:
            seen = stage.run(["spin"], [], ["write"])
            assert "did not stop" in seen.end.inconclusive
            seen = stage.run(["write"], ["write"], ["write"])
            assert not seen.end.inconclusive
            assert len(seen.steps) == 9

    at_some_patience(spins)


def test_a_signal_does_not_repeat_the_call_that_it_falls_into(stage: Stage) -> None:
    seen = stage.run(["interrupted"], [], [])
    assert not seen.end.inconclusive
    assert seen.said(0) == ["1"]
    assert seen.calls(0) == ["newfstatat T"]


def test_a_store_through_a_neighbour_s_mapping_is_the_store_s_lane(tmp_path) -> None:
    with Stage(tmp_path, Changing, ["p", "p"]) as stage:
        seen = stage.run(["share_mapping"], ["store_shared"], script=[Out(0)])
    assert not seen.end.inconclusive
    assert seen.calls(1) == ["newfstatat T"] * 2
    assert seen.changes() == [(1, "newfstatat", b"X" + INITIAL[1:])]
