"""``report --trend`` finds the folders of runs and puts them in the order of their time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.results.summary import encode
from tests.harness.results.test_summary import summary


def night(folder: Path, found: int, plan: Any = None, scenario: str = "s") -> None:
    """Make the folder of a run in which so many schedules crash."""
    folder.mkdir(parents=True)
    folder.joinpath("plan.json").write_text(json.dumps({"command": "run"} if plan is None else plan))
    fields = {"violations": {"crash": found}, "firsts": {"crash": 6}} if found else {}
    folder.joinpath("verdicts.jsonl").write_text(encode(summary(scenario=scenario, **fields)) + "\n")


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    night(tmp_path / "b" / "20261129T020000Z-7", 0)
    # The time in the plan comes before that of the name.
    night(tmp_path / "a" / "results", 3, {"command": "run", "began": "2026-11-30 02:00"})
    night(tmp_path / "20261128T020000Z-1", 2)
    night(tmp_path / "20261201T020000Z-1", 9, {"command": "controls"})
    return tmp_path


def test_the_runs_are_compared_in_the_order_of_their_time(
    nights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--trend", str(nights)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "3 runs, 2026-11-28 02:00 to 2026-11-30 02:00 UTC",
        "  2026-11-29 02:00  went      s / f: crash not in 100 schedules; there on 2026-11-28 02:00",
        "  2026-11-30 02:00  appeared  s / f: crash in 3 of 100 schedules, the first after 7; "
        "not on 2026-11-29 02:00",
    ]
    assert lines[-1].split() == ["s", "f", "crash", "7", "-", "7"]


def test_json_has_all_of_it(nights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--trend", str(nights), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [name for name, _ in found["runs"]] == ["20261128T020000Z-1", "b/20261129T020000Z-7", "a/results"]
    assert [one["what"] for one in found["changes"]] == ["went", "appeared"]


def test_one_run_has_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night(tmp_path / "20261128T020000Z-1", 0, scenario="odd\x1b[2J")
    assert main(["report", "--trend", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "nothing to compare it with\nno run shows a violation" in out


def _refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["report", "--trend", str(folder)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


def test_a_folder_without_runs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no folder; give the one" in _refused(tmp_path / "missing", capsys)
    assert "no folder of a run is in it" in _refused(tmp_path, capsys)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("plan.json", "{", "plan.json: Input data was truncated; expected it as `run` wrote it"),
        ("plan.json", '{"command": 3}', "Expected `str`, got `int`"),
        ("verdicts.jsonl", '{"scenario": "s"}', "verdicts.jsonl:1: Object missing required field"),
    ],
)
def test_a_damaged_run_is_named(
    nights: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, words: str
) -> None:
    nights.joinpath("a", "results", name).write_text(text)
    assert words in _refused(nights, capsys)
