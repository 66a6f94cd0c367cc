"""Scripts rely on the output of `run --json`: every field, and the same for the same seed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.results.summary_schema import schema
from tests.acceptance.harness_process import ROGUE, ROOT, Harness, write_scenario
from tests.json_schema import accepts
from tests.patience import at_some_patience

pytestmark = pytest.mark.requires("kernel-gate")

FIELDS = {
    "scenario": str,
    "fence": str,
    "policy": str,
    "gate": str,
    "strategy": str,
    "seed": int,
    "schedules": int,
    "steps": int,
    "verdicts": dict,
    "violations": dict,
    "first_violation": dict | None,
    "expected": bool,
    "exhausted": bool,
    "inconclusive": int,
    "wall_s": float,
    "steps_per_s": float,
}

VERDICTS = {"true_positive", "true_negative", "false_positive", "missed_takeover", "racing"}

SCHEMA = schema()
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"

#: Fields that a machine, its load and the number of explorers may change.
INCIDENTAL = ("wall_s", "steps_per_s", "workers", "peak_bytes", "explorers", "shrunk")


def _essence(found: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that must be the same whenever the same is asked."""
    essence = {name: value for name, value in found.items() if name not in INCIDENTAL}
    if essence["first_violation"]:
        essence["first_violation"] = {
            name: value for name, value in essence["first_violation"].items() if name != "witness"
        }
    return essence


def test_each_scenario_and_fence_has_an_object_with_every_field(harness: Harness) -> None:
    ended = harness.run(QUICKSTART, "--schedules", 64, "--seed", 7, "--json")
    assert (ended.status, ended.err) == (0, "")
    assert [(found["scenario"], found["fence"]) for found in ended.objects] == [
        ("quickstart", "stat-2026.5.17"),
        ("quickstart", "ledger"),
    ]
    for found in ended.objects:
        assert all(isinstance(found[name], kind) for name, kind in FIELDS.items()), found
        assert accepts(SCHEMA, found) and set(found) <= set(SCHEMA["properties"])
        assert set(found["verdicts"]) == VERDICTS
        assert (found["seed"], found["schedules"], found["gate"]) == (7, 64, "kernel")
        assert found["steps"] > 64
    broken, sound = ended.objects
    assert broken["violations"]["false_positive"] == broken["verdicts"]["false_positive"] > 0
    assert set(broken["first_violation"]) == {"kind", "schedule", "witness"}
    assert Path(broken["first_violation"]["witness"]) in harness.witnesses()
    assert (sound["violations"], sound["first_violation"]) == ({}, None)
    assert (broken["result"], sound["result"]) == ("expected", "pass")
    assert harness.verdicts() == ended.objects


def test_the_same_seed_gives_the_same_for_any_explorers(harness: Harness) -> None:
    results = []
    for explorers in (1, 1, 2):
        ended = harness.run(QUICKSTART, "--schedules", 40, "--explorers", explorers, "--json")
        assert ended.status == 0
        assert {found["explorers"] for found in ended.objects} == {explorers}
        results.append([_essence(found) for found in ended.objects])
    assert results[0] == results[1] == results[2]


def test_another_seed_gives_something_else(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    steps = [
        harness.run(scenario, "--fence", "none", "--seed", seed, "--json").object["steps"] for seed in (1, 2)
    ]
    assert steps[0] != steps[1]


def test_a_violation_that_is_not_expected_is_status_1(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 40, "--json")
    assert ended.status == 1
    assert ended.object["expected"] is False
    assert ended.object["unexpected"] == ["missed_takeover was not expected"]


def test_an_expected_violation_that_does_not_show_is_status_1(harness: Harness, tmp_path: Path) -> None:
    text = write_scenario(tmp_path).read_text().replace("expect: {}", "expect: {none: [crash]}")
    ended = harness.run(write_scenario(tmp_path, text), "--schedules", 3, "--json")
    assert ended.status == 1
    assert ended.object["expected"] is False
    assert ended.object["unexpected"] == ["crash was expected and did not show in 3 schedules"]


def test_a_time_limit_stops_the_whole_run_and_says_so(harness: Harness, tmp_path: Path) -> None:
    arguments = (write_scenario(tmp_path), "--fence", "none", "--fence", "ledger", "--schedules", 10**9)

    def stops(limit_s: float) -> None:
        ended = harness.run(*arguments, "--time-limit-s", limit_s, "--json")
        assert ended.status == 3
        for found in ended.objects:
            assert found["stopped"] == "time limit"
            assert any("a pass needs" in reason for reason in found["not_exercised"])
            assert 0 < found["schedules"] < 10**9

    at_some_patience(stops)


def test_a_search_runs_one_schedule_however_short_the_time(harness: Harness, tmp_path: Path) -> None:
    limit = ("--schedules", 10**9, "--time-limit-s", 0.001)
    ended = harness.run(write_scenario(tmp_path), "--fence", "none", *limit, "--json")
    assert ended.status == 3
    assert ended.object["stopped"] == "time limit"
    assert 1 <= ended.object["schedules"] < 10**9


def test_a_run_late_for_its_limit_begins_the_first_search(tmp_path: Path) -> None:
    """A clock that leaps by an hour as soon as the limit is set."""
    code = (
        "import itertools, sys, time, types\n"
        "import harness.cli.time_budget as budget\n"
        "hours = itertools.chain([0], itertools.repeat(3600))\n"
        "budget.time = types.SimpleNamespace(monotonic=lambda: time.monotonic() + next(hours))\n"
        "from harness.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    limit = ("--schedules", str(10**9), "--time-limit-s", "2", "--json", "--out", str(tmp_path / "out"))
    fences = ("--fence", "none", "--fence", "ledger")
    command = [sys.executable, "-c", code, "run", str(write_scenario(tmp_path)), *fences, *limit]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stderr == "" and ended.returncode == 3
    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    assert first["schedules"] >= 1 and second["schedules"] == 0


def test_a_time_limit_leaves_out_scenarios_without_time(harness: Harness, tmp_path: Path) -> None:
    for number in range(40):
        write_scenario(tmp_path, name=f"s{number}.yaml")
    ended = harness.run(tmp_path, "--fence", "none", "--time-limit-s", 0.3, "--json")
    assert ended.status == 3
    begun = [found for found in ended.objects if found["explorers"]]
    assert (len(ended.objects), ended.objects[: len(begun)]) == (40, begun)
    assert begun
    # The last one was begun in time, so those before it were over in time.
    assert sum(found["wall_s"] for found in begun[:-1]) <= 0.31
    left = ended.objects[len(begun) :]
    assert {(found["schedules"], found["stopped"]) for found in left} == {(0, "time limit")}
    assert {found["why_inconclusive"] for found in left} == {"only 0 of 20 schedules were run"}


def test_an_expectation_cut_off_by_a_time_limit_is_inconclusive(harness: Harness, tmp_path: Path) -> None:
    text = write_scenario(tmp_path).read_text().replace("expect: {}", "expect: {none: [crash]}")
    ended = harness.run(write_scenario(tmp_path, text), "--schedules", 10**9, "--time-limit-s", 0.2, "--json")
    assert ended.status == 3
    assert ended.object["expected"] is False
    assert "schedules were run, and crash did not show yet" in ended.object["why_inconclusive"]


def test_a_time_limit_without_json_is_told(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(
        write_scenario(tmp_path), "--fence", "none", "--schedules", 10**9, "--time-limit-s", 0.2
    )
    assert ended.status == 3
    assert "stopped, time limit, 1000000000 were wanted" in ended.out
    assert "NOT EXERCISED" in ended.out
