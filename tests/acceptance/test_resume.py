"""A run that ended early goes on: nothing is lost, nothing is run twice, and it comes to the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import (
    ROGUE,
    SCENARIO,
    Ended,
    Harness,
    Running,
    eventually,
    write_fence,
    write_scenario,
)

pytestmark = pytest.mark.requires("kernel-gate")

# It stops in the midst of a schedule for as long as the file beside it exists, and does nothing else.
FENCES = """\
FLAG = os.path.join(os.path.dirname(__file__), "wait")


class Stops(Fence):
    calls = 0

    def guarded_write(self, entries):
        Stops.calls += 1
        if Stops.calls == 120:
            ctypes.CDLL(None).prctl(15, b"waiting")
            while os.path.exists(FLAG):
                pass
        super().guarded_write(entries)


class Slow(Fence):
    def guarded_write(self, entries):
        for _ in range(100_000):
            pass
        while os.path.exists(FLAG):
            pass
        super().guarded_write(entries)
"""
#: `none` and the fences above let it in, which their scenario does not expect: witnesses, and exit status 1.
TEXT = ROGUE.replace("schedules: 20", "schedules: 260")
#: Fields about a run's time, its machine and its folder; everything else has to be the same.
APART = ("wall_s", "steps_per_s", "workers", "peak_bytes", "explorers", "first_violation", "shrunk")


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    return write_fence(tmp_path, FENCES)


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The two say the same of the schedules."""
    for name, value in one.items():
        if name not in APART:
            assert value == other[name], name
    assert one["first_violation"]["schedule"] == other["first_violation"]["schedule"]


def without_pause(harness: Harness, *arguments: object) -> list[dict[str, Any]]:
    """Return what an undisturbed run says."""
    out = harness.out.with_name("whole")
    ended = harness.run(*arguments, "--json", "--out", out)
    shutil.rmtree(out)
    return ended.objects


def waiting(running: Running) -> None:
    """Wait until a worker waits, and the findings until then are stored."""
    eventually(lambda: running.worker_named("waiting") or running.process.poll() is not None)
    assert running.process.poll() is None, running.end()


def resume(harness: Harness, *arguments: object) -> Ended:
    return harness.call("run", "--resume", harness.out, "--allow-programs", "--no-shrink", *arguments)


def test_a_killed_run_keeps_its_results_and_goes_on(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path
) -> None:
    scenario = write_scenario(tmp_path, TEXT)
    arguments = (scenario, "--fence", f"{fences}:Stops", "--seed", 3, "--no-shrink")
    with harness.start_run(*arguments, "--explorers", 2) as running:
        waiting(running)
        eventually(lambda: list(harness.out.glob("witnesses/*.history.jsonl")))
        running.process.kill()
        running.process.wait(600)
        eventually(lambda: not running.family())
    assert harness.verdicts() == []
    (witness,) = harness.witnesses()
    flag.unlink()
    replayed = harness.call(
        "replay", witness, "--allow-programs", "--session-root", harness.session_root, "--json"
    )
    assert (replayed.status, replayed.object["same_history"]) == (0, True)
    ended = resume(harness, "--json")
    assert ended.status == 1
    (whole,) = without_pause(harness, *arguments)
    same(ended.object, whole)
    assert ended.object["schedules"] == 260
    assert ended.object["explorers"] == 2
    assert harness.verdicts() == ended.objects
    assert harness.witnesses() == [Path(ended.object["first_violation"]["witness"])]
    report = (harness.out / "report.html").read_text()
    assert "--seed 3" in report
    assert "--resume" not in report


def test_schedules_that_a_killed_explorer_left_are_run_later(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path
) -> None:
    scenario = write_scenario(tmp_path, TEXT)
    arguments = (scenario, "--fence", f"{fences}:Stops", "--no-shrink")
    with harness.start_run(*arguments, "--json") as running:
        waiting(running)
        (explorer,) = running.explorers()
        explorer.kill()
        cut = running.end()
    assert cut.object["why_inconclusive"] == "an explorer process was killed by signal 9"
    assert 0 < cut.object["schedules"] < 260
    flag.unlink()
    ended = resume(harness, "--json", "--explorers", 3)
    (whole,) = without_pause(harness, *arguments)
    same(ended.object, whole)
    assert (whole["why_inconclusive"], whole["inconclusive"]) == ("", 0)


def test_a_run_goes_on_after_time_limits_and_an_interrupt(
    harness: Harness, tmp_path: Path, fences: Path
) -> None:
    scenario = write_scenario(tmp_path, TEXT)
    arguments = (scenario, "--fence", f"{fences}:Slow", "--schedules", 300, "--explorers", 1, "--no-shrink")
    ended = harness.run(*arguments, "--json", "--time-limit-s", 0.1)
    limited = ended.object
    assert (limited["stopped"], 0 < limited["schedules"] < 300) == ("time limit", True)
    # Without a limit of its own it has the one that it had.
    again = resume(harness, "--json").object
    assert again["stopped"] == "time limit"
    assert limited["schedules"] < again["schedules"] < 300
    flag = tmp_path / "wait"
    flag.touch()
    words = ("run", "--resume", harness.out, "--allow-programs", "--time-limit-s", 5000, "--json")
    with harness.start(*words) as running:
        eventually(running.workers)
        running.process.send_signal(signal.SIGINT)
        flag.unlink()
        interrupted = running.end()
    assert interrupted.status == 130
    assert again["schedules"] <= interrupted.object["schedules"] < 300
    ended = resume(harness, "--json", "--time-limit-s", 5000)
    (whole,) = without_pause(harness, *arguments)
    same(ended.object, whole)
    assert ended.object["wall_s"] > again["wall_s"] > limited["wall_s"] > 0


def test_finished_questions_are_told_and_not_asked_again(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    write_scenario(folder, TEXT, "a.yaml")
    write_scenario(folder, SCENARIO, "b.yaml")
    both = ("--fence", "none", "--fence", f"{fences}:Stops")
    with harness.start_run(folder, *both, "--junit", tmp_path / "junit.xml") as running:
        waiting(running)
        running.process.kill()
        running.process.wait(600)
        eventually(lambda: not running.family())
    (finished,) = harness.verdicts()
    assert finished["shrunk"]
    page = None
    flag.unlink()
    for _ in range(2):
        ended = harness.call("run", "--resume", harness.out, "--allow-programs", "--json")
        assert ended.status == 1
        # To the letter, its seconds included.
        assert ended.objects[0] == finished
        assert [one["fence"] for one in ended.objects] == ["none", f"{fences}:Stops"] * 2
        assert [one["stopped"] for one in ended.objects] == [""] * 4
        assert harness.verdicts() == ended.objects
        report = (harness.out / "report.html").read_text()
        assert report.count("</article>") == 2  # none and Stops, each with its picture
        junit = (tmp_path / "junit.xml").read_text()
        assert junit.count("<testcase") == 4
        assert "not run" not in junit
        # The second time nothing at all was left to do.
        page = page or ended.objects
        assert ended.objects == page
    told = harness.call("run", "--resume", harness.out, "--allow-programs")
    assert told.out.count("finished before") == 4
    assert "replay: " in told.out


def test_a_run_of_something_else_is_refused(harness: Harness, tmp_path: Path, fences: Path) -> None:
    scenario = write_scenario(tmp_path)
    assert harness.run(scenario, "--fence", f"{fences}:Slow", "--schedules", 3).status == 0

    def refused(*arguments: object) -> str:
        ended = harness.call("run", "--resume", harness.out, "--allow-programs", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert "begin a new run" in ended.err
        return ended.err

    assert "seed was 1, and 9 is asked for" in refused("--seed", 9)
    assert "schedules was 3, and 4 is asked for" in refused("--schedules", 4)
    assert "strategy was portfolio, and pos is asked for" in refused("--strategy", "pos")
    assert "gate was kernel, and free is asked for" in refused("--gate", "free")
    assert "asked for is small / none" in refused("--fence", "none")
    fences.write_text(fences.read_text() + "# changed\n")
    write_scenario(tmp_path, SCENARIO.replace("think_steps: 2", "think_steps: 3"))
    both = refused()
    assert "the fence's file has changed since" in both
    assert "the scenario has changed since: lanes" in both
    plan = harness.out / "plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "code": "0123"}))
    assert "another version of the harness" in refused()
    assert harness.verdicts()[0]["schedules"] == 3


def test_a_folder_without_a_run_is_refused(harness: Harness, tmp_path: Path) -> None:
    ended = harness.call("run", "--resume", tmp_path / "nowhere")
    assert ended.status == 2
    assert f"{tmp_path}/nowhere/plan.json: {os.strerror(2)}; give the folder of a run" in ended.err
    ended = harness.call("run")
    assert ended.status == 2
    assert "expected a SCENARIO.yaml, or --resume" in ended.err


def test_two_cannot_work_on_one_run(harness: Harness, tmp_path: Path, fences: Path, flag: Path) -> None:
    scenario = write_scenario(tmp_path, TEXT)
    with harness.start_run(scenario, "--fence", f"{fences}:Stops") as running:
        waiting(running)
        for arguments in (("--resume", harness.out), (scenario, "--out", harness.out)):
            # No context: it would take the run under way for its own.
            ended = harness.start("run", *arguments, "--fence", f"{fences}:Stops").end()
            assert ended.status == 2
            assert "another process is at work on the run there" in ended.err
        flag.unlink()
        assert running.end().status == 1
