"""Shards of `controls` are merged trial by trial, all of them, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.explore.code_digest import code_digest, python_version
from harness.results.store import RunFolder
from harness.tools.controls import Outcome, encode

TRIALS = 5


def outcome(number: int, killed: bool = True, stopped: str = "") -> Outcome:
    return Outcome(
        fence=f"control-{number}", control=True, defect="broken", scenario="s", strategy="pos", seed=1,
        caught_by="crash", schedules=10, killed_at=number if killed else None, rogue_actions=1, accused=(),
        wall_s=0.1, stopped=stopped, why_inconclusive="", complaint="",
    )  # fmt: skip


def shard(where: Path, number: int, *outcomes: Outcome) -> Path:
    path = where / f"shard-{number}"
    folder = RunFolder(str(path))
    plan = {"version": 1, "command": "controls", "code": code_digest(), "python": python_version()}
    arguments = {"shard": f"{number}/2", "tried": ["pos"]}
    questions = [{"fence": f"control-{trial}"} for trial in range(TRIALS)]
    folder.plan({**plan, "arguments": arguments, "questions": questions})
    for one in outcomes:
        folder.verdict(encode(one))
    folder.close()
    return path


def merge(tmp_path: Path, *folders: Path) -> int:
    return main(["merge", *map(str, folders), "--json", "--out", str(tmp_path / "merged")])


def test_trials_come_in_the_order_of_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = shard(tmp_path, 1, *map(outcome, (0, 2, 4))), shard(tmp_path, 2, *map(outcome, (1, 3)))
    assert merge(tmp_path, *reversed(folders)) == 0
    out = capsys.readouterr().out
    assert [json.loads(line)["fence"] for line in out.splitlines()] == [
        f"control-{trial}" for trial in range(TRIALS)
    ]
    assert (tmp_path / "merged" / "verdicts.jsonl").read_text() == out
    # The same merge can be made again.
    assert merge(tmp_path, *folders) == 0


def test_a_control_that_survived_is_told_as_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = shard(tmp_path, 2, outcome(1), outcome(3, killed=False))
    assert merge(tmp_path, shard(tmp_path, 1, *map(outcome, (0, 2, 4))), two) == 1
    assert "control-3 survived 10 schedules" in capsys.readouterr().err


@pytest.mark.parametrize("last", [[], [outcome(3, killed=False, stopped="interrupted")]])
def test_a_shard_that_is_not_over_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], last: list[Outcome]
) -> None:
    two = shard(tmp_path, 2, outcome(1), *last)
    assert merge(tmp_path, shard(tmp_path, 1, *map(outcome, (0, 2, 4))), two) == 2
    assert "shard 2/2 is not over" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


def test_damaged_verdicts_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = shard(tmp_path, 1, *map(outcome, (0, 2, 4))), shard(tmp_path, 2, *map(outcome, (1, 3)))
    for data in (b"{}\n{}\n", b"\xff\n\xff\n", b"[" * 20_000):
        (folders[1] / "verdicts.jsonl").write_bytes(data)
        assert merge(tmp_path, *folders) == 2
        assert "verdicts.jsonl" in capsys.readouterr().err
