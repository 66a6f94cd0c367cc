"""Files with roles and so on, and composed roles, by the command line and with real processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from tests.acceptance.harness_process import ROOT, Harness, write_fence, write_scenario
from tests.patience import at_some_patience

pytestmark = pytest.mark.requires("kernel-gate")

#: A role that writes lines of a form of its own, an action, a policy, a strategy, a fault and a rule.
MINE = """\
from dataclasses import dataclass
from typing import Literal

from harness.scenario.actions.file_calls import opened
from harness.strategies.random_walk import RandomWalk
from takeover_harness import (
    POLICIES, Action, Entry, Extension, LaneSettings, Op, Policy, ProcessFault, Role, Size,
)


@dataclass(frozen=True, kw_only=True)
class Settings(LaneSettings):
    role: Literal["{role}"]


def draw(settings, rng, ids):
    name = ids.next()
    line = Entry(name, "note", '{"kind":"note","id":"%s","size":%d}' % (name, int(rng.random() * 100)))
    return (Op("acquire", group=1), Op("append", group=1, entries=(line,)), Op("release", group=1))


def cut(scene):
    with opened(scene.path, 2) as file:
        import os
        os.ftruncate(file, os.fstat(file).st_size - 1)


def ends_with_notes(lines, acknowledged):
    \"\"\"Say that too much is there.\"\"\"
    return "there are notes" if any(b'"note"' in line for line in lines) else None


class Mine(RandomWalk):
    name = "mine"
    about = "a walk of my own"


EXTENSION = Extension(
    roles=[Role("{role}", "notes", True, Settings, draw, lambda settings: Size(3, 1))],
    actions=[Action("cut-last", "cuts a byte off", "changes", cut)],
    policies=[Policy("my-view", "as coordinated", POLICIES["coordinated"].rules)],
    strategies=[Mine],
    faults=[ProcessFault("nap", "stands still", "ms", lambda process, ns: process.hold_process(ns),
                         "{process} napped for {note}", "nap", (300,))],
    invariants=[ends_with_notes],
)
"""
SCENARIO = """\
about: A note taker of a runtime of ours, and a rogue that cuts a byte off.
source: acceptance test
policy: my-view
extensions: ["{file}"]
lanes:
  - {{role: runner, think_steps: 3}}
  - {{role: notetaker}}
  - {{role: editor, actions: [cut-last], times: [0, 1]}}
faults:
  - {{lane: runner, operations: [guarded_write], nap_ms: 300}}
schedules: 12
expect:
  ledger: []
  none: {{must: [missed_takeover], may: [lost_entry]}}
"""
COMPOSED = """\
about: The indexer of a runtime reads under the lock and notes what it found.
source: acceptance test
policy: coordinated
lanes:
  - role:
      name: agent
      operations:
        - begin_turn
        - load
        - append
        - release_for_prompt
        - acquire
        - append
        - release
        - think
        - guarded_write
        - end_turn
    think_steps: [2, 6]
    rounds: [1, 2]
  - role: {name: indexer, operations: [acquire, load, append, release]}
    entries: [custom]
    times: [1, 2]
  - {role: editor, actions: [append-user], times: [0, 1]}
schedules: 24
expect:
  ledger: []
  ledger-load-refreshes-all: [missed_takeover]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my_runtime.py"
    path.write_text(MINE.replace("{role}", "notetaker"))
    return path


def test_a_composed_role_accuses_the_broken_fence_and_not_the_sound_one(
    harness: Harness, tmp_path: Path
) -> None:
    ended = harness.run(write_scenario(tmp_path, COMPOSED), "--json", "--no-shrink")
    assert (ended.status, ended.err) == (0, ""), ended
    sound, broken = ended.objects
    assert (sound["violations"], sound["inconclusive"]) == ({}, 0)
    assert sum(sound["verdicts"].values()) > 0 and not sound["not_exercised"]
    # Only a lane that loads under the lock, as no role of the harness does by itself, lets this one go wrong.
    assert set(broken["violations"]) == {"missed_takeover"}
    witness = harness.witnesses()[0]
    assert '"role":"indexer"' in witness.with_suffix(".history.jsonl").read_text()
    assert harness.call("replay", witness).status == 0


def test_each_member_of_a_file_is_used_in_a_search(harness: Harness, tmp_path: Path, mine: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.format(file=mine))
    words = ("--extension", mine, "--strategy", "mine", "--json", "--no-shrink")
    sound, broken = harness.run(scenario, *words, "--invariant", "ends_with_notes").objects
    assert (sound["strategy"], sound["policy"]) == ("mine", "my-view")
    assert (set(sound["violations"]), sound["inconclusive"]) == ({"invariant"}, 0)
    assert broken["violations"]["missed_takeover"] > 0
    history = harness.witnesses()[0].with_suffix(".history.jsonl").read_text()
    assert '"call":"nap"' in history and '"how":"cut-last"' in history and '"role":"notetaker"' in history


def test_a_witness_needs_its_file_as_it_was(harness: Harness, tmp_path: Path, mine: Path) -> None:
    telltale, before = tmp_path / "ran", mine.read_text()
    mine.write_text(f"open({str(telltale)!r}, 'w').close()\n{before}")
    scenario = write_scenario(tmp_path, SCENARIO.format(file=mine))
    unnamed = harness.run(scenario, "--fence", "none")
    assert (unnamed.status, unnamed.out) == (2, "")
    assert f"{scenario}:4:14: extensions[0]: would run `{mine}`; code that only a file names" in unnamed.err
    assert not telltale.exists() and not harness.out.exists()

    named = ("--extension", mine)
    assert harness.run(scenario, *named, "--fence", "none", "--shrink-limit-s", 1).status == 0
    assert telltale.exists()
    witness = next(harness.out.rglob("*.shrunk.json"))
    needed = json.loads(witness.read_text())["extensions"]
    assert [one["file"] for one in needed] == [str(mine)]
    refused = harness.call("judge", witness)
    assert refused.status == 2 and f"would run `{mine}`" in refused.err
    mine.write_text(f"{before}# A remark draws the same.\n")
    assert "the same history, step by step" in harness.call("replay", witness, *named).out
    mine.write_text(before.replace("rng.random() * 100", "rng.random() * 1000 + 100"))
    changed = harness.call("replay", witness, *named)
    assert changed.status == 2
    assert f"{mine} (version {needed[0]['digest']} then, " in changed.err
    assert "draws another program in schedule" in changed.err
    mine.write_text(before.replace('"cut-last"', '"cut-it"'))
    gone = harness.call("shrink", witness, *named)
    assert gone.status == 2 and "unknown action 'cut-last'" in gone.err and "has changed" in gone.err
    mine.unlink()
    missing = harness.call("replay", witness, *named)
    told = f"needs the extension {mine} (version {needed[0]['digest']}), and there is no such file"
    assert missing.status == 2 and told in missing.err


def test_a_run_does_not_go_on_after_its_file_has_changed(
    harness: Harness, tmp_path: Path, mine: Path
) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.format(file=mine))
    harness.run(scenario, "--extension", mine, "--fence", "ledger", "--schedules", 2)
    resumed = ("run", "--resume", harness.out)
    refused = harness.call(*resumed)
    assert refused.status == 2 and f"plan of {harness.out}: would run `{mine}`" in refused.err
    mine.write_text(f"{mine.read_text()}# Another one.\n")
    other = harness.call(*resumed, "--extension", mine)
    assert other.status == 2 and "another version of the harness, or of an extension" in other.err


RAISES = """\
from harness.strategies.random_walk import RandomWalk
from takeover_harness import Action, Extension


def boom(scene):
    raise KeyError("no such file")


class Bad(RandomWalk):
    name = "bad"
    about = "picks nothing that there is"

    def pick(self, candidates):
        return 99


EXTENSION = Extension(actions=[Action("boom", "raises", "changes", boom)], strategies=[Bad])
"""


def test_no_fence_is_accused_of_an_extension_s_fault(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "raises.py"
    path.write_text(RAISES)
    text = SCENARIO.format(file=path).replace("my-view", "coordinated").replace("cut-last", "boom")
    text = text.replace("  - {role: notetaker}\n", "").partition("faults:")[0] + "expect: {ledger: []}\n"
    scenario = write_scenario(tmp_path, text.replace("[0, 1]", "1"))
    named = ("--extension", path, "--schedules", 2, "--json")
    ended = harness.run(scenario, *named)
    assert (ended.status, ended.object["violations"]) == (3, {})
    why = ended.object["why_inconclusive"]
    assert "the action boom of editor, which is no part of the fence, raised KeyError" in why
    bad = harness.run(scenario, *named, "--strategy", "bad")
    assert bad.status == 2 and f"strategy bad of {path}: raised IndexError" in bad.err
    assert "Traceback" not in bad.err


def test_fuzz_draws_from_a_file_and_its_scenarios_name_it(
    harness: Harness, tmp_path: Path, mine: Path
) -> None:
    # Any lane breaks this rule, so that the first drawn scenario shows it.
    mine.write_text(mine.read_text().replace("any(b'\"note\"' in line for line in lines)", "acknowledged"))
    words = ("--fence", "ledger", "--policy", "my-view", "--json")
    unknown = harness.call("fuzz", *words, "--out", harness.out)
    assert unknown.status == 2 and "my-view" in unknown.err and not harness.out.exists()

    def finds(limit_s: float) -> None:
        out = tmp_path / f"out{limit_s}"
        folders = ("--session-root", harness.session_root, "--out", out)
        ended = harness.call("fuzz", *words, "--extension", mine, "--time-limit-s", limit_s, *folders)
        assert (ended.status, ended.object["refused"]) == (1, 0), ended
        [found] = ended.object["violations"]
        assert (found["kind"], ended.object["policy"]) == ("invariant", "my-view")
        scenario = Path(found["scenario"])
        written = yaml.safe_load(scenario.read_text())
        assert written["extensions"] == [str(mine)] and written["invariant"] == ["ends_with_notes"]
        again = ("--extension", mine, "--no-shrink", "--json")
        assert harness.run(scenario, *again).object["expected"]
        assert harness.call("replay", found["witness"], "--extension", mine).status == 0

    at_some_patience(finds, (3.0, 20.0, 120.0))


def test_controls_try_a_files_strategy_in_scenarios_that_need_it(
    harness: Harness, tmp_path: Path, mine: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    text = (ROOT / "scenarios" / "cotenant-other-process.yaml").read_text()
    (folder / "cotenant-other-process.yaml").write_text(
        text.replace("lanes:\n", f"extensions: [{mine}]\nlanes:\n  - {{role: notetaker}}\n", 1)
    )
    words = (
        "controls",
        "--only",
        "ledger-cotenant-silent",
        "--scenarios",
        folder,
        "--schedules",
        40,
        "--json",
    )
    folders = ("--out", harness.out, "--session-root", harness.session_root, "--explorers", 1)
    refused = harness.call(*words, *folders)
    assert refused.status == 2 and f"give --extension {mine}" in refused.err and not harness.out.exists()
    ended = harness.call(*words, *folders, "--extension", mine, "--strategies", "mine")
    assert ended.status == 0, ended
    broken, sound = ended.objects
    assert {broken["strategy"], sound["strategy"]} == {"mine"}
    assert (broken["killed_at"] is not None, sound["accused"]) == (True, [])
    plan = json.loads((harness.out / "plan.json").read_text())
    assert plan["questions"][0]["scenario"]["extensions"] == [str(mine)]


def test_bench_measures_a_scenario_with_a_files_roles(harness: Harness, tmp_path: Path, mine: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.format(file=mine))
    words = (
        "bench",
        "--parts",
        "scenarios",
        "--scenario",
        scenario,
        "--rounds",
        2,
        "--schedules",
        1,
        "--json",
    )
    folders = ("--session-root", harness.session_root)
    refused = harness.call(*words, *folders)
    assert refused.status == 2 and f"would run `{mine}`" in refused.err
    ended = harness.call(*words, *folders, "--extension", mine)
    assert ended.status == 0, ended
    assert [one["name"] for one in ended.object["quantities"]] == [f"step of {scenario.stem} / ledger"]


EXAMPLE = ROOT / "examples" / "your-runtime"
FENCE = "examples/your-runtime/fence.py:SessionFence"
WORDS = ("--json", "--no-shrink", "--allow-programs")
FORGETS = """\
class Forgets(Fence):
    about = "takes no lock for the reply"

    def guarded_write(self, entries):
        append_lines(self.path, entries)
"""


@pytest.mark.parametrize(
    "fence",
    [
        FENCE,
        pytest.param(
            "exec:node examples/your-runtime/fence.mjs",
            marks=(pytest.mark.requires("node"), pytest.mark.long),
        ),
    ],
)
def test_the_guides_daemon_shows_the_false_positive(harness: Harness, fence: str) -> None:
    words = ("--fence", fence, "--fence", "ledger", "--schedules", 8, *WORDS)
    mine, ledger = harness.run(EXAMPLE / "daemon.yaml", *words).objects
    assert (set(mine["violations"]), mine["inconclusive"]) == ({"false_positive"}, 0)
    assert (ledger["violations"], ledger["inconclusive"]) == ({}, 0)


@pytest.mark.long
def test_the_guides_importer_keeps_its_batches_whole(harness: Harness, tmp_path: Path) -> None:
    forgets = f"{write_fence(tmp_path, FORGETS)}:Forgets"
    words = ("--fence", "ledger", "--fence", forgets, "--schedules", 24, *WORDS)
    ledger, broken = harness.run(EXAMPLE / "importer.yaml", *words).objects
    assert (ledger["violations"], ledger["inconclusive"]) == ({}, 0)
    assert broken["violations"]["invariant"] > 0


@pytest.mark.long
@pytest.mark.parametrize(("name", "found"), [("cli", {"lost_entry", "double_hold"}), ("cli-locked", set())])
def test_the_guides_command_line_loses_an_entry_without_its_lock(
    harness: Harness, name: str, found: set[str]
) -> None:
    # `env python3` has to find the interpreter that runs the tests, and no script of a version manager.
    path = f"{EXAMPLE}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    ended = harness.run(EXAMPLE / f"{name}.yaml", "--schedules", 5, *WORDS, environment={"PATH": path})
    assert (set(ended.object["violations"]), ended.object["inconclusive"]) == (found, 0)
