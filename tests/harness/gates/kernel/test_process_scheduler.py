"""Programs that a lane starts act in its name; children that serve several act for the one that asked."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.model.history import Return, Step
from harness.strategies import make
from tests.acceptance.harness_process import command_line
from tests.harness.gates.kernel.process_groups import Crowding, Loose
from tests.harness.gates.kernel.stage import INITIAL, Out, Seen, Stage, program_of
from tests.patience import GENEROUS_S, at_some_patience

pytestmark = pytest.mark.requires("kernel-gate")

LOOK = ["newfstatat T"]


@contextlib.contextmanager
def staged(
    tmp_path_factory: pytest.TempPathFactory,
    fence: type[Crowding],
    processes: list[str],
    limit_s: float = GENEROUS_S,
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("crowd"), fence, processes, limit_s) as stage:
        yield stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Lanes 0 and 1 share a process, lane 2 has its own."""
    with staged(tmp_path_factory, Crowding, ["p", "p", "q"]) as stage:
        yield stage


@pytest.fixture
def loose(tmp_path_factory):
    with staged(tmp_path_factory, Loose, ["p", "p"]) as stage:
        yield stage


def said(seen: Seen, lane: int = 0) -> list[str]:
    assert not seen.end.inconclusive, seen.end.inconclusive
    assert not seen.end.waiting
    return seen.said(lane)


# Wakes without a call


def test_event_descriptors_have_numbers_of_their_own_and_a_child_goes_on_counting(stage: Stage) -> None:
    seen = stage.run(["wakes"], [], [])
    assert said(seen) == ["0 960 961 True 2"]
    assert seen.changes() == [(0, "write", INITIAL + b"woken\n")]
    assert [step for step in seen.calls(0) if "T" in step.split()] == ["openat T", "write T", "close T"]


def test_a_descriptor_that_one_thread_closed_is_not_the_transcript_when_another_has_it(stage: Stage) -> None:
    for _ in range(10):
        seen = stage.run(["hands_over"], [], [])
        assert said(seen) == ["0"]
        assert [step for step in seen.calls(0) if "T" in step.split()] == ["openat T", "close T"] * 5


def test_to_be_woken_is_not_trapped(stage: Stage) -> None:
    def traps(word: str) -> int:
        before = stage.gate.traps
        assert said(stage.run([word], [], [])) == ["0 960 961 True 2"]
        return stage.gate.traps - before

    traps("wakes")
    # Two calls in each of 450 rounds more wake a thread.
    assert abs(traps("wakes_often") - traps("wakes") - 2 * 450) < 100


def test_a_file_of_the_session_under_such_a_number_leaves_the_truth_unknown(stage: Stage) -> None:
    seen = stage.run(["takes_a_number"], [], [])
    assert "descriptor 960 or one of those after it was used for a file" in seen.end.inconclusive
    assert not stage.run(["wakes"], [], []).end.inconclusive


def test_a_process_that_used_all_numbers_gets_the_kernel_s(stage: Stage) -> None:
    seen = stage.run(["runs_out_of_numbers"], [], [])
    assert said(seen) == ["0 1019"]


def test_a_number_is_given_whole_whenever_a_signal_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noisily(listener: int, request: int, argument: bytes) -> Any:
        signal.setitimer(signal.ITIMER_REAL, 0.00002, 0.00002)
        try:
            return fcntl.ioctl(listener, request, argument)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    monkeypatch.setattr("harness.gates.kernel.handed_descriptors.ioctl", noisily)
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        for _ in range(5):
            assert said(stage.run(["runs_out_of_numbers"], [], [])) == ["0 1019"]
            assert said(stage.run(["wakes"], [], [])) == ["0 960 961 True 2"]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Programs


def test_a_program_s_calls_are_steps_of_the_lane_that_started_it(stage: Stage) -> None:
    seen = stage.run(["sed"], ["look"], [], script=[1])
    assert said(seen) == ["0"]
    calls = seen.calls(0)
    assert calls[0] == "openat T"
    assert "openat tmp1" in calls
    assert calls[-1] == "rename tmp1 > T"
    assert seen.calls(1) == LOOK
    assert seen.changes() == [(0, "rename", b"cccc\nbbbb\n")]


def test_others_go_between_any_two_steps_of_a_program(stage: Stage) -> None:
    first = stage.run(["sed"], [], [])
    for at in range(len(first.steps)):
        seen = stage.run(["sed"], [], ["write"], script=[0] * at + [Out(2)])
        assert said(seen) == ["0"]
        assert [step.lane for step in seen.steps[: at + 1]] == [0] * at + [2]
        # Lines written before sed had read to the end are kept, later ones are lost.
        lost = "lane2" not in stage.path.read_text()
        assert lost == (at > first.calls(0).index("read T", first.calls(0).index("read T") + 1))


def test_a_pipeline_goes_one_process_at_a_time(stage: Stage) -> None:
    seen = stage.run(["pipe"], [], ["look"])
    assert said(seen) == ["0"]
    # Three writers of a line each come before the reader takes them, every time.
    assert seen.changes() == [(0, "write", INITIAL + b"x\ny\nz\n")]
    for _ in range(20):
        assert stage.run(["pipe"], [], ["look"]).events == seen.events


def test_the_process_born_first_goes_first(stage: Stage) -> None:
    seen = stage.run(["two_writers"], [], [])
    assert said(seen) == ["0"]
    assert stage.path.read_bytes() == INITIAL + b"b1\nb2\nb3\na1\na2\na3\n"


def test_steps_in_the_background_are_part_of_the_schedule(stage: Stage) -> None:
    seen = stage.run(["background", "look"], [], ["look"])
    assert said(seen) == ["started", ""]
    assert stage.path.read_bytes() == INITIAL + b"late\n"
    assert {step.op for step in seen.steps if step.change} == {1}


def test_a_process_that_leaves_the_family_still_belongs_to_it(stage: Stage) -> None:
    seen = stage.run(["daemon"], [], [])
    assert said(seen) == ["0"]
    assert stage.path.read_bytes() == INITIAL + b"d\n"


def test_nothing_is_left_running(stage: Stage) -> None:
    seen = stage.run(["leaves_one"], [], [])
    assert said(seen) == ["0"]
    left = [one for one in psutil.process_iter() if "kill -STOP $BASHPID" in command_line(one)]
    assert not [one for one in left if one.is_running() and one.status() == psutil.STATUS_STOPPED]


@pytest.mark.parametrize(
    ("word", "why"), [("never_ends", "does not end"), ("talks_for_ever", "did not stop")]
)
def test_a_program_that_does_not_end_makes_no_accusation(
    tmp_path_factory: pytest.TempPathFactory, word: str, why: str
) -> None:
    def goes_on(limit_s: float) -> None:
        with staged(tmp_path_factory, Crowding, ["p", "p", "q"], limit_s) as stage:
            seen = stage.run([word], [], ["write"])
            assert why in seen.end.inconclusive
            assert not seen.end.waiting
            assert said(stage.run(["sed"], [], [])) == ["0"]

    at_some_patience(goes_on)


def test_a_program_sleeps_in_virtual_time(stage: Stage) -> None:
    seen = stage.run(["sleeps"], [], ["look"])
    assert said(seen) == ["0"]
    assert seen.calls(0)[-5] == "openat T"
    assert "sleep" in seen.calls(0)
    assert seen.calls(2) == LOOK


def test_a_program_waits_for_an_flock_that_another_has(stage: Stage) -> None:
    seen = stage.run(["flocks"], [], ["flocks"], script=[Out(0)])
    assert said(seen) == said(seen, 2) == ["0"]
    both = stage.run(["flocks"], [], ["flocks"], script=[*[0] * 4, Out(2)])
    assert said(both) == said(both, 2) == ["0"]
    assert stage.path.read_bytes() == INITIAL + b"locked\nlocked\n"


def test_a_store_through_a_mapping_of_a_program_is_seen(stage: Stage) -> None:
    seen = stage.run(["stores"], [], [])
    assert said(seen) == ["0"]
    assert [content for _, _, content in seen.changes()] == [b"X" + INITIAL[1:]]


def test_a_program_cannot_write_outside(stage: Stage) -> None:
    seen = stage.run(["outside"], [], [])
    assert "Read-only file system" in said(seen)[0]
    assert not (stage.directory.parent / "made").exists()


def test_a_forked_lane_acts_for_its_lane_and_comes_to_no_more(stage: Stage) -> None:
    seen = stage.run(["forks_in_python", "look"], [], [])
    assert said(seen) == ["7", ""]
    assert seen.calls(0) == ["openat T", "write T", "close T", *LOOK]


def test_a_worker_lives_on_after_its_programs(stage: Stage) -> None:
    stage.run(["look"], [], [])
    pids = stage.gate.pids()
    stage.run(["sed"], ["cp"], ["mv"])
    stage.run(["look"], [], [])
    assert stage.gate.pids() == pids


@pytest.mark.parametrize(
    "words", [(["sed"], ["pipe"], ["mv"]), (["two_writers"], ["cp"], ["flocks", "sleeps"])]
)
def test_programs_among_each_other_are_the_same_every_time(
    stage: Stage, words: tuple[list[str], ...]
) -> None:
    program = program_of(stage.lanes, words)
    seen = {seed: stage.play(program, make("random"), seed) for seed in range(8)}
    assert not any(one.end.inconclusive for one in seen.values())
    assert len({str(one.events) for one in seen.values()}) == 8
    for seed, one in seen.items():
        assert stage.play(program, make("random"), seed).events == one.events


# A child for all lanes


def lanes_of(seen: Seen) -> list[int]:
    return [event.lane for event in seen.events if isinstance(event, Step)]


def test_a_service_acts_for_the_lane_that_asked(stage: Stage) -> None:
    seen = stage.run(["ask_append"], ["ask_append", "ask_read"], [], script=[Out(0)])
    assert said(seen) == ["done"]
    assert said(seen, 1) == ["done", "22"]
    assert [(lane, content) for lane, _, content in seen.changes()] == [
        (0, INITIAL + b"lane0\n"),
        (1, INITIAL + b"lane0\nlane1\n"),
    ]


def test_two_readers_of_one_pipe_are_served_in_order(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The first is let into the call long before it is in line there: it runs when no other thread can."""
    with (
        staged(tmp_path_factory, Crowding, ["p", "p"]) as stage,
        contextlib.ExitStack() as neighbours,
    ):
        stage.run(["pid"], [])
        for core in os.sched_getaffinity(0):
            busy = neighbours.enter_context(subprocess.Popen(["sh", "-c", "while :; do :; done"]))
            neighbours.callback(busy.kill)
            os.sched_setaffinity(busy.pid, {core})
        os.sched_setscheduler(stage.gate.pids()["p"], os.SCHED_IDLE, os.sched_param(0))
        # Each takes seconds: the process gets a three-hundredth of a core.
        for _ in range(2):
            seen = stage.run(["ask_append"], ["ask_append", "ask_read"], script=[Out(0)])
            assert [lane for lane, _, _ in seen.changes()] == [0, 1]


def test_a_service_lives_over_schedules(stage: Stage) -> None:
    pid = stage.run(["pid"], [], []).said()
    for _ in range(5):
        assert stage.run(["ask_read", "pid"], ["ask_append"], []).said()[1:] == pid
    assert not stage.run(["ask_wait"], [], []).end.inconclusive
    assert stage.run(["pid"], [], []).said() == pid


def test_a_lane_that_asks_a_busy_service_comes_afterwards(stage: Stage) -> None:
    # Lane 1 sends its request while the child stands in the midst of lane 0's.
    seen = stage.run(["ask_append"], ["look", "ask_append"], ["look"], script=[0, 1, 2, 0, 0])
    assert said(seen) == ["done"]
    assert said(seen, 1) == ["", "done"]
    assert lanes_of(seen) == [0, 1, 2, 0, 0, 1, 1, 1]


def test_threads_of_a_service_act_for_the_lane_that_asked(stage: Stage) -> None:
    seen = stage.run(["ask_threads", "look"], [], ["look"])
    assert said(seen) == ["done", ""]
    assert len(seen.changes()) == 3
    for _ in range(10):
        assert stage.run(["ask_threads", "look"], [], ["look"]).events == seen.events


def test_services_are_the_same_every_time(stage: Stage) -> None:
    words = (
        ["ask_append", "ask_read", "sed"],
        ["ask_read", "ask_wait", "ask_append"],
        ["write", "ask_append"],
    )
    program = program_of(stage.lanes, words)
    for seed in range(8):
        first = stage.play(program, make("random"), seed)
        assert not first.end.inconclusive
        assert stage.play(program, make("random"), seed).events == first.events


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("ask_late", "while no lane had a request under way in it"),
        ("ask_quit", "that serves its lanes has ended"),
        ("ask_hang", "owes an answer to lane 0"),
    ],
)
def test_a_service_that_does_not_keep_to_it_makes_the_truth_unknown(
    stage: Stage, word: str, why: str
) -> None:
    seen = stage.run([word], ["look"], ["look"])
    assert why in seen.end.inconclusive
    assert not [event for event in seen.events if isinstance(event, Return) and event.outcome == "crash"]
    again = stage.run(["ask_append"], ["look"], ["look"])
    assert said(again) == ["done"]


def test_the_lane_of_a_service_is_never_guessed(loose: Stage) -> None:
    assert said(loose.run(["ask_append"], ["look"])) == ["done"]
    seen = loose.run(["ask_append"], ["look", "ask_append"], script=[0, 1, 0])
    assert "lanes 0 and 1 had requests under way" in seen.end.inconclusive


def test_nothing_of_a_service_is_left_when_the_gate_is_closed(tmp_path: Path) -> None:
    with Stage(tmp_path, Crowding) as stage:
        pid = stage.pid_here(int(stage.run(["pid"]).said()[0]))
        assert pid
        # Once, for the descriptors that are kept open to look at the worker.
        stage.run(["sed", "ask_append"])
        descriptors = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            stage.run(["sed", "ask_append"])
        assert len(os.listdir("/proc/self/fd")) == descriptors
    assert not psutil.pid_exists(pid)
