"""``shrink``, the shrinking that ``run`` does by itself, and the witnesses that a scenario keeps."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import ROGUE, ROOT, Harness, eventually, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
STAT = ("--fence", "stat-2026.5.17")

SLOW = """\
class Slow(Fence):
    about = "nothing is checked, and each write takes its time"

    def guarded_write(self, entries):
        for _ in range(3_000_000):
            pass
        super().guarded_write(entries)


class Tiring(Fence):
    about = "nothing is checked; after some writes it says so by its process's name and takes its time"
    calls = 0

    def guarded_write(self, entries):
        Tiring.calls += 1
        if Tiring.calls > 4:
            ctypes.CDLL(None).prctl(15, b"busy")
            for _ in range(30_000_000):
                pass
        super().guarded_write(entries)
"""


@pytest.fixture
def found(harness: Harness) -> Path:
    """Return a witness as it was found."""
    assert harness.run(QUICKSTART, *STAT, "--schedules", 5, "--no-shrink").status == 0
    assert not list((harness.out / "witnesses").glob("*.shrunk.*"))
    (witness,) = harness.witnesses()
    return witness


def shrink(harness: Harness, *arguments: object) -> Any:
    limit = () if "--time-limit-s" in arguments else ("--time-limit-s", 1000)
    return harness.call("shrink", "--session-root", harness.session_root, *arguments, *limit)


def replayed(harness: Harness, witness: object) -> dict[str, Any]:
    words = ("--allow-programs", "--session-root", harness.session_root, "--json")
    return harness.call("replay", witness, *words).object


def test_a_shrunk_witness_is_stored_beside_the_original_and_replays(harness: Harness, found: Path) -> None:
    ended = shrink(harness, found, "--json")
    assert (ended.status, ended.err) == (0, "")
    told = ended.object
    assert (told["witness"], told["kind"], told["finished"]) == (str(found), "false_positive", True)
    small = Path(told["shrunk"])
    assert small == found.with_suffix(".shrunk.json")
    assert told["steps"]["after"] < told["steps"]["before"]
    assert told["switches"]["after"] == 2
    assert {pair["clean"] for pair in told["critical"]} == {True}
    again = replayed(harness, small)
    assert (again["shows"], again["same_history"], again["diverged"]) == ("as recorded", True, "")
    judged = harness.call("judge", small.with_suffix(".history.jsonl"), "--json")
    assert judged.object["counts"]["false_positive"] == 1


def test_the_story_names_the_deciding_order_and_ends_with_the_command(
    harness: Harness, found: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small.json"
    ended = shrink(harness, found, "--out", small)
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("false positive: runner refused its guarded_write")
    assert lines[-1] == f"replay: {sys.executable} -m harness replay {small}"
    assert (
        "deciding order: heartbeat's openat T.lock (acquire) before runner's openat T.lock (guarded_write)"
        in ended.out
    )
    assert "shrunk from " in ended.out
    told = harness.call("replay", small, "--session-root", harness.session_root)
    assert "deciding order: " in told.out


def test_the_same_witness_shrinks_to_the_same_file(harness: Harness, found: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert shrink(harness, found, "--out", tmp_path / name, "--time-limit-s", 1000).status == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_violation_that_no_longer_shows_cannot_be_shrunk(harness: Harness, found: Path) -> None:
    witness = json.loads(found.read_text())
    witness["fence"] = "ledger"
    found.write_text(json.dumps(witness))
    ended = shrink(harness, found)
    assert (ended.status, ended.out) == (1, "")
    assert "nothing to shrink: it does not show the violation any more" in ended.err


def test_a_witness_of_the_free_gate_is_refused(harness: Harness, found: Path) -> None:
    witness = json.loads(found.read_text())
    witness["gate"] = "free"
    found.write_text(json.dumps(witness))
    ended = shrink(harness, found)
    assert (ended.status, ended.out) == (2, "")
    assert "free gate" in ended.err


def test_a_run_shrinks_the_first_violation_of_each_kind(harness: Harness) -> None:
    ended = harness.run(QUICKSTART, *STAT, "--schedules", 5)
    assert ended.status == 0
    small = next((harness.out / "witnesses").glob("*.shrunk.json"))
    assert f"replay: {sys.executable} -m harness replay {small}" in ended.out
    assert re.search(r"\(schedule \d, shrunk\)", ended.out)
    assert "deciding order: " in ended.out
    assert replayed(harness, small)["same_history"] is True
    (summary,) = harness.verdicts()
    (told,) = summary["shrunk"].values()
    assert told["witness"] == str(small)
    assert told["steps"]["after"] < told["steps"]["before"]


def test_expected_violations_are_shrunk_once_and_unexpected_ones_always(
    harness: Harness, tmp_path: Path
) -> None:
    files = []
    for name in ("a", "b"):
        for expected in ("[missed_takeover]", "[]"):
            text = ROGUE.replace("expect: {}", f"expect: {{none: {expected}}}")
            files.append(write_scenario(tmp_path, text, f"{name}{len(expected)}.yaml"))
    ended = harness.run(*files, "--schedules", 5, "--json")
    assert [bool(one["shrunk"]) for one in ended.objects] == [True, True, False, True]


def test_an_interrupt_while_it_shrinks_keeps_the_best_so_far(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, SLOW)
    scenario = write_scenario(tmp_path, ROGUE)
    harness.run(scenario, "--fence", f"{fences}:Tiring", "--schedules", 1, "--no-shrink")
    (witness,) = harness.witnesses()
    small = tmp_path / "small.json"
    limits = ("--session-root", harness.session_root, "--time-limit-s", 1000)
    arguments = (witness, "--allow-programs", *limits, "--out", small)
    with harness.start("shrink", *arguments) as running:
        eventually(lambda: running.worker_named("busy"))
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    assert replayed(harness, small)["violation"] is True


def test_a_time_limit_holds_for_search_and_shrinking_together(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, SLOW)
    ended = harness.run(
        write_scenario(tmp_path, ROGUE),
        *("--fence", f"{fences}:Slow", "--schedules", 100_000, "--time-limit-s", 2, "--json"),
    )
    assert ended.status in (1, 3)
    assert ended.object["stopped"] == "time limit"


def test_a_kept_witness_is_run_first_and_shows_again(harness: Harness, tmp_path: Path) -> None:
    text = QUICKSTART.read_text()
    strict = text[: text.index("expect:")] + "expect: {stat-2026.5.17: [], ledger: []}\n"
    scenario = write_scenario(tmp_path, strict, "kept.yaml")
    assert harness.run(scenario, *STAT, "--schedules", 5, "--keep").status == 1
    (kept,) = (tmp_path / "kept.witnesses").iterdir()

    # One schedule of another seed, which alone would not show it.
    shutil.rmtree(harness.out)
    ended = harness.run(scenario, "--schedules", 1, "--seed", 5, "--no-shrink")
    assert ended.status == 1
    assert "UNEXPECTED: known witness shows again: false_positive" in ended.out
    assert f"replay: {sys.executable} -m harness replay {kept} --fence stat-2026.5.17" in ended.out
    broken, sound = harness.verdicts()
    (known,) = broken["known"]
    assert (known["witness"], known["shows"]) == (str(kept), "as recorded")
    assert broken["expected"] is False
    assert broken["unexpected"][0] == "known witness shows again: false_positive"
    (known,) = sound["known"]
    assert (known["shows"], known["unexpected"]) == ("no", [])
    assert sound["expected"] is True


def test_a_kept_witness_that_is_expected_is_no_failure(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, QUICKSTART.read_text(), "kept.yaml")
    assert harness.run(scenario, *STAT, "--schedules", 5, "--keep").status == 0
    ended = harness.run(scenario, *STAT, "--schedules", 5, "--no-shrink")
    assert ended.status == 0
    assert "known witness shows again, as expected: false_positive" in ended.out


def test_shrink_can_keep_its_witness(harness: Harness, found: Path, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, name="other.yaml")
    told = shrink(harness, found, "--keep", scenario, "--json").object
    assert Path(told["kept"]).parent == tmp_path / "other.witnesses"
    assert Path(told["kept"]).read_bytes() == Path(told["shrunk"]).read_bytes()


@pytest.mark.parametrize("kind", ["nothing", "folder", "fifo", "device"])
def test_only_a_scenario_s_file_is_kept_beside(
    harness: Harness, found: Path, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/full")
    ended = shrink(harness, found, "--keep", place)
    assert (ended.status, ended.out) == (2, "")
    assert f"--keep {place}: is no file; give the scenario" in ended.err
    assert not list(tmp_path.glob("*.witnesses"))


def test_a_damaged_kept_witness_stops_the_run_before_it_begins(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, name="kept.yaml")
    (tmp_path / "kept.witnesses").mkdir()
    (tmp_path / "kept.witnesses" / "x.json").write_text("{")
    ended = harness.run(scenario, "--fence", "none", "--schedules", 5)
    assert (ended.status, ended.out) == (2, "")
    assert "x.json" in ended.err
