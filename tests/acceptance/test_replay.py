"""Every stored witness replays, and every stored history is judged the same again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import ROGUE, ROOT, Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

# An order that only a fixed hash seed repeats.
FENCES = """\
class Hashes(Fence):
    def guarded_write(self, entries):
        for name in {"".join(letters) for letters in ("ab", "cd", "ef", "gh", "ij", "kl")}:
            os.path.exists(f"{self.path}.{name}")
        super().guarded_write(entries)
        raise KeyError("on purpose")


class Dies(Fence):
    def guarded_write(self, entries):
        raise KeyError("on purpose")

    def end_turn(self):
        os.system("kill -9 $PPID")
"""


def _replay(harness: Harness, witness: Path, *arguments: object) -> Ended:
    allowed = ("--allow-programs", "--session-root", harness.session_root)
    return harness.call("replay", witness, *allowed, *arguments)


def test_every_witness_replays_to_its_verdict_at_its_step(harness: Harness, tmp_path: Path) -> None:
    files = (ROOT / "scenarios" / "quickstart.yaml", write_scenario(tmp_path, ROGUE))
    fences = ("--fence", "stat-2026.5.17", "--fence", "none")
    assert harness.run(*files, *fences, "--schedules", 20, "--no-shrink", "--json").status in (0, 1)
    assert len(harness.witnesses()) >= 2
    for path in harness.witnesses():
        witness = json.loads(path.read_text())
        replayed = _replay(harness, path, "--json")
        assert replayed.status == 0, (path, replayed)
        assert replayed.object["kind"] == witness["claim"]["kind"]
        assert replayed.object["violation"] is True
        assert replayed.object["same_step"] is True
        assert replayed.object["same_history"] is True
        assert replayed.object["diverged"] == ""

        judged = harness.call("judge", path.with_suffix(".history.jsonl"), "--json")
        assert judged.status == 1
        kinds = {found["kind"] for found in judged.object["judgement"]["violations"]}
        assert witness["claim"]["kind"] in kinds
        assert judged.object["counts"] == replayed.object["verdicts"]


def test_witnesses_with_mishaps_replay(harness: Harness) -> None:
    """A killed process, a stopped one, a slow disk, a jump of time, an interrupted wait, a hidden process."""
    controls = {
        "holder-killed": "lock-dead-is-held",
        "holder-stopped": "ledger-checks-before-write",
        "slow-disk": "lock-grace-too-short",
        "laptop-closed": "ledger-late-is-takeover",
        "wait-interrupted": "lock-interrupted-is-held",
        "two-containers": "ledger-robs-the-dead",
    }
    for scenario, fence in controls.items():
        file = ROOT / "scenarios" / f"{scenario}.yaml"
        arguments = ("--fence", fence, "--schedules", 30, "--no-shrink", "--json")
        assert harness.run(file, *arguments).status == 0, scenario
    found = {path.name.partition(".")[0] for path in harness.witnesses()}
    assert found == set(controls)
    for path in harness.witnesses():
        replayed = _replay(harness, path, "--json")
        assert (replayed.status, replayed.object["same_history"]) == (0, True), (path, replayed)


def test_a_witness_from_which_a_lane_was_shrunk_away_replays(harness: Harness, tmp_path: Path) -> None:
    crowded = ROGUE.replace(
        "  - role: editor\n", "  - role: heartbeat\n    process: other\n  - role: editor\n"
    )
    harness.run(write_scenario(tmp_path, crowded), "--fence", "none", "--schedules", 20)
    (small,) = (harness.out / "witnesses").glob("*.shrunk.json")
    assert len(json.loads(small.read_text())["program"]["lanes"]) == 2
    replayed = _replay(harness, small, "--json")
    assert (replayed.status, replayed.object["same_history"]) == (0, True)


def test_a_fence_that_depends_on_hash_order_replays(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, FENCES)
    assert (
        harness.run(
            write_scenario(tmp_path), "--fence", f"{fences}:Hashes", "--schedules", 1, "--no-shrink"
        ).status
        == 1
    )
    (witness,) = harness.witnesses()
    replayed = _replay(harness, witness, "--json")
    assert (replayed.status, replayed.object["same_history"]) == (0, True)


def test_a_replay_tells_the_story(harness: Harness) -> None:
    harness.run(
        ROOT / "scenarios" / "quickstart.yaml", "--fence", "stat-2026.5.17", "--schedules", 10, "--no-shrink"
    )
    (witness,) = harness.witnesses()
    told = _replay(harness, witness)
    assert told.status == 0
    assert told.out.startswith("false positive: runner refused its guarded_write")
    assert "(the same history, step by step)" in told.out
    assert "<== FALSE POSITIVE" in told.out


def test_a_replay_with_a_better_fence_says_nothing_is_left(harness: Harness) -> None:
    harness.run(
        ROOT / "scenarios" / "quickstart.yaml", "--fence", "stat-2026.5.17", "--schedules", 10, "--no-shrink"
    )
    (witness,) = harness.witnesses()
    replayed = _replay(harness, witness, "--fence", "ledger")
    assert replayed.status == 1
    assert _replay(harness, witness, "--fence", "ledger", "--expect", "gone").status == 0
    assert _replay(harness, witness, "--expect", "gone").status == 1
    assert "no false positive any more with ledger" in replayed.out
    assert "differs from the record: step " in replayed.out


def test_a_proved_violation_is_told_in_an_inconclusive_schedule(harness: Harness, tmp_path: Path) -> None:
    fence = ("--fence", f"{write_fence(tmp_path, FENCES)}:Dies")
    scenario = write_scenario(tmp_path)
    harness.run(scenario, *fence, "--schedules", 1, "--no-shrink")
    (witness,) = harness.witnesses()
    replayed = _replay(harness, witness)
    assert replayed.status == 0
    assert "killed by signal 9; the rest is proved all the same\ncrash: " in replayed.out
    assert _replay(harness, witness, "--json").object["shows"] == "as recorded"
    judged = harness.call("judge", witness.with_suffix(".history.jsonl"))
    assert judged.status == 1
    assert "inconclusive: " in judged.out and "crash: " in judged.out
    kept = scenario.with_suffix(".witnesses")
    kept.mkdir()
    shutil.copy(witness, kept)
    recalled = harness.run(scenario, *fence, "--schedules", 1, "--no-shrink", "--json")
    assert recalled.status == 1
    (known,) = recalled.object["known"]
    assert (known["shows"], known["unexpected"]) == ("as recorded", ["crash"])
    assert "killed by signal 9" in known["inconclusive"]


def test_a_replay_of_which_nothing_is_known_is_inconclusive(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, FENCES)
    harness.run(write_scenario(tmp_path), "--fence", f"{fences}:Hashes", "--schedules", 1, "--no-shrink")
    (witness,) = harness.witnesses()
    dead = fences.with_name("dead.py")
    dead.write_text(fences.read_text().replace('raise KeyError("on purpose")', "os.system('kill -9 $PPID')"))
    replayed = _replay(harness, witness, "--fence", f"{dead}:Hashes", "--expect", "gone")
    assert replayed.status == 3
    assert "killed by signal 9" in replayed.out and "proved" not in replayed.out


def test_another_policy_can_see_a_history_otherwise(harness: Harness) -> None:
    harness.run(
        ROOT / "scenarios" / "quickstart.yaml", "--fence", "stat-2026.5.17", "--schedules", 10, "--no-shrink"
    )
    (witness,) = harness.witnesses()
    history = witness.with_suffix(".history.jsonl")
    assert harness.call("judge", history).status == 1
    other = harness.call("judge", history, "--policy", "runner-appends", "--json")
    assert other.status == 0
    assert other.object["counts"]["true_positive"] > 0
    unknown = harness.call("judge", history, "--policy", "anarchy")
    assert unknown.status == 2
    assert "anarchy" in unknown.err


DAMAGED = {
    "missing": None,
    "empty": b"",
    "no json": b"{",
    "an array": b"[]",
    "another version": b'{"version": 99}',
    "another thing": b'{"version": 1}',
    "binary": bytes(range(256)),
}


def test_the_replay_command_of_a_failure_works_as_written(harness: Harness, tmp_path: Path) -> None:
    out = tmp_path / "it's a folder"
    ended = harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 10, "--out", out)
    (command,) = re.findall(r"^  replay: (.*)$", ended.out, re.MULTILINE)
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "(the same history, step by step)" in done.stdout


def _changed(witness: dict[str, Any], name: str) -> str:
    if name == "lane":
        witness["schedule"]["choices"][3] = [99, 0, 0]
        return "the schedule names lane 99, the program has 2"
    if name == "gate":
        witness["gate"] = "iron"
        return "gate 'iron', expected one of kernel, free"
    if name == "time":
        witness["program"]["clock_start_ns"] = -1
        return "clock_start_ns -1 is no time"
    if name == "scenario":
        witness["scenario"]["lanes"].pop()
        return "the program has a lane 'editor', the scenario none"
    witness["version"] = 2
    return "version 2, expected 1; replay it with the release that wrote it"


def test_another_json_file_is_no_witness_of_an_older_release(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"name": "mine"}')
    ended = _replay(harness, path)
    assert (ended.status, ended.err) == (2, f"{path}: has no version; expected a witness that `run` wrote\n")


@pytest.mark.parametrize("name", ["lane", "gate", "time", "scenario", "version"])
def test_a_witness_whose_parts_do_not_fit_is_refused(harness: Harness, tmp_path: Path, name: str) -> None:
    harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 10, "--no-shrink")
    (path,) = harness.witnesses()
    witness = json.loads(path.read_text())
    words = _changed(witness, name)
    path.write_text(json.dumps(witness))
    ended = _replay(harness, path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"{path}: {words}")


@pytest.mark.parametrize("command", ["replay", "judge"])
def test_a_witness_cut_off_is_refused(harness: Harness, tmp_path: Path, command: str) -> None:
    harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 10, "--no-shrink")
    (path,) = harness.witnesses()
    path.write_bytes(path.read_bytes()[:-100])
    ended = harness.call(command, path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"{path}: ")


def test_judge_reads_the_history_in_a_witness(harness: Harness, tmp_path: Path) -> None:
    harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 10)
    (path,) = harness.witnesses()
    beside = harness.call("judge", path.with_suffix(".history.jsonl"), "--json")
    assert beside.status == 1
    assert harness.call("judge", path, "--json") == beside


@pytest.mark.parametrize("command", ["replay", "judge"])
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_with_its_name(
    harness: Harness, tmp_path: Path, command: str, content: bytes | None
) -> None:
    path = tmp_path / "damaged.json"
    if content is not None:
        path.write_bytes(content)
    ended = harness.call(command, path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"{path}:")


def test_a_witness_whose_fence_is_gone_is_refused(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, FENCES)
    assert (
        harness.run(
            write_scenario(tmp_path), "--fence", f"{fences}:Hashes", "--schedules", 1, "--no-shrink"
        ).status
        == 1
    )
    (witness,) = harness.witnesses()
    fences.unlink()
    ended = _replay(harness, witness)
    assert (ended.status, ended.out) == (2, "")
    assert f"no file {fences}" in ended.err
