"""The free gate with real processes: what it writes down, and when it says that it does not know."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.gate import Outcome
from harness.model.history import Invoke, Return, Step
from harness.model.program import Entry, Op
from harness.model.transcript_lines import make
from tests.harness.gates.free.stage import Stage
from tests.harness.gates.inherited import descriptors_of
from tests.patience import GENEROUS_S, at_some_patience

ROOT = Path(__file__).parents[4]

FENCES = """
import ctypes
import errno
import os
import signal
import threading
import time

from fence.protocol import Fence


class Flock(Fence):
    lock_kind = "flock"


class Exits(Flock):
    def guarded_write(self, entries):
        os._exit(3)


class IsKilled(Flock):
    def guarded_write(self, entries):
        os.kill(os.getpid(), signal.SIGKILL)


class Hangs(Flock):
    def guarded_write(self, entries):
        time.sleep(60)


class WritesLater(Flock):
    def guarded_write(self, entries):
        threading.Timer(0.1, super().guarded_write, [entries]).start()


class LocksNothing(Flock):
    def acquire(self):
        pass

    def release(self):
        pass


class NeverReleases(Flock):
    def release(self):
        pass


class ClosesAllDescriptors(Flock):
    def guarded_write(self, entries):
        os.closerange(0, 1024)


class WritesToAllDescriptors(Flock):
    def guarded_write(self, entries):
        for name in os.listdir("/proc/self/fd"):
            try:
                os.write(int(name), b"broken")
            except OSError:
                pass
        super().guarded_write(entries)


class LeavesSomething(Flock):
    def guarded_write(self, entries):
        shmget, mq_open, unshare = (29, 0, 4096, 0o1600), (240, b"harness", 0o102, 0o600, 0), (272, 0x20000)
        for number, *args in (shmget, mq_open, unshare):
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syscall(number, *args) >= 0 or ctypes.get_errno() != errno.EPERM:
                raise RuntimeError(f"{number} was not refused")
        super().guarded_write(entries)


class NeverUnlinks(Fence):
    def release(self):
        pass
"""


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, GENEROUS_S, FENCES)
    yield stage
    stage.gate.close()


#: Of pauses, as the gate takes no longer ones: at the last a machine may be dozens of times slower.
SCALES = (1.0, 4.0, 4.0)


def _line(name: str) -> tuple[Entry, ...]:
    return (make("assistant", name, 10),)


TURN = [Op("begin_turn", 0, 1), Op("load", 0, 1), Op("release_for_prompt", 0, 1)]
REPLY = Op("guarded_write", 0, 1, entries=_line("reply"))
END = Op("end_turn", 0, 1)
WRITE = [Op("acquire", group=1), Op("append", group=1, entries=_line("w")), Op("release", group=1)]


def _returns(outcome: Outcome, lane: int = 0) -> list[str]:
    return [event.outcome for event in outcome.events if isinstance(event, Return) and event.lane == lane]


def test_each_operation_is_called_takes_one_step_and_returns_in_real_time(stage: Stage) -> None:
    stage.start("Flock", "runner", "cron")
    began_ns = time.monotonic_ns()
    outcome = stage.run([*TURN, Op("think", 0, 1, steps=3), REPLY, END], WRITE)
    assert outcome.end.inconclusive == ""
    for lane, count in ((0, 6), (1, 3)):
        events = [event for event in outcome.events[:-1] if event.lane == lane]  # type: ignore[union-attr]
        assert [type(event) for event in events] == [Invoke, Step, Return] * count
        times = [at for event in events for at in _times(event)]
        assert times == sorted(times)
        assert began_ns < times[0] < times[-1] < time.monotonic_ns()
    changes = [event.change for event in outcome.events if isinstance(event, Step) and event.change]
    assert len(changes) == 2
    assert all(change.held for change in changes)
    assert outcome.blobs[outcome.end.final.content].count(b"\n") == 3
    assert outcome.end.final.file == outcome.initial.file == "f0"


def _times(event: object) -> list[int]:
    return [event.begin_ns, event.end_ns] if isinstance(event, Step) else [event.at_ns]  # type: ignore[attr-defined]


def test_schedules_know_nothing_of_each_other(stage: Stage) -> None:
    stage.start("ledger", "runner", "cron")
    pids = stage.gate.pids()
    for _ in range(3):
        outcome = stage.run([*TURN, REPLY, END], WRITE)
        assert outcome.end.inconclusive == ""
        assert len(outcome.blobs[outcome.initial.content].splitlines()) == 1
        assert _returns(outcome) == ["ok"] * 5
    assert stage.gate.pids() == pids


def test_a_transcript_may_be_a_symbolic_link(stage: Stage, tmp_path: Path) -> None:
    stage.start("ledger", "runner")
    outcome = stage.run([*TURN, REPLY, END], symlink=True)
    assert not outcome.end.inconclusive
    assert outcome.end.final.file == outcome.initial.file
    assert (tmp_path / "session" / "transcript.jsonl").is_symlink()
    outcome = stage.run([*TURN, REPLY, END])
    assert not outcome.end.inconclusive
    assert not (tmp_path / "session" / "transcript.jsonl").is_symlink()


def test_lanes_of_one_process_share_its_state_and_run_side_by_side(stage: Stage) -> None:
    stage.start("Flock", "runner", "runner-2")

    def side_by_side(scale: float) -> None:
        pause = [Op("pause", duration_ms=round(200 * scale))]
        began = time.monotonic()
        outcome = stage.run(pause, pause)
        assert len(stage.gate.pids()) == 1
        assert time.monotonic() - began >= 0.2 * scale
        spans = [(event.begin_ns, event.end_ns) for event in outcome.events if isinstance(event, Step)]
        assert max(begin for begin, _ in spans) < min(end for _, end in spans)

    at_some_patience(side_by_side, SCALES)


def test_a_write_before_the_reply_is_missed_without_a_check(stage: Stage, tmp_path: Path) -> None:
    stage.start("Flock", "runner", "editor")
    (tmp_path / "other").mkdir()
    other = Stage(tmp_path / "other", GENEROUS_S, FENCES)

    def told_apart(scale: float) -> None:
        rogue = [
            Op("pause", duration_ms=round(100 * scale)),
            Op("action", how="append-user", args={"id": "x"}),
        ]
        turn = [*TURN, Op("pause", 0, 1, duration_ms=round(400 * scale)), REPLY, END]
        assert stage.judge(stage.run(turn, rogue)).counts()["missed_takeover"] == 1
        assert other.judge(other.run(turn, rogue)).counts()["true_positive"] == 1

    try:
        other.start("ledger", "runner", "editor")
        at_some_patience(told_apart, SCALES)
    finally:
        other.gate.close()


def test_a_rogue_without_effect_passes_through_an_unknown_state(stage: Stage) -> None:
    stage.start("Flock", "editor")
    outcome = stage.run([Op("action", how="touch"), Op("action", how="recreate-same-bytes")])
    steps = [event for event in outcome.events if isinstance(event, Step)]
    assert [step.op for step in steps] == [0, 0, 1]
    first, second, third = (step.change for step in steps)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.before, first.after) == (second.after, second.before)
    assert (third.before.file, third.after.file) == ("f0", "f1")
    assert third.before.content == third.after.content


def test_a_process_that_exits_in_an_operation_crashed_and_the_next_schedule_has_a_new_one(
    stage: Stage,
) -> None:
    stage.start("Exits", "runner", "cron")
    pids = stage.gate.pids()
    outcome = stage.run([*TURN, REPLY, END], WRITE)
    assert outcome.end.inconclusive == ""
    assert _returns(outcome) == ["ok", "ok", "ok", "crash"]
    assert [violation.kind for violation in stage.judge(outcome).violations] == ["crash"]
    assert _returns(outcome, 1) == ["ok"] * 3
    again = stage.run([*TURN, END], WRITE)
    assert _returns(again) == ["ok"] * 4
    assert stage.gate.pids()["runner"] != pids["runner"]
    assert stage.gate.pids()["cron"] == pids["cron"]


def test_a_process_killed_by_a_signal_leaves_the_truth_unknown(stage: Stage) -> None:
    stage.start("IsKilled", "runner")
    outcome = stage.run([*TURN, REPLY, END])
    assert outcome.end.inconclusive == "process runner was killed by signal 9"
    assert stage.run([*TURN, END]).end.inconclusive == ""


def test_a_fence_that_closes_every_descriptor_is_told_so(stage: Stage) -> None:
    stage.start("ClosesAllDescriptors", "runner")
    outcome = stage.run([*TURN, REPLY, END])
    assert "closed a descriptor of the harness; let it close only" in outcome.end.inconclusive
    assert "Traceback" not in outcome.end.inconclusive
    assert stage.run([*TURN, END]).end.inconclusive == ""


def test_a_fence_that_writes_to_every_descriptor_changes_its_own_schedule_only(stage: Stage) -> None:
    stage.start("WritesToAllDescriptors", "runner", "editor")
    outcome = stage.run([*TURN, REPLY, END], [])
    assert "process runner wrote to descriptors of the harness" in outcome.end.inconclusive
    pids = stage.gate.pids()
    outcome = stage.run([*TURN, END], [])
    assert not outcome.end.inconclusive
    assert _returns(outcome) == ["ok"] * len([*TURN, END])
    assert stage.gate.pids()["runner"] != pids["runner"]
    assert stage.gate.pids()["editor"] == pids["editor"]


@pytest.mark.requires("kernel-gate")
def test_calls_that_leave_something_are_refused_without_a_supervisor(stage: Stage) -> None:
    """Shared memory, a message queue, a mount namespace; where seccomp is, as the kernel gate needs it."""
    stage.start("LeavesSomething", "runner")
    outcome = stage.run([*TURN, REPLY, END])
    assert not outcome.end.inconclusive
    assert _returns(outcome) == ["ok"] * len([*TURN, REPLY, END])


def test_a_worker_of_the_free_gate_has_its_lanes_sockets_and_nothing_else(stage: Stage) -> None:
    stage.start("Flock", "runner-a", "runner-b", "editor")
    for name, lanes in (("runner", 2), ("editor", 1)):
        assert descriptors_of(stage.gate.pids()[name]) == [*["/dev/null"] * 3, *["socket"] * lanes]


def test_a_lane_that_is_not_done_at_the_deadline_leaves_the_truth_unknown(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 1.0, FENCES)
    try:
        stage.start("Hangs", "runner")
        outcome = stage.run([*TURN, REPLY, END])
        assert "runner was not done after 1 s" in outcome.end.inconclusive
        assert outcome.end.waiting == ()
        assert _returns(outcome) == ["ok"] * 3
    finally:
        stage.gate.close()


def test_a_program_with_long_pauses_is_not_run_at_all(stage: Stage) -> None:
    stage.start("Flock", "runner", "cron")
    outcome = stage.run([Op("pause", duration_ms=60_000), Op("pause", duration_ms=10_000)], WRITE)
    assert outcome.end.inconclusive == "runner waits for 70 s of real time; run it under the kernel gate"
    assert outcome.events == (outcome.end,)
    assert stage.run([Op("think", steps=1)], WRITE).end.inconclusive == ""


def test_a_write_that_belongs_to_no_operation_leaves_the_truth_unknown(stage: Stage) -> None:
    stage.start("WritesLater", "runner")

    def too_late(scale: float) -> None:
        outcome = stage.run([*TURN, REPLY, Op("pause", 0, 1, duration_ms=round(400 * scale)), END])
        assert outcome.end.inconclusive == "the transcript changed after the last operation that may write"

    at_some_patience(too_late, SCALES)


def test_two_lanes_in_the_locked_section_leave_the_truth_unknown(stage: Stage) -> None:
    stage.start("LocksNothing", "cron", "heartbeat")

    def held_twice(scale: float) -> None:
        hold = [WRITE[0], Op("pause", group=1, duration_ms=round(200 * scale)), *WRITE[1:]]
        assert "reclaimed or held twice" in stage.run(hold, hold).end.inconclusive

    at_some_patience(held_twice, SCALES)


def test_two_lanes_that_both_write_under_the_lock_prove_that_it_let_both_in(stage: Stage) -> None:
    stage.start("LocksNothing", "cron", "heartbeat")

    def proved(scale: float) -> None:
        pause = Op("pause", group=1, duration_ms=round(200 * scale))
        outcome = stage.run(
            [WRITE[0], pause, pause, WRITE[1], pause, pause, pause, WRITE[2]],
            [pause, WRITE[0], pause, pause, pause, WRITE[1], WRITE[2]],
        )
        found = stage.judge(outcome)
        assert "reclaimed or held twice" in found.inconclusive
        assert [(violation.kind, violation.lane) for violation in found.violations] == [("double_hold", 1)]

    at_some_patience(proved, SCALES)


@pytest.mark.parametrize(("fence", "lock_kind"), [("NeverReleases", "flock"), ("NeverUnlinks", "sidecar")])
def test_a_lock_that_is_left_behind_is_a_dead_end(stage: Stage, fence: str, lock_kind: str) -> None:
    stage.start(fence, "cron", "heartbeat", lock_kind=lock_kind)
    outcome = stage.run(WRITE, [Op("think", steps=1)])
    found = stage.judge(outcome).violations
    assert [(violation.kind, violation.lane) for violation in found] == [("dead_end", 0)]


def test_the_worker_processes_are_gone_after_the_gate_is_closed(stage: Stage) -> None:
    import psutil

    stage.start("Flock", "runner", "cron")
    pids = stage.gate.pids()
    assert all(psutil.pid_exists(pid) for pid in pids.values())
    stage.gate.close()
    assert not any(psutil.pid_exists(pid) for pid in pids.values())


@pytest.mark.requires("kernel-gate")
def test_quickstart_shows_the_same_kinds_of_violations_under_both_gates(tmp_path: Path) -> None:
    found = {}
    for gate in ("kernel", "free"):
        command = [
            sys.executable,
            "-m",
            "harness",
            "run",
            "scenarios/quickstart.yaml",
            "--gate",
            gate,
            "--json",
        ]
        command += ["--schedules", "25", "--explorers", "1", "--out", str(tmp_path / gate)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr.decode()
        summaries = [json.loads(text) for text in done.stdout.splitlines()]
        found[gate] = {summary["fence"]: set(summary["violations"]) for summary in summaries}
    assert found["free"] == found["kernel"] == {"stat-2026.5.17": {"false_positive"}, "ledger": set()}
