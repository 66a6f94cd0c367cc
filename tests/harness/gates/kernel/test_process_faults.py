"""Processes that are killed, stopped or slowed down at a step, and time that runs ahead."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import msgspec
import psutil
import pytest

from harness.model.history import Invoke, LockEvent, Return, Step
from harness.model.program import Fault, Program
from tests.harness.gates.kernel.locking import Flocking, Polling
from tests.harness.gates.kernel.process_groups import Crowding
from tests.harness.gates.kernel.stage import INITIAL, Out, Scripted, Seen, Stage, program_of
from tests.harness.gates.kernel.test_faults import Writing
from tests.harness.gates.kernel.words import Words

pytestmark = pytest.mark.requires("kernel-gate")

GOT, GONE = LockEvent("acquired"), LockEvent("released")
S_NS = 1_000_000_000


def killed(nth: int = 1, call: str = "", keep: int = -1) -> Fault:
    return Fault(call, keep_permille=keep, nth=nth, file="any", kill=True)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two lanes in one process, and one in another."""
    with Stage(tmp_path_factory.mktemp("mishaps"), Writing, ["p", "p", "q"]) as stage:
        yield stage


@pytest.fixture(scope="module")
def flocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("flocks"), Flocking, ["p", "q"]) as stage:
        yield stage


@pytest.fixture(scope="module")
def sidecars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("sidecars"), Polling, ["p", "q"]) as stage:
        yield stage


def planned(stage: Stage, words: Sequence[Sequence[str]], *faults: Fault, op: int = 0) -> Program:
    """Lane 0 has the faults in one of its operations."""
    program = program_of(stage.lanes, words)
    first = program.lanes[0]
    ops = [
        msgspec.structs.replace(one, faults=faults) if number == op else one
        for number, one in enumerate(first.ops)
    ]
    first = msgspec.structs.replace(first, ops=tuple(ops))
    return msgspec.structs.replace(program, lanes=(first, *program.lanes[1:]))


def told(seen: Seen) -> list[str]:
    """Return lane, call and path of each step; without a path its note."""
    return [f"{step.lane} {step.call} {step.path or step.note}".rstrip() for step in seen.steps]


def returned(seen: Seen) -> list[tuple[int, int]]:
    return [(event.lane, event.op) for event in seen.events if isinstance(event, Return)]


def lasting(seen: Seen) -> int:
    """Nanoseconds of virtual time between two words that tell it."""
    first, *_, last = [int(detail) for detail in seen.said(0) if detail]
    return last - first


# Killed


def test_a_killed_process_takes_no_further_step_with_any_of_its_lanes(stage: Stage) -> None:
    words = (["append_all", "append_all"], ["append_all"], ["append_all"])
    seen = stage.play(planned(stage, words, killed(2)), Scripted([1, 0, 0]))
    assert told(seen)[:3] == ["1 openat T", "0 openat T", "0 kill before write T"]
    assert {step.lane for step in seen.steps[3:]} == {2}
    assert returned(seen) == [(2, 0)]
    assert (seen.end.inconclusive, seen.end.waiting) == ("", ())
    assert stage.path.read_bytes() == INITIAL + Writing.DATA


def test_a_killed_process_is_replaced_before_the_next_schedule(stage: Stage) -> None:
    words: tuple[list[str], ...] = (["append_all"], ["append_all"], ["append_all"])
    plain = stage.play(program_of(stage.lanes, words), Scripted())
    before = dict(stage.gate.pids())
    stage.play(planned(stage, words, killed(1)), Scripted())
    assert not psutil.pid_exists(before["p"])
    again = stage.play(program_of(stage.lanes, words), Scripted())
    assert again.events == plain.events
    after = stage.gate.pids()
    assert (after["p"] != before["p"], after["q"] == before["q"]) == (True, True)


@pytest.mark.parametrize(("keep", "count"), [(0, 1), (500, 5), (999, 10)])
def test_a_process_can_be_killed_in_the_midst_of_its_write(stage: Stage, keep: int, count: int) -> None:
    words: tuple[list[str], ...] = (["append_all"], [], ["look"])
    seen = stage.play(planned(stage, words, killed(1, "write", keep)), Scripted())
    (step,) = [step for step in seen.steps if step.fault]
    assert (step.call, step.path, step.fault, step.note) == ("write", "T", "kill", f"{count} of 11 bytes")
    assert seen.changes() == [(0, "write", INITIAL + Writing.DATA[:count])]
    assert returned(seen) == [(2, 0)]
    assert stage.path.read_bytes() == INITIAL + Writing.DATA[:count]


def test_one_byte_is_written_by_the_killed_or_not(stage: Stage) -> None:
    words: tuple[list[str], ...] = (["write_one_byte"], [], [])
    seen = stage.play(planned(stage, words, killed(1, "write", 500)), Scripted())
    assert told(seen)[-1] == "0 kill before write T"
    assert seen.changes() == []


def test_a_lane_that_thinks_or_sleeps_can_be_killed(stage: Stage) -> None:
    for word, why in (("think:3", "it thinks"), ("pause:50", "it goes on")):
        words = ([word, "append_all"], [], ["pause:90", "look"])
        seen = stage.play(planned(stage, words, killed(1)), Scripted())
        assert told(seen)[0] == f"0 kill before {why}"
        assert returned(seen) == [(2, 0), (2, 1)]


def test_lanes_that_ended_before_the_kill_stay_so(stage: Stage) -> None:
    """The neighbour had ended its program, and the killed lane its first operation."""
    words: tuple[list[str], ...] = (["append_all", "look"], ["look"], [])
    seen = stage.play(planned(stage, words, killed(1), op=1), Scripted([Out(1)]))
    assert returned(seen) == [(1, 0), (0, 0)]
    assert not seen.end.waiting


def test_the_kernel_lets_an_flock_of_the_killed_go(flocks: Stage) -> None:
    words = (["open", "exclusive", "write"], ["open", "exclusive", "write"])
    seen = flocks.play(planned(flocks, words, killed(1), op=2), Scripted([0, 0, 1]))
    assert seen.locks() == [(0, GOT), (0, GONE), (1, GOT)]
    (step,) = [step for step in seen.steps if step.fault]
    assert step.lock == GONE
    assert seen.end.lock_owner == 1


def test_a_kill_readies_a_waiter_for_the_flock_at_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Stage(tmp_path_factory.mktemp("waiting"), Flocking, ["p", "q", "r"]) as stage:
        words = (["open", "exclusive", "think:1"], ["open", "exclusive"], ["think:3"])
        seen = stage.play(planned(stage, words, killed(1), op=2), Scripted([0, 0, 1, 0]))
    offered = [[one.lane for one in there] for there in seen.strategy.offered]  # type: ignore[attr-defined]
    assert offered[3:5] == [[0, 2], [1, 2]]


class Keeping(Words):
    """Has a file open while it loses its name."""

    def open(self) -> None:
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def unlink(self) -> None:
        os.unlink(self.path)

    def make(self) -> str:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            return str(os.fstat(fd).st_ino)
        finally:
            os.close(fd)


@pytest.mark.parametrize("dies", [True, False])
def test_the_number_of_a_file_that_only_the_killed_had_open_is_free(
    tmp_path_factory: pytest.TempPathFactory, dies: bool
) -> None:
    with Stage(tmp_path_factory.mktemp("numbers"), Keeping, ["p", "q"]) as stage:
        words = (["open", "think:1"], ["make", "unlink", "think:1", "make"])
        program = planned(stage, words, *([killed(1)] if dies else []), op=1)
        seen = stage.play(program, Scripted([0, 1, 1, 1, 1, 0]))
    first, *_, last = [detail for detail in seen.said(1) if detail]
    assert (first == last) is dies
    # It is another file all the same.
    assert [step.change.after.file for step in seen.steps if step.change] == [None, "f1"]


def test_a_lock_file_of_the_killed_stays_until_somebody_reclaims_it(sidecars: Stage) -> None:
    words = (["take", "write"], ["take", "write", "let_go"])
    seen = sidecars.play(planned(sidecars, words, killed(1), op=1), Scripted([0, 0, 0]))
    assert seen.locks() == [(0, GOT), (1, LockEvent("reclaimed", 0)), (1, GOT), (1, GONE)]
    assert seen.outcomes(1) == ["ok", "ok", "ok"]
    alone = sidecars.play(planned(sidecars, (["take", "write"], []), killed(1), op=1), Scripted())
    assert (alone.end.lock_owner, alone.end.waiting) == (0, ())


def test_a_process_is_killed_with_all_that_it_started(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Stage(tmp_path_factory.mktemp("family"), Crowding, ["p", "q"]) as stage:
        program = planned(stage, (["flocks"], []), killed(1))
        before = stage.play(program_of(stage.lanes, ([], [])), Scripted()).events
        seen = stage.play(program, Scripted())
        assert [step.fault for step in seen.steps] == ["kill"]
        assert seen.end.inconclusive == ""
        ours = psutil.Process().children(recursive=True)
        assert [one for one in ours if one.name() in ("sh", "bash", "flock")] == []
        assert stage.play(program_of(stage.lanes, ([], [])), Scripted()).events == before


# Stopped, slow, ahead


def test_no_lane_of_a_stopped_process_is_offered_before_its_time(stage: Stage) -> None:
    words = (["append_all"], ["look"], ["look", "pause:3000", "look"])
    fault = Fault(nth=2, file="any", stop_ms=5000)
    seen = stage.play(planned(stage, words, fault), Scripted([0, 0]))
    assert told(seen)[1] == "0 stop 5000 ms before write T"
    # The other process looks, sleeps for 3 s and looks again, all in that time.
    assert [step.lane for step in seen.steps] == [0, 0, 2, 2, 2, 0, 0, 1]
    offered = seen.strategy.offered  # type: ignore[attr-defined]
    assert [[one.lane for one in there] for there in offered[2:6]] == [[2], [2], [2], [0, 1]]
    assert len(returned(seen)) == 5


def test_neighbours_of_a_lane_in_a_slow_call_go_on(stage: Stage) -> None:
    words: tuple[list[str], ...] = (["append_all"], ["look"], [])
    seen = stage.play(planned(stage, words, Fault(file="any", slow_ms=100)), Scripted([0]))
    assert told(seen) == [
        "0 slow 100 ms before openat T", "1 newfstatat T", "0 openat T",
        "0 slow 100 ms before write T", "0 write T",
        "0 slow 100 ms before close T", "0 close T",
    ]  # fmt: skip


def test_a_slow_call_is_over_when_its_time_is(sidecars: Stage) -> None:
    """The clock that a lane reads right after the call is later by what the call took."""
    words: tuple[list[str], ...] = (["take", "take_late"], [])
    for fault in (Fault("openat", file="lock", slow_ms=700), Fault("openat", file="lock", ahead_ms=700)):
        seen = sidecars.play(planned(sidecars, (["take_late"], []), fault), Scripted())
        took_ms = int(seen.said()[0].rpartition(" ")[2])
        assert 700 <= took_ms < 710, words


def test_time_that_runs_ahead_wakes_sleepers(stage: Stage) -> None:
    words = (["append_all"], [], ["pause:60000", "look"])
    seen = stage.play(planned(stage, words, Fault(nth=1, file="any", ahead_ms=61_000)), Scripted([0, 2, 2]))
    assert told(seen)[0] == "0 ahead 61000 ms before openat T"
    assert [step.lane for step in seen.steps[1:3]] == [2, 2]


def test_a_stopped_process_does_not_take_a_lock_that_is_free(flocks: Stage) -> None:
    words = (["open", "exclusive", "write", "unlock"], ["open", "exclusive", "unlock"])
    fault = Fault("flock", file="any", stop_ms=1000)
    seen = flocks.play(planned(flocks, words, fault, op=1), Scripted([0, 0]))
    assert [lane for lane, lock in seen.locks() if lock == GOT] == [1, 0]
    assert seen.outcomes(0) == ["ok"] * 4


# Interrupted


def test_a_wait_for_an_flock_can_be_interrupted_and_python_asks_again(flocks: Stage) -> None:
    words = (["open", "exclusive", "write"], ["open", "exclusive", "think:1", "unlock"])
    program = planned(flocks, words, Fault("flock", "EINTR", file="lock"), op=1)
    seen = flocks.play(program, Scripted([1, 1, Out(0), 1, 1]))
    tries = [(step.fault, step.lock) for step in seen.steps if step.lane == 0 and step.call == "flock"]
    assert tries == [("EINTR", None), ("", GOT)]
    assert len(returned(seen)) == 7


def test_an_flock_that_need_not_wait_is_not_interrupted(flocks: Stage) -> None:
    words = (["open", "exclusive", "write"], [])
    program = planned(flocks, words, Fault("flock", "EINTR", file="lock"), op=1)
    seen = flocks.play(program, Scripted())
    assert [(step.fault, step.lock) for step in seen.steps if step.call == "flock"] == [("", GOT)]


# All of them


@pytest.mark.parametrize(
    "fault",
    [
        killed(2),
        killed(1, "write", 300),
        Fault(nth=2, file="any", stop_ms=40),
        Fault(file="any", slow_ms=3),
        Fault(nth=1, file="any", ahead_ms=4000),
    ],
    ids=["kill", "torn", "stop", "slow", "ahead"],
)
def test_the_same_program_meets_the_same_mishaps(stage: Stage, fault: Fault) -> None:
    words = (["append_all", "look"], ["look", "append_all"], ["pause:10", "append_all"])
    program = planned(stage, words, fault)
    histories = [stage.play(program, Scripted([1, 0])).events for _ in range(3)]
    assert histories[0] == histories[1] == histories[2]
    assert sum(1 for event in histories[0] if isinstance(event, Step) and event.fault)
    assert len([event for event in histories[0] if isinstance(event, Invoke)]) >= 3
    assert os.listdir(stage.directory) == ["transcript.jsonl"]
