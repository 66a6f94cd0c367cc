"""A fence with one method passed out never comes out as a plain pass where that method matters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fence.passed_out import METHODS, class_name
from tests.fence.sound.members import ROOT

pytestmark = pytest.mark.requires("kernel-gate")

SCHEDULES = 40
SEED = 1
#: By method the scenarios that are run, and what each says of the ledger: a kind of violation, or words of
#: the reason why nothing was exercised.
SAID = {
    "begin_turn": {
        "quickstart": "double_hold",
        "runner-own-writer": "double_hold",
    },
    "load": {"quickstart": "altered_entry", "runner-own-writer": "altered_entry"},
    "append": {"quickstart": "lost_entry", "runner-own-writer": "lost_entry"},
    "release_for_prompt": {"quickstart": "crash", "runner-own-writer": "dead_end"},
    "guarded_write": {"quickstart": "lost_entry", "rogue-zoo": "missed_takeover"},
    "recover": {"recovery-from-takeover": "was supported by the fence"},
    "end_turn": {"full-disk": "dead_end"},
    "acquire": {
        "cotenant-other-process": "double_hold",
        "runner-own-writer": "double_hold",
    },
    "rewrite": {"compaction-new-file": "lost_entry", "compaction-in-place": "lost_entry"},
    "release": {"quickstart": "dead_end", "runner-own-writer": "dead_end"},
}


def _run(out: Path, fence: str, scenarios: list[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    files = [f"scenarios/{name}.yaml" for name in scenarios]
    command = [sys.executable, "-m", "harness", "run", *files, "--fence", fence, "--no-shrink", "--json"]
    command += ["--schedules", str(SCHEDULES), "--seed", str(SEED), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = {one["scenario"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert set(found) == set(scenarios), done.stderr
    return done.returncode, found


def _reference(base: str, method: str) -> str:
    return f"tests/fence/passed_out.py:{class_name(base, method)}"


def test_every_method_of_the_protocol_is_passed_out() -> None:
    assert set(SAID) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_ledger_without_a_method_never_passes(tmp_path: Path, method: str) -> None:
    status, found = _run(tmp_path, _reference("Ledger", method), list(SAID[method]))
    assert status in (1, 3)
    for scenario, words in SAID[method].items():
        one = found[scenario]
        assert words in one["violations"] or words in "; ".join(one["not_exercised"]), one


@pytest.mark.parametrize("method", [method for method in METHODS if method != "recover"])
def test_a_plain_fence_without_a_method_never_passes(tmp_path: Path, method: str) -> None:
    status, found = _run(tmp_path, _reference("None", method), list(SAID[method]))
    assert status in (1, 3)
    for one in found.values():
        assert one["violations"] or one["not_exercised"], one


def test_the_whole_ledger_passes_in_all_these_scenarios(tmp_path: Path) -> None:
    scenarios = sorted({scenario for said in SAID.values() for scenario in said})
    status, found = _run(tmp_path, "ledger", scenarios)
    assert status == 0
    assert not any(one["violations"] or one["not_exercised"] for one in found.values())


def test_a_plain_fence_is_exercised_where_no_rogue_writes(tmp_path: Path) -> None:
    status, _ = _run(tmp_path, "none", ["runner-own-writer", "compaction-new-file", "cotenant-other-process"])
    assert status == 0
