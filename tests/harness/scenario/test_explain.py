# ruff: noqa: E501  # a fault is on one line, as its reader sees it
from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.scenario.definition import Scenario
from harness.scenario.explain import docs_of, show, suggest
from harness.scenario.roles import ROLES
from tests.harness.scenario.examples import SMALL, changed, faults_of

ACTION = "  - role: editor\n    actions: {}\n"


@pytest.mark.parametrize(
    "old, new, fault",
    [
        (
            "expect:",
            "faults: [{lane: runner, call: writ, error: EIO}]\nexpect:",
            "10:31: faults[0].call: unknown value 'writ'; did you mean 'write'?",
        ),
        (
            "expect:",
            "faults: [{lane: runner, call: write, error: ENOSP}]\nexpect:",
            "10:45: faults[0].error: unknown value 'ENOSP'; did you mean 'ENOSPC'?",
        ),
        (
            "expect:",
            "faults: [{lane: runner, operations: [guarded_writ], call: write, error: EIO}]\nexpect:",
            "10:38: faults[0].operations[0]: unknown value 'guarded_writ'; did you mean 'guarded_write'?",
        ),
        (
            "expect:",
            "faults: [{lane: runner, call: write, error: EIO, time: 1}]\nexpect:",
            "10:50: faults[0].time: unknown key; did you mean 'times'?",
        ),
        (
            "expect:",
            "faults: [{lane: runner, call: write, error: EIO, nth: 0}]\nexpect:",
            "10:55: faults[0].nth: must be >= 1 (got 0)",
        ),
        (
            "expect:",
            "faults: [{call: write, error: EIO}]\nexpect:",
            "10:10: faults[0].lane: missing, it is required; ",
        ),
        ("expect:", "faults: {lane: runner}\nexpect:", "10:9: faults: must be a list (got "),
        ("rate: 2.5", "rate: 0", "9:11: lanes[1].rate: must be > 0 (got 0)"),
        ("rate: 2.5", "rate: 101", "9:11: lanes[1].rate: must be <= 100 (got 101)"),
        ("rate: 2.5", "rate: .nan", "9:11: lanes[1].rate: must be "),
        ("rate: 2.5", "rate: fast", "9:11: lanes[1].rate: must be a number (got 'fast')"),
        ("rate: 2.5", "coutn: 2", "9:5: lanes[1].coutn: unknown key; did you mean 'count'?"),
        ("rate: 2.5", "turns: 2", "9:5: lanes[1].turns: unknown key; "),
        ("rate: 2.5", "count: 0", "9:12: lanes[1].count: must be >= 1 (got 0)"),
        ("rate: 2.5", 'count: "2"', "9:12: lanes[1].count: must be a whole number (got '2')"),
        ("rate: 2.5", "count: true", "9:12: lanes[1].count: must be a whole number (got true)"),
        ("rate: 2.5", "count:", "9:11: lanes[1].count: must be a whole number (got nothing)"),
        ("rate: 2.5", "count: 2.0", "9:12: lanes[1].count: must be a whole number (got 2.0)"),
        ("rate: 2.5", "name: a b", "9:11: lanes[1].name: must be at most 40 letters, digits, "),
        (
            "times: [1, 3]",
            "times: [3, 1]",
            "8:12: lanes[1].times: must have its lower end first, as in [1, 3] (got [3, 1])",
        ),
        ("times: [1, 3]", "times: [1, 51]", "8:16: lanes[1].times[1]: must be <= 50 (got 51)"),
        ("times: [1, 3]", "times: 0", "8:12: lanes[1].times: must be >= 1 (got 0)"),
        (
            "times: [1, 3]",
            "times: [1]",
            "8:12: lanes[1].times: must be a whole number or [lowest, highest] (got [1])",
        ),
        (
            "times: [1, 3]",
            "times: [1, 2, 3]",
            "8:12: lanes[1].times: must be a whole number or [lowest, highest] (got [1, 2, 3])",
        ),
        (
            "times: [1, 3]",
            "times: 1-3",
            "8:12: lanes[1].times: must be a whole number or [lowest, highest] (got '1-3')",
        ),
        (
            "times: [1, 3]",
            "times: {lo: 1}",
            '8:12: lanes[1].times: must be a whole number or [lowest, highest] (got {"lo": 1})',
        ),
        ("times: [1, 3]", "times: [1, x]", "8:16: lanes[1].times[1]: must be a whole number (got 'x')"),
        (
            "times: [1, 3]",
            "entries: [userr]",
            "8:15: lanes[1].entries[0]: unknown value 'userr'; did you mean 'user'?",
        ),
        ("times: [1, 3]", "entries: [session]", "8:15: lanes[1].entries[0]: unknown value 'session'; "),
        ("times: [1, 3]", "entries: user", "8:14: lanes[1].entries: must be a list (got 'user')"),
        (
            "times: [1, 3]",
            "entries: []",
            "8:14: lanes[1].entries: must not be empty; say here: Types of the lines",
        ),
        (
            "role: heartbeat",
            "role: haertbeat",
            "6:11: lanes[1].role: unknown role 'haertbeat'; did you mean 'heartbeat'? `python -m harness list roles` lists the known ones",
        ),
        (
            "role: heartbeat",
            "role: 7",
            "6:11: lanes[1].role: unknown role 7; `python -m harness list roles` lists the known ones",
        ),
        ("role: heartbeat", "name: x", "6:5: lanes[1]: a lane needs a role; give one of runner, heartbeat, "),
        (
            "about: A timer writes under the lock while the model thinks.",
            'about: ""',
            "1:8: about: must not be empty; say here: The claim of the scenario",
        ),
        (
            "about: A timer writes under the lock while the model thinks.",
            "about: 3",
            "1:8: about: must be text (got 3)",
        ),
        (
            "about: A timer writes under the lock while the model thinks.",
            "about: " + "x" * 2001,
            "1:8: about: must have at most 2000 characters (got 2001)",
        ),
        ("source: issue 84071", "sources: x", "2:1: sources: unknown key; did you mean 'source'?"),
        ("policy: coordinated", "policy: [x]", '3:9: policy: must be text or a mapping (got ["x"])'),
        (
            "policy: coordinated",
            "policy: {name: x, about: y, base: coordinated, rule: {}}",
            "3:48: policy.rule: unknown key; did you mean 'rules'?",
        ),
        (
            "policy: coordinated",
            "policy: {name: x, base: coordinated}",
            "3:9: policy.about: missing, it is required; say here: Origin of this view",
        ),
        (
            "policy: coordinated",
            "policy: {name: x, about: y, base: coordinated, rules: {unlockd: either}}",
            "3:56: policy.rules.unlockd: unknown value 'unlockd'; did you mean 'unlocked'?",
        ),
        (
            "policy: coordinated",
            "policy: {name: x, about: y, base: coordinated, rules: {unlocked: maybe}}",
            "3:66: policy.rules.unlocked: unknown value 'maybe'; expected one of sanctioned, takeover, either",
        ),
        (
            "[false_positive]",
            "[false_positve]",
            "11:20: expect['stat-2026.5.17'][0]: unknown value 'false_positve'; did you mean 'false_positive'?",
        ),
        (
            "[false_positive]",
            "{must: [crash], mya: []}",
            "11:35: expect['stat-2026.5.17'].mya: unknown key; did you mean 'may'?",
        ),
        (
            "[false_positive]",
            "{may: [oops]}",
            "11:26: expect['stat-2026.5.17'].may[0]: unknown value 'oops'; expected one of ",
        ),
        (
            "[false_positive]",
            "crash",
            "11:19: expect['stat-2026.5.17']: must be a list or a mapping (got 'crash')",
        ),
        ("expect:", "steps_max: 1e3\nexpect:", "10:12: steps_max: must be a whole number (got 1000.0)"),
        ("expect:", "step_ms: 12:30\nexpect:", "10:10: step_ms: must be a whole number (got '12:30')"),
        (
            "expect:",
            "filesystem: {birth_time: on}\nexpect:",
            "10:26: filesystem.birth_time: must be true or false (got 'on')",
        ),
        (
            "expect:",
            "filesystem: {inode_reuse: sometimes}\nexpect:",
            "10:27: filesystem.inode_reuse: unknown value 'sometimes'; expected one of always, never, real",
        ),
        (
            "expect:",
            "filesystem: {time_grain_ms: -1}\nexpect:",
            "10:29: filesystem.time_grain_ms: must be >= 0 (got -1)",
        ),
        ("expect:", "filesystem: 5\nexpect:", "10:13: filesystem: must be a mapping (got 5)"),
        (
            "expect:",
            "transcript: {entry_bytes: 10001}\nexpect:",
            "10:27: transcript.entry_bytes: must be <= 10000 (got 10001)",
        ),
        (
            "expect:",
            "transcript: {symlink: elsewhere}\nexpect:",
            "10:23: transcript.symlink: must be true or false (got 'elsewhere')",
        ),
        (
            "expect:",
            "transcript: {entry: 1}\nexpect:",
            "10:14: transcript.entry: unknown key; did you mean 'entries'?",
        ),
        (
            "expect:",
            "fence_options: {a: [1]}\nexpect:",
            "10:20: fence_options.a: must be a whole number or text or true or false (got [1])",
        ),
        ("expect:", "fences: [1]\nexpect:", "10:10: fences[0]: must be text (got 1)"),
        (
            "expect:",
            "name: x\nexpect:",
            "10:1: name: unknown key; a scenario has the name of its file, remove it",
        ),
        (
            "expect:",
            ACTION.format("alll") + "expect:",
            "11:14: lanes[2].actions: must be a list or 'all' (got 'alll')",
        ),
        ("expect:", ACTION.format("[]") + "expect:", "11:14: lanes[2].actions: must not be empty; "),
        ("expect:", ACTION.format("[3]") + "expect:", "11:15: lanes[2].actions[0]: must be text (got 3)"),
        (
            "expect:",
            "  - role: editor\nexpect:",
            "10:5: lanes[2].actions: missing, it is required; say here: Actions on the file",
        ),
        ("expect:", "  - 5\nexpect:", "10:5: lanes[2]: must be a mapping (got 5)"),
    ],
)
def test_each_mistake_is_reported_at_its_place(tmp_path: Path, old: str, new: str, fault: str) -> None:
    found = [line for line in faults_of(tmp_path, changed(old, new)) if "source: missing" not in line]
    assert len(found) == 1, found
    # A fault whose text ends within a sentence is compared up to that point.
    assert found[0].startswith(fault)


@pytest.mark.parametrize("key", ["about", "source", "policy", "expect", "lanes"])
def test_a_missing_key_is_reported_with_its_description(tmp_path: Path, key: str) -> None:
    lines = SMALL.splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    found = faults_of(tmp_path, "".join(lines[:start] + lines[end:]))
    assert found == [f"1:1: {key}: missing, it is required; say here: {docs_of(Scenario)[key]}"]


def test_no_lanes_at_all_is_one_fault(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("lanes:")] + "lanes: []\n" + SMALL[SMALL.index("expect:") :]
    assert faults_of(tmp_path, text) == ["4:8: lanes: must not be empty; say here: The lanes that take part."]


def test_too_many_lanes_are_counted(tmp_path: Path) -> None:
    lanes = "".join(f"  - {{role: cron, name: c{number}}}\n" for number in range(15))
    assert faults_of(tmp_path, changed("expect:", lanes + "expect:")) == [
        "5:3: lanes: must have at most 16 items (got 17)"
    ]


def test_all_mistakes_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = SMALL.replace("rate: 2.5", "rate: 0\n    coutn: 2").replace("coordinated", "coordinatd")
    text = text.replace("times: [1, 3]", "times: 99").replace("about:", "abuot:")
    assert [line.split(": ")[0:2] for line in faults_of(tmp_path, text)] == [
        ["1:1", "about"],
        ["1:1", "abuot"],
        ["3:9", "policy"],
        ["8:12", "lanes[1].times"],
        ["9:11", "lanes[1].rate"],
        ["10:5", "lanes[1].coutn"],
    ]


def names_of(settings: type) -> list[str]:
    return [field.name for field in dataclasses.fields(settings)]


def test_every_key_has_a_description() -> None:
    for role in ROLES.values():
        documented = docs_of(role.settings)
        assert list(documented) == names_of(role.settings), role.name
    assert list(docs_of(Scenario)) == names_of(Scenario)[1:]


def test_values_are_shown_as_they_could_stand_in_a_file() -> None:
    assert [show(value) for value in (None, True, "x", [1, "é"])] == ["nothing", "true", "'x'", '[1, "é"]']
    assert len(show("x" * 500)) < 70


def test_a_suggestion_is_made_only_when_something_is_close() -> None:
    assert suggest("coutn", ["count", "name"]) == "; did you mean 'count'?"
    assert suggest("zzz", ["count", "name"]) == "; expected one of count, name"
    assert suggest("zzz", []) == "; remove it"
