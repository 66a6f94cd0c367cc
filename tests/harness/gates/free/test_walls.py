"""Without a supervisor: failing of an answer of the harness is no crash, and failing of a bug is one."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.gates.free import workers
from harness.model.gate import Outcome
from harness.model.history import Return
from harness.model.program import Entry, Op
from harness.system import capabilities, user_namespace
from harness.system.confined_starter import ConfinedStarter
from tests.harness.gates.free import dying_adapter
from tests.harness.gates.free.stage import Stage
from tests.harness.gates.kernel import walled
from tests.patience import GENEROUS_S

pytestmark = pytest.mark.requires("kernel-gate", "landlock")


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, GENEROUS_S)
    yield stage
    stage.gate.close()


@pytest.fixture(name="walled", scope="module")
def _walled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("walled"), GENEROUS_S)
    stage.start(f"{walled.__file__}:Walled", "runner", lock_kind="none")
    yield stage
    stage.gate.close()


@pytest.fixture
def same_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage whose lanes have the machine's process ids, as in a container that allows no others."""
    monkeypatch.setattr(workers, "ConfinedStarter", lambda directory, own_pids: ConfinedStarter(directory))
    stage = Stage(tmp_path, GENEROUS_S)
    yield stage
    stage.gate.close()


def _done(stage: Stage, word: str) -> Outcome:
    return stage.run([Op("append", entries=(Entry(word, "user", word),))])


def _outcomes(outcome: Outcome) -> list[str]:
    return [event.outcome for event in outcome.events if isinstance(event, Return)]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("share_memory", "a call that no session may make with EPERM"),
        ("call_of_x32", "a call that cannot be followed with ENOSYS"),
        ("open_outside", "a change or a look outside of the session directory with E"),
        ("pipe_outside", "a change or a look outside of the session directory with E"),
        ("rename_outside", "a change or a look outside of the session directory with E"),
        ("make_a_semaphore", "a change or a look outside of the session directory with E"),
        ("ask_device", "ioctl on a device with EACCES"),
    ],
)
def test_a_fence_that_fails_of_an_answer_has_not_crashed(walled: Stage, word: str, why: str) -> None:
    outcome = _done(walled, word)
    assert _outcomes(outcome) == ["hindered"]
    assert f"the kernel answered {why}" in outcome.end.inconclusive
    assert "let the fence do without " in outcome.end.inconclusive


def test_a_fence_that_fails_of_a_signal_outside_has_not_crashed(same_ids: Stage) -> None:
    same_ids.start(f"{walled.__file__}:Walled", "runner", lock_kind="none")
    outcome = _done(same_ids, "signal_outside")
    assert _outcomes(outcome) == ["hindered"]
    assert "the kernel answered a signal to a process outside with EPERM" in outcome.end.inconclusive


def test_an_adapter_that_fails_of_a_signal_outside_has_not_crashed(same_ids: Stage) -> None:
    same_ids.start(_adapter(), "runner", lock_kind="none")
    outcome = _done(same_ids, "signal_outside")
    assert _outcomes(outcome) == ["hindered"]
    assert "a signal to a process outside with EPERM" in outcome.end.inconclusive


_REACHING = """
import os, resource
from fence.none import NoFence

class Reaching(NoFence):
    def append(self, entries):
        pid = int(entries[0])
        for attempt in (
            lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (4096, 4096)),
            lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
            lambda: os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))}),
            lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        ):
            try:
                attempt()
            except ProcessLookupError:
                continue
            raise AssertionError("a process outside was reached")
"""


@pytest.mark.requires("pid-namespace of this process")
def test_limits_and_priority_of_a_process_outside_stay(tmp_path: Path) -> None:
    stage = Stage(tmp_path, GENEROUS_S, _REACHING)
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            outside = psutil.Process(process.pid)
            before = (outside.rlimit(resource.RLIMIT_CORE), outside.nice(), outside.cpu_affinity())
            stage.start("Reaching", "runner", lock_kind="none")
            assert _outcomes(_done(stage, str(process.pid))) == ["ok"]
            after = (outside.rlimit(resource.RLIMIT_CORE), outside.nice(), outside.cpu_affinity())
            assert (after, os.sched_getscheduler(process.pid)) == (before, os.SCHED_OTHER)
        finally:
            process.kill()
            stage.gate.close()


def test_a_program_that_writes_more_than_it_may_is_no_crash(walled: Stage) -> None:
    outcome = _done(walled, "start_what_writes_too_much")
    assert _outcomes(outcome) == ["hindered"]
    assert "a file has at most 8 MiB here, as the harness limits it; let" in outcome.end.inconclusive


def test_an_adapter_that_is_killed_for_a_large_file_is_told_why(stage: Stage) -> None:
    stage.start(_adapter(), "runner", lock_kind="none")
    outcome = _done(stage, "fill_a_file_and_be_killed")
    assert "killed by signal 25" in outcome.end.inconclusive
    assert "a file has at most 8 MiB here, as the harness limits it; let" in outcome.end.inconclusive


def test_a_new_root_is_an_excuse_where_it_works_elsewhere(walled: Stage) -> None:
    elsewhere = capabilities.given_up() and not user_namespace.entered()
    assert _outcomes(_done(walled, "change_root")) == ["hindered" if elsewhere else "crash"]


@pytest.mark.parametrize(
    "word",
    ["raise_it", "start_what_fails", "refuse_itself_a_file", "refuse_itself_the_session", "map_to_write"],
)
def test_a_fence_that_fails_of_itself_has_crashed(walled: Stage, word: str) -> None:
    outcome = _done(walled, word)
    assert (_outcomes(outcome), outcome.end.inconclusive) == (["crash"], "")


def _adapter() -> str:
    words = [sys.executable, "-I", "-S", dying_adapter.__file__, str(os.getpid())]
    return f"exec:{shlex.join(words)}"


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("write_outside", "outside of the session directory with E"),
        ("write_outside:said", "outside of the session directory with E"),
        ("write_outside:coded", "outside of the session directory with E"),
        ("move_outside", "outside of the session directory with E"),
        ("call_what_is_unknown", "a call that cannot be followed with ENOSYS"),
        ("fill_a_file", "a file has at most 8 MiB here, as the harness limits it"),
    ],
)
def test_an_adapter_that_dies_of_an_answer_has_not_crashed(stage: Stage, word: str, why: str) -> None:
    stage.start(_adapter(), "runner", lock_kind="none")
    outcome = _done(stage, word)
    assert _outcomes(outcome) == ["hindered"]
    assert why in outcome.end.inconclusive
    assert "let the fence " in outcome.end.inconclusive


@pytest.mark.parametrize("word", ["open_a_folder_of_its_own", "open_the_session:said", "fail", "leave"])
def test_an_adapter_that_dies_of_itself_has_crashed(stage: Stage, word: str) -> None:
    stage.start(_adapter(), "runner", lock_kind="none")
    outcome = _done(stage, word)
    assert (_outcomes(outcome), outcome.end.inconclusive) == (["crash"], "")


def test_an_adapter_that_ended_after_a_schedule_voids_the_next_one(stage: Stage) -> None:
    stage.start(_adapter(), "runner", lock_kind="none")
    assert _outcomes(_done(stage, "leave_later")) == ["ok"]
    outcome = _done(stage, "leave_later")
    assert "the adapter ended with status 4 before the schedule began" in outcome.disturbed
    assert _outcomes(_done(stage, "leave_later")) == ["ok"]
