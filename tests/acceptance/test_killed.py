"""After a SIGKILL of any process nothing is left behind, and nothing is said that is not known."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.acceptance.harness_process import (
    SCENARIO,
    Harness,
    Running,
    eventually,
    name_of,
    write_fence,
    write_scenario,
)
from tests.patience import impatient

pytestmark = pytest.mark.requires("kernel-gate")

# A process that says by its name that it is here, and waits for SIGUSR1 or SIGKILL.
#: No schedule is run beforehand, so that a fence that counts its calls knows where it is.
FIXED = ("--strategy", "random")

FENCES = """\
class Waits(Fence):
    calls = 0
    told = False

    def guarded_write(self, entries):
        Waits.calls += 1
        if Waits.calls == 3:
            signal.signal(signal.SIGUSR1, lambda *_: setattr(Waits, "told", True))
            ctypes.CDLL(None).prctl(15, b"waiting")
            while not Waits.told:
                pass
        super().guarded_write(entries)


class Raises(Fence):
    def load(self):
        raise KeyError


class Hangs(Fence):
    def load(self):
        ctypes.CDLL(None).prctl(15, b"waiting")
        while True:
            pass


class LeavesADaemon(Fence):
    def guarded_write(self, entries):
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
                os.chdir("/")
                ctypes.CDLL(None).prctl(15, b"daemon")
                while True:
                    pass
            os._exit(0)
        os.wait()
        super().guarded_write(entries)


class StartsAStranger(Fence):
    strangers = []

    def guarded_write(self, entries):
        if not StartsAStranger.strangers:
            name = f"{os.path.dirname(os.path.abspath(__file__))}/stranger"
            argv = [name, "-c", "import time; time.sleep(1000)"]
            nothing_of_ours = {"env": {}, "cwd": "/", "start_new_session": True}
            stranger = subprocess.Popen(argv, executable=sys.executable, **nothing_of_ours)
            StartsAStranger.strangers.append(stranger)
        super().guarded_write(entries)
"""

#: The heartbeat is done long before the runner comes back from its model.
LONG_THOUGHT = SCENARIO.replace("think_steps: 2", "think_steps: 150")


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    return write_fence(tmp_path, FENCES)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_scenario(tmp_path)


def _waiting(running: Running) -> psutil.Process:
    """The worker whose fence waits; the run is in the middle of a schedule then."""
    eventually(lambda: running.worker_named("waiting") or running.process.poll() is not None)
    found = running.worker_named("waiting")
    assert found is not None, running.end()
    return found


def test_a_schedule_whose_worker_is_killed_is_run_again(
    harness: Harness, scenario: Path, fences: Path
) -> None:
    with harness.start_run(
        scenario, "--fence", f"{fences}:Waits", *FIXED, "--schedules", 10, "--json"
    ) as running:
        waiting = _waiting(running)
        first = {worker.pid for worker in running.workers()}
        waiting.kill()
        # The worker that takes its place waits as well, in the third of its own schedules.
        eventually(lambda: (again := running.worker_named("waiting")) and again.pid not in first)
        _waiting(running).send_signal(signal.SIGUSR1)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 0
    assert (ended.object["schedules"], ended.object["inconclusive"]) == (10, 0)
    assert ended.object["voided"] == 1
    assert ended.object["why_inconclusive"] == ""
    assert ended.object["violations"] == {}


def test_a_worker_killed_while_idle_falsifies_nothing(harness: Harness, tmp_path: Path, fences: Path) -> None:
    scenario = write_scenario(tmp_path, LONG_THOUGHT)
    arguments = (scenario, "--fence", f"{fences}:Waits", *FIXED, "--schedules", 5, "--json")
    endings = []
    for kill in (False, True):
        with harness.start_run(*arguments) as running:
            waiting = _waiting(running)
            (idle,) = [worker for worker in running.workers() if worker.pid != waiting.pid]
            if kill:
                idle.kill()
                eventually(lambda one=idle: not one.is_running() or one.status() == psutil.STATUS_ZOMBIE)
            waiting.send_signal(signal.SIGUSR1)
            endings.append(running.end())
            harness.assert_nothing_left(running)
    calm, killed = endings
    assert calm.status == 0
    if killed.status == 0:
        assert killed.object["steps"] == calm.object["steps"]
        assert killed.object["verdicts"] == calm.object["verdicts"]
    else:
        assert killed.status == 3
        assert "process other" in killed.object["why_inconclusive"]


def test_a_killed_explorer_makes_only_its_search_inconclusive(
    harness: Harness, scenario: Path, fences: Path
) -> None:
    both = ("--fence", f"{fences}:Waits", "--fence", "none", *FIXED)
    with harness.start_run(scenario, *both, "--schedules", 10, "--json") as running:
        _waiting(running)
        (explorer,) = running.explorers()
        explorer.kill()
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 3
    cut, whole = ended.objects
    assert cut["why_inconclusive"] == "an explorer process was killed by signal 9"
    assert cut["schedules"] < 10
    assert (whole["schedules"], whole["why_inconclusive"]) == (10, "")
    assert harness.verdicts() == [cut, whole]


def _kill(running: Running) -> None:
    running.process.kill()


def _kill_group(running: Running) -> None:
    os.killpg(running.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("kill", [_kill, _kill_group], ids=["the harness", "its group"])
def test_nothing_outlives_a_killed_harness(
    harness: Harness, scenario: Path, fences: Path, kill: Callable[[Running], None]
) -> None:
    both = ("--fence", "none", "--fence", f"{fences}:Waits", *FIXED)
    with harness.start_run(scenario, *both, "--schedules", 10) as running:
        _waiting(running)
        assert harness.sessions()
        kill(running)
        assert running.process.wait(600) == -signal.SIGKILL
        harness.assert_nothing_left(running)
    # The verdict that was known when it was killed is there, and no other.
    assert [verdict["fence"] for verdict in harness.verdicts()] == ["none"]


def test_a_run_whose_janitor_was_killed_cleans_up_by_itself(
    harness: Harness, scenario: Path, fences: Path
) -> None:
    with harness.start_run(
        scenario, "--fence", f"{fences}:Waits", *FIXED, "--schedules", 5, "--json"
    ) as running:
        waiting = _waiting(running)
        scripts = {one.pid: one.cmdline()[-2] for one in running.family()}
        (janitor,) = [pid for pid, script in scripts.items() if script.endswith("/janitor.py")]
        os.kill(janitor, signal.SIGKILL)
        waiting.send_signal(signal.SIGUSR1)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.object["schedules"]) == (0, 5)


def test_a_daemon_of_a_fence_is_killed_with_the_harness(
    harness: Harness, scenario: Path, fences: Path
) -> None:
    with harness.start_run(scenario, "--fence", f"{fences}:LeavesADaemon", "--schedules", 3) as running:

        def daemon() -> bool:
            return any(name_of(process) == "daemon" for process in running.family())

        eventually(daemon)
        running.process.kill()
        running.process.wait(600)
        harness.assert_nothing_left(running)


def test_a_daemon_of_a_fence_is_killed_at_the_end(harness: Harness, scenario: Path, fences: Path) -> None:
    fence = ("--fence", f"{fences}:LeavesADaemon")
    ended = harness.run(scenario, *fence, "--schedules", 1, environment=impatient())
    assert ended.status in (0, 3), ended


def test_an_unmarked_process_ends_with_the_worker_that_started_it(
    harness: Harness, scenario: Path, fences: Path
) -> None:
    """No mark, no directory, no session of ours: only its parent tells whose it is."""
    fence = ("--fence", f"{fences}:StartsAStranger", "--gate", "free")
    with harness.start_run(scenario, *fence, "--schedules", 20, "--json") as running:
        assert running.end().status in (0, 1, 3)
    name = str(fences.parent / "stranger")
    left = [one for one in psutil.process_iter(["cmdline"]) if name in (one.info["cmdline"] or [])]
    for one in left:
        one.kill()
    assert left == []


def test_nothing_outlives_a_killed_replay(harness: Harness, scenario: Path, fences: Path) -> None:
    assert harness.run(scenario, "--fence", f"{fences}:Raises", "--schedules", 1, "--no-shrink").status == 1
    (witness,) = harness.witnesses()
    arguments = ("replay", witness, "--fence", f"{fences}:Hangs", "--session-root", harness.session_root)
    with harness.start(*arguments) as running:
        _waiting(running)
        running.process.kill()
        running.process.wait(600)
        harness.assert_nothing_left(running)
