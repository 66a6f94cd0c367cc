"""Shards of `fuzz` are merged: figures are added up, and of each kind the smallest catch is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.cli.hunt_report import HuntReport, encode
from harness.explore.code_digest import code_digest, python_version
from harness.results.store import RunFolder


def report(fence: str, *violations: dict[str, Any], stopped: str = "", **more: Any) -> HuntReport:
    return HuntReport(
        fence=fence, policy="coordinated", seed=1, claims_sound=False, scenarios=3, schedules=70, refused=0,
        inconclusive=more.get("inconclusive", 0), why_inconclusive=more.get("why", ""),
        violations=list(violations), stopped=stopped, wall_s=more.get("wall_s", 1.0),
    )  # fmt: skip


def catch(where: Path, kind: str, text: str) -> dict[str, Any]:
    """Write the files of a catch, and return what a shard on another machine reports of it."""
    (where / "scenarios").mkdir(parents=True, exist_ok=True)
    (where / "witnesses").mkdir(exist_ok=True)
    (where / "scenarios" / f"fuzz-a-{kind}.yaml").write_text(text)
    (where / "witnesses" / f"fuzz-a-{kind}.shrunk.json").write_text(f"witness of {text}")
    (where / "witnesses" / f"fuzz-a-{kind}.shrunk.history.jsonl").write_text(f"history of {text}")
    elsewhere = f"/elsewhere/witnesses/fuzz-a-{kind}.shrunk.json"
    return {"kind": kind, "scenario": f"/elsewhere/fuzz-a-{kind}.yaml", "witness": elsewhere}


def shard(where: Path, number: int, *reports: HuntReport, seed: int = 1) -> Path:
    folder = RunFolder(str(where))
    plan = {"version": 1, "command": "fuzz", "code": code_digest(), "python": python_version()}
    questions = [{"fence": fence, "seed": seed} for fence in ("a", "b")]
    folder.plan({**plan, "arguments": {"shard": f"{number}/2"}, "questions": questions}, force=True)
    for one in reports:
        folder.verdict(encode(one))
    folder.close()
    return where


def merge(tmp_path: Path, *folders: Path) -> int:
    return main(["merge", *map(str, folders), "--json", "--out", str(tmp_path / "merged")])


def test_figures_are_added_and_the_smallest_catch_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    crash, small, lost = (
        catch(one, "crash", "a long scenario"), catch(two, "crash", "short"), catch(two, "lost_entry", "x"),
    )  # fmt: skip
    shard(one, 1, report("a", crash), report("b", wall_s=4.0))
    shard(two, 2, report("a", small, lost, inconclusive=1, why="why"), report("b"))
    assert merge(tmp_path, two, one) == 1
    out = capsys.readouterr().out
    assert (tmp_path / "merged" / "verdicts.jsonl").read_text() == out
    first, second = map(json.loads, out.splitlines())
    assert (first["scenarios"], first["schedules"], first["inconclusive"]) == (6, 140, 1)
    assert (first["why_inconclusive"], second["wall_s"], second["violations"]) == ("why", 4.0, [])
    found = {found["kind"]: found for found in first["violations"]}
    assert {kind: one["shard"] for kind, one in found.items()} == {"crash": "2/2", "lost_entry": "2/2"}
    kept = Path(found["crash"]["witness"])
    assert Path(found["crash"]["scenario"]).read_text() == "short"
    assert kept.read_text() == "witness of short"
    assert kept.with_suffix(".history.jsonl").read_text() == "history of short"
    # The same merge can be made again.
    assert merge(tmp_path, one, two) == 1


def test_no_violation_in_any_shard_is_a_pass(tmp_path: Path) -> None:
    folders = [shard(tmp_path / f"{one}", one, report("a"), report("b")) for one in (1, 2)]
    assert merge(tmp_path, *folders) == 0


@pytest.mark.parametrize("reports", [[report("a")], [report("a"), report("b", stopped="interrupted")]])
def test_a_hunt_that_is_not_over_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reports: list[HuntReport]
) -> None:
    one = shard(tmp_path / "1", 1, report("a"), report("b"))
    assert merge(tmp_path, one, shard(tmp_path / "2", 2, *reports)) == 2
    assert "shard 2/2 is not over: 1 of 2 fences" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


def test_a_catch_without_its_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = catch(tmp_path / "1", "crash", "text")
    (tmp_path / "1" / "witnesses" / "fuzz-a-crash.shrunk.history.jsonl").unlink()
    one = shard(tmp_path / "1", 1, report("a", found), report("b"))
    assert merge(tmp_path, one, shard(tmp_path / "2", 2, report("a"), report("b"))) == 2
    assert "fuzz-a-crash.shrunk.history.jsonl: No such file" in capsys.readouterr().err


def test_shards_of_two_hunts_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = shard(tmp_path / "1", 1, report("a"), report("b"))
    two = shard(tmp_path / "2", 2, report("a"), report("b"), seed=2)
    assert merge(tmp_path, one, two) == 2
    assert "seed is 1 there, and 2 here" in capsys.readouterr().err
