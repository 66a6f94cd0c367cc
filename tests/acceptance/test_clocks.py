"""Clocks that are wrong, as an adapter in Node and programs read them: the date, and the age of a file."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness, write_scenario
from tests.acceptance.programs import found, shortcomings

pytestmark = pytest.mark.requires("kernel-gate")

ROOT = Path(__file__).parents[2]
#: The process's clock is ten minutes ahead, the file server's one minute behind.
WRONG = {"off_ms": 600_000}, {"off_ms": -60_000}
AGE_MS = 660_000
SCENARIO = {
    "about": "A lane compares its date with a stamp that it has just made.",
    "source": "acceptance test",
    "policy": "coordinated",
    "schedules": 2,
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


def _scenario(lanes: list[dict[str, object]], wrong: bool) -> str:
    process, server = WRONG
    data = SCENARIO | {"lanes": [lane | ({"clock": process} if wrong else {}) for lane in lanes]}
    if wrong:
        data["filesystem"] = {"clock": server}
    return json.dumps(data)


@pytest.mark.requires("node")
def test_an_adapter_in_node_has_the_clock_of_its_process(harness: Harness, tmp_path: Path) -> None:
    adapter = tmp_path / "checks.mjs"
    host = str(ROOT / "examples" / "node" / "host.mjs")
    adapter.write_text(ADAPTER.replace("HOST", host).replace("AGE", str(AGE_MS)))
    lanes: list[dict[str, object]] = [{"role": "runner", "think_steps": 2}]
    texts = {"wrong": _scenario(lanes, True), "right": _scenario(lanes, False)}
    told = found(harness, tmp_path, texts, fence=f"exec:node {adapter}")
    assert told["wrong"]["violations"] == {} and set(told["right"]["violations"]) == {"crash"}, told


@pytest.mark.requires("clock of programs")
def test_programs_have_the_clock_of_their_process(harness: Harness, tmp_path: Path) -> None:
    texts = {
        (name, wrong): _scenario(
            [{"role": "runner", "think_steps": 20}, {"role": "program", "argv": argv, "delay_steps": 0}],
            wrong,
        )
        for name, argv in PROGRAMS.items()
        for wrong in (True, False)
    }
    short = shortcomings(found(harness, tmp_path, texts))
    # With a right clock a program finds an answer that it does not expect, and does not write.
    assert sorted(short) == sorted((name, False) for name in PROGRAMS), short
    assert all(one["inconclusive"] == 0 and one["not_exercised"] for one in short.values()), short


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
