"""A process that a fault has killed comes back, with the process id that the scenario says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: The use of a pid file: a process that finds one asks whether its owner lives.
FENCE = '''\
import contextlib


class PidFile(Fence):
    """Crashes where a pid file of another start is found, and says what it knows of its owner."""

    about = "a pid file"

    def begin_turn(self):
        name = os.path.join(os.path.dirname(self.path), "owner")
        with contextlib.suppress(FileNotFoundError), open(name) as file:
            owner = int(file.read())
            with contextlib.suppress(ProcessLookupError):
                os.kill(owner, 0)
                raise RuntimeError("it is me" if owner == os.getpid() else "a stranger lives")
            raise RuntimeError("its owner is dead")
        with open(name + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(name + ".new", name)
        super().begin_turn()
'''
SCENARIO = """\
about: A gateway is killed and comes back.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 3, restart: {after_ms: 5000%s}}
  - {role: heartbeat, process: gateway, delay_steps: 3}
  - {role: cron, process: cron, delay_steps: [0, 40]}
faults:
  - {lane: runner, operations: [load], kill: true, times: 1}
fence_options: {lock_timeout_ms: 60000}
schedules: 20
expect: {}
"""


def run(harness: Harness, tmp_path: Path, pid: str, *words: object, text: str = SCENARIO) -> Ended:
    fence = write_fence(tmp_path, FENCE)
    path = write_scenario(tmp_path, text % (f", pid: {pid}" if pid else ""))
    return harness.run(path, "--fence", f"{fence}:PidFile", "--force", *words)


@pytest.mark.parametrize(
    ("pid", "said"),
    [
        ("", "its owner is dead"),
        ("fresh", "its owner is dead"),
        pytest.param("same", "it is me", marks=pytest.mark.requires("pid-namespace")),
        pytest.param("taken", "a stranger lives", marks=pytest.mark.requires("pid-namespace")),
    ],
)
def test_a_restarted_process_has_the_id_that_was_asked_for(
    harness: Harness, tmp_path: Path, pid: str, said: str
) -> None:
    first, second = (
        run(harness, tmp_path, pid, "--json", "--no-shrink", "--explorers", count) for count in (1, 2)
    )
    assert first.object["violations"] == {"crash": 20}, first
    assert first.object["inconclusive"] == 0
    assert first.object["histories"] == second.object["histories"]
    told = run(harness, tmp_path, pid, "--no-shrink", "--schedules", 1).out
    assert f"runner-again crashed: RuntimeError: {said}" in told, told


def test_its_witness_is_shrunk_and_shows_again(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, "fresh", "--json")
    witness = ended.object["first_violation"]["witness"]
    again = harness.call("replay", witness, "--allow-programs", "--session-root", harness.session_root)
    assert again.status == 0 and "runner-again crashed" in again.out, again


def test_a_process_that_is_not_killed_is_not_started_again(harness: Harness, tmp_path: Path) -> None:
    text = SCENARIO.replace("times: 1}", "nth: 50, times: 1}")
    ended = run(harness, tmp_path, "", "--json", text=text)
    assert ended.status == 3 and ended.object["violations"] == {}, ended
    assert "runner-again was never started: no fault has killed its process" in ended.object["not_exercised"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("kill: true, times: 1", "stop_ms: 5, times: 1", "nothing kills the process; add a fault"),
        ("role: cron, process: cron", "role: cron, name: runner-again", "the lane is called 'runner-again'"),
        ("after_ms: 5000", "after_ms: -1", "after_ms"),
        ("after_ms: 5000", "after_ms: 5000, pid: old", "pid"),
    ],
)
def test_a_restart_that_cannot_be_is_refused(
    harness: Harness, tmp_path: Path, old: str, new: str, why: str
) -> None:
    ended = run(harness, tmp_path, "", text=SCENARIO.replace(old, new))
    assert ended.status == 2 and why in ended.err, ended
