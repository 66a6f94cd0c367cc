"""Files that anything may have written end in status 2 with the file and the reason, and in no traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Harness, write_scenario

DEEP = b"[" * 20_000
NO_TEXT = b'{"id": "\xa9\xff"}'
WITNESS = Path(__file__).parents[2] / "results/openclaw/reclaim-race.2026.5.27.double_hold.json"


def refused(harness: Harness, path: Path, *words: object) -> str:
    ended = harness.call(*words, path)
    assert ended.status == 2, ended
    assert "Traceback" not in ended.err and ended.out == ""
    assert str(path) in ended.err
    return ended.err


def damaged(folder: Path, old: bytes, new: bytes) -> Path:
    path = folder / "damaged.json"
    content = WITNESS.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


@pytest.mark.parametrize("command", ["replay", "shrink", "judge"])
@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"runner"', b'"run\xffner"'), (b"{", b'{"more": ' + DEEP + b","), (b"{", DEEP), (b"}", b"")],
    ids=["no text", "deep inside", "deep", "open"],
)
def test_a_damaged_witness_is_refused(
    harness: Harness, tmp_path: Path, command: str, old: bytes, new: bytes
) -> None:
    refused(harness, damaged(tmp_path, old, new), command)


@pytest.mark.parametrize("line", [NO_TEXT, DEEP, b'{"event": ' + DEEP, b"", b"\x00"])
def test_a_damaged_history_is_refused(harness: Harness, tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "damaged.history.jsonl"
    path.write_bytes(line + b"\n")
    refused(harness, path, "judge")


@pytest.mark.parametrize(
    "text",
    [DEEP, b"a: " + DEEP, b"{a: " * 20_000, b"\xff\xfe", b"- " * 20_000, b"lanes: &a [*a]"],
    ids=["deep", "deep value", "deep map", "no text", "deep list", "recursive"],
)
def test_a_scenario_that_is_none_is_refused(harness: Harness, tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(text)
    refused(harness, path, "run")


def test_control_characters_of_a_file_do_not_reach_the_terminal(harness: Harness, tmp_path: Path) -> None:
    strange = "EI\\e]0;owned\\a\\u202eO"
    faults = f'faults: [{{lane: heartbeat, call: flock, error: "{strange}"}}]\nschedules'
    path = write_scenario(tmp_path, SCENARIO.replace("schedules", faults))
    said = refused(harness, path, "run")
    assert "EI\\u001b]0;owned\\u0007\\u202eO" in said
    assert not set(said) & {"\x1b", "\x07", "\u202e"}


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("content", [DEEP, NO_TEXT, b""], ids=["deep", "no text", "empty"])
def test_a_damaged_plan_is_refused(harness: Harness, tmp_path: Path, content: bytes) -> None:
    path = write_scenario(tmp_path)
    folder = tmp_path / "run"
    assert harness.run(path, "--fence", "ledger", "--no-shrink", "--out", folder).status == 0
    (folder / "plan.json").write_bytes(content)
    ended = harness.call("run", "--resume", folder)
    assert ended.status == 2 and "Traceback" not in ended.err
    assert str(folder / "plan.json") in ended.err
    shutil.rmtree(folder)
