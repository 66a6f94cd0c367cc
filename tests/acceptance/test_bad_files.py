"""Files that anything may have written end in status 2 with the file and the reason, and in no traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from harness.cli.checkpoint import sealed
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
    assert "EI\\x1b]0;owned\\x07\\u202eO" in said
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


def test_a_list_of_faults_ends_and_says_so(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(SCENARIO + "about: x\n" * 3000)
    said = refused(harness, path, "run").splitlines()
    assert len(said) == 51
    assert said[0].startswith(f"{path}:12:1: about: duplicate key")
    assert said[-1].startswith("and ") and said[-1].endswith(" more; mend these first")


def test_a_long_value_in_a_message_is_cut(harness: Harness, tmp_path: Path) -> None:
    path = damaged(tmp_path, b'"gate": "kernel"', b'"gate": "' + b"x" * 100_000 + b'"')
    said = refused(harness, path, "replay")
    assert "characters ...]" in said and len(said) < 5000


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scenarios", [{}]),
        ("fence", 3),
        ("seed", "1"),
        ("seed", -1),
        ("explorers", 10**18),
        ("min_schedules", "x"),
        ("junit", ["a"]),
        ("schedules", 0),
        ("gate", "none"),
        ("argv", None),
    ],
    ids=str,
)
def test_a_plan_with_impossible_options_is_refused(
    harness: Harness, tmp_path: Path, name: str, value: object
) -> None:
    folder = _finished(harness, tmp_path)
    plan = json.loads((folder / "plan.json").read_text())
    plan["arguments"][name] = value
    (folder / "plan.json").write_text(json.dumps(plan))
    ended = harness.call("run", "--resume", folder)
    assert (ended.status, ended.out) == (2, "") and "Traceback" not in ended.err
    assert f"{folder}/plan.json: " in ended.err and name in ended.err


@pytest.mark.requires("kernel-gate")
def test_progress_that_claims_less_than_was_asked_for_is_refused(harness: Harness, tmp_path: Path) -> None:
    folder = _finished(harness, tmp_path)
    stored = folder / "progress" / "0.msgpack"
    _, content = msgspec.msgpack.decode(stored.read_bytes())
    less = msgspec.msgpack.decode(content, strict=False)
    less["summary"]["schedules"] = 3
    stored.write_bytes(sealed(msgspec.msgpack.encode(less)))
    ended = harness.call("run", "--resume", folder)
    assert (ended.status, ended.out) == (2, "")
    assert "claims to be finished after 3 of 20 schedules" in ended.err
    other = msgspec.msgpack.decode(content, strict=False)
    del other["entry"]["summary"]["verdicts"]["racing"]
    stored.write_bytes(sealed(msgspec.msgpack.encode(other)))
    ended = harness.call("run", "--resume", folder)
    assert ended.status == 2 and "its page has other figures" in ended.err
    # Without the digest of its content it is damaged, with any claim.
    whole = bytearray(sealed(content))
    whole[-20] ^= 1
    stored.write_bytes(whole)
    ended = harness.call("run", "--resume", folder)
    assert ended.status == 2 and "its content differs from the stored content" in ended.err


def _finished(harness: Harness, tmp_path: Path) -> Path:
    words = ("--fence", "ledger", "--no-shrink")
    assert harness.run(write_scenario(tmp_path), *words).status == 0
    return harness.out
