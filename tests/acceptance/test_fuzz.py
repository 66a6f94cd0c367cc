"""``fuzz`` finds scenarios by itself, and its scenarios can be run, replayed and committed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import yaml

from tests.acceptance.harness_process import Harness, eventually, write_fence
from tests.patience import at_some_patience, impatient

pytestmark = pytest.mark.requires("kernel-gate")

# Shows by its process's name that a scenario is being run. Every guarded write crashes, or none does.
FENCES = """\
class Sound(Fence):
    def begin_turn(self):
        ctypes.CDLL(None).prctl(15, b"busy")
        super().begin_turn()


class Crashing(Sound):
    def guarded_write(self, entries):
        raise RuntimeError("no")


class Hanging(Fence):
    def begin_turn(self):
        ctypes.CDLL(None).prctl(15, b"busy")
        while True:
            pass
"""


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    return write_fence(tmp_path, FENCES)


def _folders(harness: Harness) -> list[object]:
    return ["--session-root", harness.session_root, "--out", harness.out]


def test_a_found_flaw_has_a_usable_scenario_and_witness(
    harness: Harness, fences: Path, tmp_path: Path
) -> None:
    # All that this fence can show is a crash, so that the rest of the time finds nothing else.
    fence = f"{fences}:Crashing"

    def finds(limit_s: float) -> None:
        out = tmp_path / f"out{limit_s}"
        folders = ("--session-root", harness.session_root, "--out", out)
        ended = harness.call("fuzz", "--fence", fence, "--time-limit-s", limit_s, "--json", *folders)
        assert ended.status == 1, ended
        found = {violation["kind"]: violation for violation in ended.object["violations"]}
        assert ended.object["refused"] == 0
        crash = found["crash"]
        scenario = Path(crash["scenario"])
        written = yaml.safe_load(scenario.read_text())
        assert written["source"] == "fuzz, seed 1"
        assert written["lanes"] == [{"role": "runner"}]
        assert written["expect"] == {fence: ["crash"]}
        again = harness.run(scenario, "--allow-programs", "--out", out / "again", "--no-shrink", "--json")
        assert (again.status, again.object["expected"]) == (0, True)
        replayed = harness.call(
            "replay", crash["witness"], "--allow-programs", "--session-root", harness.session_root
        )
        assert replayed.status == 0, replayed
        assert [
            json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()
        ] == ended.objects

    at_some_patience(finds, (4.0, 20.0, 120.0))


def test_merged_shards_have_the_catch_of_a_hunt(harness: Harness, fences: Path, tmp_path: Path) -> None:
    fence = f"{fences}:Crashing"

    def finds(limit_s: float) -> None:
        shards = [tmp_path / f"shard {number} of {limit_s}" for number in (1, 2)]
        for number, out in enumerate(shards, 1):
            asked = ("--fence", fence, "--time-limit-s", limit_s, "--shard", f"{number}/2", "--out", out)
            ended = harness.call("fuzz", *asked, "--session-root", harness.session_root)
            assert ended.status == 1, ended
        ended = harness.call("merge", *shards, "--json", "--out", tmp_path / f"merged {limit_s}")
        assert ended.status == 1, ended
        (crash,) = (found for found in ended.object["violations"] if found["kind"] == "crash")
        out = tmp_path / f"again {limit_s}"
        again = harness.run(crash["scenario"], "--allow-programs", "--no-shrink", "--json", "--out", out)
        assert again.object["expected"]

    at_some_patience(finds, (2.0, 20.0, 120.0))


def test_ctrl_c_ends_a_hunt_and_leaves_nothing_behind(harness: Harness, fences: Path) -> None:
    arguments = ["--fence", f"{fences}:Sound", "--time-limit-s", 600, "--json", *_folders(harness)]
    with harness.start("fuzz", *arguments) as running:
        eventually(lambda: running.worker_named("busy") or running.process.poll() is not None)
        os.killpg(running.process.pid, signal.SIGINT)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.err) == (130, "")
    assert ended.object["stopped"] == "interrupted"
    assert harness.verdicts() == ended.objects


def test_no_schedule_that_came_to_an_end_is_no_pass(harness: Harness, fences: Path) -> None:
    arguments = ("--fence", f"{fences}:Hanging", "--time-limit-s", 1, "--json", *_folders(harness))
    ended = harness.call("fuzz", *arguments, environment=impatient())
    assert ended.status == 3, ended
    assert ended.object["violations"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fence", "nobody"], "--fence nobody: unknown fence"),
        (["--fence", "none", "--policy", "nothing"], "policy 'nothing': unknown"),
        (["--fence", "none", "--time-limit-s", "0"], "must be > 0"),
        ([], "--fence"),
    ],
)
def test_bad_arguments_run_nothing(harness: Harness, arguments: list[str], says: str) -> None:
    ended = harness.call("fuzz", *arguments, *_folders(harness))
    assert ended.status == 2
    assert says in ended.err
    assert not harness.out.exists()
