"""Adapters in several languages: what they write that differs, threads and waits of their runtimes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness, write_scenario
from tests.fence.external.adapters import DATED, REAL_POLLS, REAL_WAITS, command

pytestmark = pytest.mark.requires("kernel-gate", "clock of programs")

#: A fence in Node that looks at the date around file calls of one request, and crashes if it is wrong.
MOVING = """\
import { serve } from "%s";
import { stat } from "node:fs/promises";

class Moving {
  constructor({ transcript }) { this.path = transcript; }
  async beginTurn() {
    const [before, there] = [Date.now(), new Date().getTime()];
    for (let n = 0; n < 3; n++) await stat(this.path);
    const passed = Date.now() - before;
    if (there !== before || passed < 3 || passed > 3_600_000) throw new Error(`it moved by ${passed} ms`);
  }
  async load() { return Buffer.alloc(0); }
  async append() {}
  async guardedWrite() {}
  async releaseForPrompt() {}
  async endTurn() {}
  async acquire() {}
  async release() {}
}

serve(Moving, { name: "moving" });
"""
ALONE = """\
about: One runner, so that each step of a request is its own.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, rounds: 1}
expect: {}
"""
HOST = Path(__file__).parents[2] / "examples" / "node" / "host.mjs"
CONTENTION = Path(__file__).parents[2] / "scenarios" / "contention.yaml"
PLACE = Path(__file__).parents[1] / "fence" / "external"
LANGUAGES = ["python", "perl", pytest.param("c", marks=pytest.mark.requires("gcc"))]


def dated(language: str, folder: Path) -> str:
    """The command of an adapter that writes them."""
    if language == "python":
        return command(DATED)
    if language == "perl":
        return f"perl {PLACE / 'dated.pl'}"
    return compiled("dated", folder)


def compiled(name: str, folder: Path) -> str:
    """The program that a file in C is made into."""
    subprocess.run(["gcc", "-pthread", "-o", folder / name, PLACE / f"{name}.c"], check=True)
    return str(folder / name)


def histories(harness: Harness, folder: Path, language: str, schedules: int) -> set[str]:
    """What two runs say of their histories."""
    return histories_of(harness, write_scenario(folder), dated(language, folder), schedules)


def histories_of(harness: Harness, path: Path, adapter: str, schedules: int) -> set[str]:
    """What two runs of an adapter say of their histories."""
    arguments = ("--fence", f"exec:{adapter}", "--schedules", schedules, "--no-shrink", "--json")
    runs = [harness.run(path, *arguments, "--out", harness.out / number).object for number in "12"]
    assert all(run["repeated"] > 0 and not run["inconclusive"] for run in runs), runs
    assert not any("dead_end" in run["violations"] for run in runs), runs
    return {run["histories"] for run in runs}


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_of_an_adapter_are_the_same_in_each_run(
    harness: Harness, tmp_path: Path, language: str
) -> None:
    assert len(histories(harness, tmp_path, language, schedules=3)) == 1


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_of_an_adapter_repeat_in_forty_schedules(
    harness: Harness, tmp_path: Path, language: str
) -> None:
    assert len(histories(harness, tmp_path, language, schedules=40)) == 1


@pytest.mark.requires("node")
def test_the_date_of_node_moves_within_a_request(harness: Harness, tmp_path: Path) -> None:
    """Otherwise a lock that is taken after another lane's long pause would be as old as the request."""
    (tmp_path / "moving.mjs").write_text(MOVING % HOST, encoding="utf-8")
    fence = ("--fence", f"exec:node {tmp_path}/moving.mjs", "--schedules", 2, "--no-shrink", "--json")
    found = harness.run(write_scenario(tmp_path, ALONE), *fence).object
    assert "crash" not in found["violations"], found


def test_an_adapter_that_waits_in_real_time_has_not_given_up_early(harness: Harness) -> None:
    """By virtual time it has: the machine's tenth of a second passes between two steps."""
    fence = ("--fence", f"exec:{command(REAL_WAITS)}", "--schedules", 8, "--no-shrink", "--json")
    assert "false_lock_error" not in harness.run(CONTENTION, *fence).object["violations"]


def test_waits_of_an_adapter_in_real_time_leave_nothing_to_chance(harness: Harness) -> None:
    assert len(histories_of(harness, CONTENTION, command(REAL_POLLS), schedules=4)) == 1


@pytest.mark.requires("gcc")
def test_threads_of_an_adapters_runtime_leave_nothing_to_chance(harness: Harness, tmp_path: Path) -> None:
    """One sleeps over and over, as in Go; another one goes on behind each call."""
    assert (
        len(histories_of(harness, write_scenario(tmp_path), compiled("threads", tmp_path), schedules=4)) == 1
    )
