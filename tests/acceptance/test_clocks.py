"""Clocks that are wrong, as an adapter in Node and programs read them: the date, and the age of a file."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

ROOT = Path(__file__).parents[2]
#: The process's clock is ten minutes ahead, the file server's one minute behind.
WRONG = {"off_ms": 600_000}, {"off_ms": -60_000}
AGE_MS = 660_000
SCENARIO = {
    "about": "A lane compares its date with a stamp that it has just made.",
    "source": "acceptance test",
    "policy": "coordinated",
    "schedules": 4,
    "expect": {"none": []},
}
ADAPTER = """\
import { serve } from "HOST";
import { appendFileSync, openSync, closeSync, readFileSync, statSync } from "node:fs";
class Checks {
  constructor({ transcript }) { this.path = transcript; this.startMs = performance.now(); }
  look() {
    appendFileSync(this.path + ".own", "x");
    const ages = [Date.now(), new Date().getTime()].map((now) => now - statSync(this.path + ".own").mtimeMs);
    if (!ages.every((age) => Math.abs(age - AGE) < 1000)) throw new Error(`the file is ${ages} ms old`);
    if (performance.now() - this.startMs > 60_000) throw new Error("the steady clock is wrong, too");
  }
  acquire() { this.look(); closeSync(openSync(this.path + ".lock", "wx")); }
  beginTurn() { this.look(); }
  load() { return readFileSync(this.path); }
  append(entries) { for (const entry of entries) appendFileSync(this.path, entry); }
  releaseForPrompt() {}
  async guardedWrite(entries) {
    await new Promise((done) => setTimeout(done, 50));
    this.look();
    this.append(entries);
  }
  endTurn() {}
  release() {}
}
serve(Checks, { name: "checks", lock: "sidecar", soundUnder: [] });
"""
TOUCH = (
    'touch "$0.own"; age=$(( $(%s) - $(stat -c %%Y "$0.own") )); '
    '[ $age -ge 659 -a $age -le 661 ] && echo {} >> "$0"'
)
PROGRAMS = {
    "date": ["bash", "-c", TOUCH % "date +%s", "{transcript}"],
    "bash": ["bash", "-c", TOUCH % "echo ${EPOCHREALTIME%.*}", "{transcript}"],
    "perl": ["bash", "-c", TOUCH % "perl -e 'print time'", "{transcript}"],
    "python": [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import os, sys, time; own = sys.argv[1] + '.own'; open(own, 'w').close()\n"
        "assert abs(time.time() - os.stat(own).st_mtime - 660) < 1\n"
        "open(sys.argv[1], 'a').write('{}\\n')",
        "{transcript}",
    ],
}


def _scenario(folder: Path, lanes: list[dict[str, object]], wrong: bool) -> Path:
    process, server = WRONG
    data = SCENARIO | {"lanes": [lane | ({"clock": process} if wrong else {}) for lane in lanes]}
    if wrong:
        data["filesystem"] = {"clock": server}
    return write_scenario(folder, json.dumps(data))


@pytest.mark.requires("node")
@pytest.mark.parametrize("wrong", [True, False])
def test_an_adapter_in_node_has_the_clock_of_its_process(
    harness: Harness, tmp_path: Path, wrong: bool
) -> None:
    adapter = tmp_path / "checks.mjs"
    host = str(ROOT / "examples" / "node" / "host.mjs")
    adapter.write_text(ADAPTER.replace("HOST", host).replace("AGE", str(AGE_MS)))
    path = _scenario(tmp_path, [{"role": "runner", "think_steps": 2}], wrong)
    ended = harness.run(path, "--fence", f"exec:node {adapter}", "--json", "--no-shrink")
    assert set(ended.object["violations"]) == (set() if wrong else {"crash"}), ended


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_has_the_clock_of_its_process(harness: Harness, tmp_path: Path, name: str) -> None:
    program = {"role": "program", "argv": PROGRAMS[name], "delay_steps": 0}
    lanes = [{"role": "runner", "think_steps": 20}, program]
    for wrong, status in ((True, 0), (False, 3)):
        path = _scenario(tmp_path, lanes, wrong)
        ended = harness.run(path, "--fence", "ledger", "--allow-programs", "--json", "--no-shrink")
        # A program that did not write has changed nothing, which is 3.
        assert ended.status == status, ended


def test_a_story_says_which_clocks_are_wrong(harness: Harness, tmp_path: Path) -> None:
    scenario = ROOT / "scenarios" / "two-hosts.yaml"
    ended = harness.run(scenario, "--fence", "none", "--schedules", "30", "--seed", "3", "--no-shrink")
    assert "process early: its clock is 600000 ms ahead" in ended.out


def test_a_clock_of_no_effect_is_refused_with_its_place(harness: Harness, tmp_path: Path) -> None:
    text = json.dumps(SCENARIO | {"lanes": [{"role": "runner"}], "filesystem": {"clock": {"after_ms": 5}}})
    path = write_scenario(tmp_path, text)
    ended = harness.run(path)
    assert ended.status == 2
    assert re.search(r":\d+:\d+: filesystem.clock: this clock is right; give off_ms or back_ms", ended.err)
