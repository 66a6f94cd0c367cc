"""One schedule under a gate that plays a list of steps."""

from __future__ import annotations

import errno
import random
from collections.abc import Sequence

import msgspec
import pytest

from harness.explore.schedule_runner import run_schedule
from harness.model.gate import RUN, Candidate, Outcome, Verdict
from harness.model.history import Absent, End
from harness.model.program import Fault, Filesystem, LaneProgram, Op, Program
from harness.model.schedule import Choice


class Gate:
    """A gate whose lanes have so many steps left; each step is an ordinal of operation 0."""

    name = "played"
    idle_steps = 0

    def __init__(self, *steps: int, own: Sequence[tuple[int, int]] = ()) -> None:
        self.steps = steps
        self.own = own
        self.has_own_steps = bool(own)
        self.log: list[object] = []

    def begin(self, program: Program) -> None:
        self.left = list(self.steps)
        self.log.append("begin")

    def settle(self) -> list[Candidate]:
        return [
            Candidate(lane, 0, total - left, "write", "T", True, own=(lane, total - left) in self.own)
            for lane, (total, left) in enumerate(zip(self.steps, self.left, strict=True))
            if left
        ]

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        assert verdict is RUN
        self.left[candidate.lane] -= 1
        self.log.append(candidate.lane)

    def finish(self, inconclusive: str = "") -> Outcome:
        self.log.append("finish")
        return Outcome(Absent, (End(Absent, inconclusive=inconclusive),), {})


class Picks:
    """Picks by place, and records the candidates."""

    name = about = "picks"
    sees_own_steps = False

    def __init__(self, *places: int) -> None:
        self.places = list(places)
        self.shown: list[list[int]] = []

    def begin(self, rng: random.Random, lanes: int) -> None:
        self.begun = (rng, lanes)

    def pick(self, candidates: Sequence[Candidate]) -> int:
        self.shown.append([candidate.lane for candidate in candidates])
        return self.places.pop(0) if self.places else 0

    def end(self, steps: int) -> None:
        self.ended = steps


PROGRAM = Program(tuple(LaneProgram(f"l{n}", "runner", "p", True, ()) for n in range(3)), (), Filesystem(), 0)
RNG = random.Random(1)


def test_a_schedule_ends_when_no_lane_can_step() -> None:
    gate, picks = Gate(2, 1, 1), Picks()
    outcome, schedule = run_schedule(gate, PROGRAM, picks, RNG, 100)
    assert gate.log == ["begin", 0, 0, 1, 2, "finish"]
    assert schedule.choices == (Choice(0, 0, 0), Choice(0, 0, 1), Choice(1, 0, 0), Choice(2, 0, 0))
    assert outcome.end.inconclusive == ""


def test_a_strategy_gets_a_begin_and_an_end() -> None:
    picks = Picks()
    run_schedule(Gate(2, 1, 1), PROGRAM, picks, RNG, 100)
    assert picks.begun == (RNG, 3)
    assert picks.ended == 4


def test_choice_0_is_the_last_lane_if_it_can_step() -> None:
    gate, picks = Gate(2, 2, 3), Picks(2)
    run_schedule(gate, PROGRAM, picks, RNG, 100)
    assert gate.log[1:-1] == [2, 2, 2, 0, 0, 1, 1]


def test_the_other_lanes_follow_in_order() -> None:
    picks = Picks(2, 1, 1, 2, 0, 1)
    run_schedule(Gate(3, 3, 3), PROGRAM, picks, RNG, 100)
    assert picks.shown[:6] == [[0, 1, 2], [2, 0, 1], [0, 1, 2], [1, 0, 2], [2, 0, 1], [0, 1]]


def test_a_lanes_own_steps_come_first_and_are_recorded_and_not_asked() -> None:
    gate, picks = Gate(1, 4, own=[(1, 1), (1, 2)]), Picks(1)
    _, schedule = run_schedule(gate, PROGRAM, picks, RNG, 100)
    assert gate.log[1:-1] == [1, 1, 1, 1, 0]
    assert picks.shown == [[0, 1], [1, 0], [0]]
    assert picks.ended == 3
    assert len(schedule.choices) == 5


def test_a_strategy_that_sees_own_steps_is_asked_about_them() -> None:
    gate, picks = Gate(1, 4, own=[(1, 1), (1, 2)]), Picks(1, 1)
    picks.sees_own_steps = True
    run_schedule(gate, PROGRAM, picks, RNG, 100)
    assert gate.log[1:-1] == [1, 0, 1, 1, 1]


def test_own_steps_without_end_do_not_keep_the_others_waiting() -> None:
    gate, picks = Gate(1, 3000, own=[(1, step) for step in range(3000)]), Picks(1)
    run_schedule(gate, PROGRAM, picks, RNG, 4000)
    assert gate.log[1:-1].index(0) == 1000


def test_a_schedule_with_too_many_steps_is_inconclusive() -> None:
    gate, picks = Gate(5, 5, 5), Picks()
    outcome, schedule = run_schedule(gate, PROGRAM, picks, RNG, 7)
    assert outcome.end.inconclusive == "not over after 7 steps, the steps_max of its scenario"
    assert len(schedule.choices) == picks.ended == 7


def test_a_schedule_with_the_most_steps_is_conclusive() -> None:
    outcome, schedule = run_schedule(Gate(3, 3, 1), PROGRAM, Picks(), RNG, 7)
    assert outcome.end.inconclusive == ""
    assert len(schedule.choices) == 7


def test_a_schedule_may_have_no_steps() -> None:
    outcome, schedule = run_schedule(Gate(0, 0, 0), PROGRAM, Picks(), RNG, 7)
    assert schedule.choices == ()
    assert outcome.end == End(Absent)


def test_a_pick_out_of_range_is_an_error() -> None:
    with pytest.raises(IndexError):
        run_schedule(Gate(1, 1, 1), PROGRAM, Picks(3), RNG, 7)


class Faulty(Gate):
    """Records the verdict on each step."""

    def begin(self, program: Program) -> None:
        super().begin(program)
        self.told: list[Verdict] = []

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        self.told.append(verdict)
        super().grant(candidate)


def test_a_fault_of_the_program_becomes_the_gates_verdict() -> None:
    faults = (Fault("write", "ENOSPC", 7), Fault("write", "EIO", nth=3))
    lanes = (LaneProgram("l0", "runner", "p", True, (Op("append", faults=faults),)), *PROGRAM.lanes[1:])
    gate = Faulty(4, 1, 0)
    program = msgspec.structs.replace(PROGRAM, lanes=lanes)
    for _ in range(2):
        # The second schedule is the same, because nothing is kept from the first.
        run_schedule(gate, program, Picks(1), RNG, 100)
        assert gate.told == [
            *(RUN, Verdict("short", keep_permille=7), Verdict("fail", errno.ENOSPC)),
            *(Verdict("fail", errno.EIO), RUN),
        ]


def test_a_program_without_faults_runs_as_it_is() -> None:
    gate = Faulty(2, 1, 0)
    run_schedule(gate, PROGRAM, Picks(), RNG, 100)
    assert all(verdict is RUN for verdict in gate.told)
