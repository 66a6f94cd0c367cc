"""Each step belongs to its lane and operation, and is shown before it is taken."""

from __future__ import annotations

import errno
import os

import pytest

from harness.model.gate import Verdict
from harness.model.history import End, Invoke, Return, Step
from harness.model.schedule import Choice
from tests.harness.gates.kernel.call_names import FSTAT
from tests.harness.gates.kernel.changing import Changing
from tests.harness.gates.kernel.stage import INITIAL, Out, Scripted, Stage, Until, as_explorer, program_of

pytestmark = pytest.mark.requires("kernel-gate")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("steps"), Changing, ["p", "q"]) as stage:
        yield stage


def test_steps_come_in_the_order_in_which_they_were_picked(stage: Stage) -> None:
    script = [1, 0, 1, 1, 0, 0, 1]
    seen = stage.run(["write"], ["pwrite", "truncate"], script=script)
    assert [step.lane for step in seen.steps] == script
    assert seen.calls() == [
        *("openat T", "openat T", "pwrite64 T", "close T", "write T", "close T", "truncate T")
    ]
    contents = [content for _, _, content in seen.changes()]
    assert contents == [b"aaaa\nXXbb\n", b"aaaa\nXXbb\ncccc\n", b"aaaa\n"]


def test_each_change_begins_where_the_last_one_ended(stage: Stage) -> None:
    seen = stage.run(
        ["write", "unlink_and_create"], ["rename_over", "open_truncating"], script=[0, 1, 0, 1, 1, 1]
    )
    state = seen.outcome.initial
    for step in seen.steps:
        if step.change is not None:
            assert step.change.before == state
            assert step.change.after != state
            state = step.change.after
    assert seen.end.final == state
    assert seen.outcome.blobs[seen.outcome.initial.content] == INITIAL


def test_operations_begin_and_end_around_their_steps(stage: Stage) -> None:
    seen = stage.run(["write", "think:2", "truncate"], ["read"], script=[Out(0)])
    told = []
    for event in seen.events:
        if not isinstance(event, End) and event.lane == 0:
            told.append((event.op, "step" if isinstance(event, Step) else type(event).__name__.lower()))
    assert told == [
        *((0, "invoke"), (0, "step"), (0, "step"), (0, "step"), (0, "return")),
        *((1, "invoke"), (1, "step"), (1, "step"), (1, "return")),
        *((2, "invoke"), (2, "step"), (2, "return")),
    ]
    for event in seen.events:
        if isinstance(event, Invoke) and event.op == 0:
            assert event.entries == ((["write", "read"][event.lane], "user"),)
            assert event.kind == "append"


def test_an_operation_that_makes_no_call_is_there_all_the_same(stage: Stage) -> None:
    seen = stage.run(["think:0", "write"], [])
    assert seen.invoked() == [(0, 0), (0, 1)]
    assert seen.outcomes() == ["ok", "ok"]
    assert len(seen.steps) == 3


def test_a_lane_without_a_program_is_never_offered(stage: Stage) -> None:
    seen = stage.run([], [])
    assert seen.events == (End(seen.outcome.initial),)
    assert not seen.strategy.offered  # type: ignore[attr-defined]


def test_candidates_name_the_next_call_and_whether_it_writes(stage: Stage) -> None:
    seen = stage.run(["read", "write", "think:1", "pause:5"], [])
    shown = [candidates[0] for candidates in seen.strategy.offered]  # type: ignore[attr-defined]
    assert [(c.op, c.ordinal, f"{c.call} {c.path}".rstrip(), c.writes) for c in shown] == [
        *((0, 0, "openat T", False), (0, 1, "read T", False), (0, 2, "lseek T", False)),
        *((0, 3, "fsync T", False), (0, 4, "close T", False), (0, 5, "access T", False)),
        *((0, 6, "openat .", False), (0, 7, f"{FSTAT} .", False)),
        *((0, 8, "getdents64 .", False), (0, 9, "getdents64 .", False), (0, 10, "close .", False)),
        *((1, 0, "openat T", True), (1, 1, "write T", True), (1, 2, "close T", False)),
        *((2, 0, "think", False), (3, 0, "sleep", False)),
    ]
    assert seen.schedule.choices == tuple(Choice(0, c.op, c.ordinal) for c in shown)


def test_reading_changes_nothing(stage: Stage) -> None:
    seen = stage.run(["read"], [])
    assert not seen.changes()
    assert seen.end.final == seen.outcome.initial


def test_the_lane_that_stepped_last_comes_first(stage: Stage) -> None:
    seen = stage.run(["write"], ["write"], script=[1, 1, 0, 1])
    offered = seen.strategy.offered  # type: ignore[attr-defined]
    assert [[candidate.lane for candidate in candidates] for candidates in offered] == [
        *([0, 1], [1, 0], [1, 0], [0, 1], [0], [0])
    ]


def test_a_call_that_is_not_granted_does_not_happen(stage: Stage) -> None:
    """Lane 1 stands before its truncation for as long as it is not let go."""
    seen = stage.run(["write", "write"], ["truncate"], script=[Out(0)])
    assert [lane for lane, _, _ in seen.changes()] == [0, 0, 1]
    assert [content for _, _, content in seen.changes()] == [
        INITIAL + b"cccc\n",
        INITIAL + b"cccc\ncccc\n",
        b"aaaa\n",
    ]


def test_a_step_can_be_made_to_fail(stage: Stage) -> None:
    strategy = Scripted()
    with as_explorer(stage.core):
        stage.gate.begin(program_of(stage.lanes, [["write"], []]))
        strategy.begin(None, 2)  # type: ignore[arg-type]
        (first,) = stage.gate.settle()
        stage.gate.grant(first)
        (second,) = stage.gate.settle()
        assert second.call == "write"
        stage.gate.grant(second, Verdict("fail", errno.ENOSPC))
        assert stage.gate.settle() == []
        outcome = stage.gate.finish()
    steps = [event for event in outcome.events if isinstance(event, Step)]
    assert [(step.call, step.fault, step.change) for step in steps] == [
        ("openat", "", None),
        ("write", "ENOSPC", None),
    ]
    (returned,) = [event for event in outcome.events if isinstance(event, Return)]
    assert returned.outcome == "crash"
    assert "No space left" in returned.detail
    assert stage.path.read_bytes() == INITIAL


def test_too_many_steps_are_said(stage: Stage) -> None:
    from harness.explore.schedule_runner import run_schedule

    with as_explorer(stage.core):
        outcome, schedule = run_schedule(
            stage.gate, program_of(stage.lanes, [["write"] * 5, []]), Scripted(), None, 7
        )
    assert outcome.end.inconclusive == "not over after 7 steps, the steps_max of its scenario"
    assert len(schedule.choices) == 7
    # A schedule that was cut off leaves nothing behind.
    assert len(stage.run(["write"], ["write"]).steps) == 6


def test_a_change_by_somebody_outside_makes_the_truth_unknown(stage: Stage) -> None:
    class Meddler(Scripted):
        def pick(self, candidates: object) -> int:
            if len(self.offered) == 1:
                with stage.path.open("ab") as file:
                    file.write(b"meddled\n")
            return super().pick(candidates)  # type: ignore[arg-type]

    seen = stage.play(program_of(stage.lanes, [["read"], []]), Meddler())
    assert seen.end.inconclusive == "the transcript changed while no lane had been let go"


def test_the_blobs_hold_every_content_of_the_schedule_and_no_other(stage: Stage) -> None:
    for words in (["read"], ["read"], ["write"], ["truncate", "read"], ["read"]):
        seen = stage.run(words, [])
        states = [seen.outcome.initial, *(step.change.after for step in seen.steps if step.change)]
        assert set(seen.outcome.blobs) == {state.content for state in states}


def test_files_are_named_in_the_order_in_which_they_appear(stage: Stage) -> None:
    seen = stage.run(["rename_over", "unlink_and_create"], [])
    files = [step.change.after.file for step in seen.steps if step.change]
    assert files == ["f1", None, "f2", "f2"]
    assert seen.outcome.initial.file == "f0"


def test_open_flags_are_told(stage: Stage) -> None:
    seen = stage.run(["write", "unlink_and_create", "open_truncating", "creat"], [])
    notes = [step.note for step in seen.steps if step.note]
    assert notes == ["write APPEND", "write CREAT EXCL", "write TRUNC", "write CREAT TRUNC"]


def test_until_stands_before_a_call_and_not_behind_it(stage: Stage) -> None:
    seen = stage.run(["write"], ["write"], script=[Until(0, "write"), Out(1)])
    assert [step.lane for step in seen.steps] == [0, 1, 1, 1, 0, 0]
    assert os.path.getsize(stage.path) == len(INITIAL) + 10
