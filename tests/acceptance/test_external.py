"""External fences through the command line: verdicts, and none where an adapter breaks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import Harness, write_scenario
from tests.fence.external.adapters import RANDOM_IDS, command
from tests.patience import at_some_patience, impatient

ROOT = Path(__file__).parents[2]
#: Words of the reason about an adapter that breaks in a guarded write.
BROKEN = {
    "talks": ("no JSON", "in the line hello, world"),
    "floods": ("a line of more than 33554432 bytes",),
    "floods_lines": ("in the line {}",),
    "doubts": ("can no longer attribute its calls: two at once",),
}


#: Of each of two runs; `STRESS_EXTERNAL=200` takes a minute or two.
SCHEDULES = int(os.environ.get("STRESS_EXTERNAL", "12"))
EXAMPLES = [
    pytest.param("node examples/node/stat.mjs", marks=pytest.mark.requires("node")),
    pytest.param("perl examples/perl/digest.pl", marks=pytest.mark.long),
]
GATES = [pytest.param("kernel", marks=pytest.mark.requires("kernel-gate")), "free"]
#: Under the free gate all that says nothing looks alike.
HANGING = [
    *(
        pytest.param(fault, "kernel", "", marks=pytest.mark.requires("kernel-gate"))
        for fault in ("hangs", "spins", "closes")
    ),
    ("hangs", "free", "was not done after"),
    ("closes", "free", "closed its standard output"),
]


def fence(fault: str = "none") -> str:
    return f"exec:{command(fault)}"


def run(
    harness: Harness, tmp_path: Path, fault: str, gate: str, schedules: int = 2, **more: Any
) -> dict[str, Any]:
    path = write_scenario(tmp_path)
    arguments = ("--fence", fence(fault), "--gate", gate, "--schedules", schedules, "--json")
    ended = harness.run(path, *arguments, **more)
    assert ended.status in (0, 3), ended
    found = ended.object
    assert (ended.status == 3) == bool(found["inconclusive"])
    return found


@pytest.mark.parametrize("gate", GATES)
def test_a_fence_in_another_process_runs_like_any_other(harness: Harness, tmp_path: Path, gate: str) -> None:
    found = run(harness, tmp_path, "none", gate, schedules=5)
    assert found["schedules"] == 5 and found["violations"] == {}
    assert found["verdicts"]["true_negative"] > 0


@pytest.mark.requires("kernel-gate")
def test_random_ids_of_an_adapter_are_the_same_in_each_run(harness: Harness, tmp_path: Path) -> None:
    found = run(harness, tmp_path, RANDOM_IDS, "kernel", schedules=3)
    assert found["repeated"] > 0 and not found["inconclusive"], found


#: The worker finds the fault under both gates; each gate hands on the last words in its own way.
BREAKING = [
    *(pytest.param(fault, "kernel", marks=pytest.mark.requires("kernel-gate")) for fault in BROKEN),
    ("doubts", "free"),
]


@pytest.mark.parametrize(("fault", "gate"), BREAKING)
def test_an_adapter_that_breaks_is_inconclusive_and_says_how(
    harness: Harness, tmp_path: Path, fault: str, gate: str
) -> None:
    found = run(harness, tmp_path, fault, gate)
    assert found["violations"] == {}
    assert found["inconclusive"] == 2
    for words in BROKEN[fault]:
        assert words in found["why_inconclusive"], found


def test_the_free_gate_does_not_know_the_killer_of_an_adapter(harness: Harness, tmp_path: Path) -> None:
    found = run(harness, tmp_path, "is_killed", "free")
    assert (found["violations"], found["inconclusive"]) == ({}, 2)
    assert "was killed by signal 9" in found["why_inconclusive"], found


#: The heartbeat's process is the first of two that are not done when the runner's adapter breaks.
HEARTBEAT_FIRST = """\
about: A heartbeat that is still at work when the runner's adapter breaks.
source: acceptance test
policy: coordinated
lanes:
  - role: heartbeat
    process: other
    times: 10
  - role: runner
    process: gateway
expect: {}
"""


@pytest.mark.requires("kernel-gate")
def test_the_reason_is_that_of_the_process_whose_adapter_broke(harness: Harness, tmp_path: Path) -> None:
    path = write_scenario(tmp_path, HEARTBEAT_FIRST)
    arguments = ("--fence", fence("talks"), "--strategy", "round-robin", "--schedules", 1, "--json")
    found = harness.run(path, *arguments).object
    assert found["inconclusive"] == 1
    assert found["why_inconclusive"].startswith("schedule 0: the adapter sent an invalid line"), found


@pytest.mark.requires("kernel-gate")
def test_an_adapter_that_takes_its_time_has_the_same_histories(harness: Harness, tmp_path: Path) -> None:
    """It computes for longer than the gate waits before it looks for what moves."""
    quick, slow = (run(harness, tmp_path, fault, "kernel") for fault in ("none", "dawdles"))
    assert slow["inconclusive"] == 0, slow
    assert slow["histories"] == quick["histories"]


@pytest.mark.parametrize(("fault", "gate", "why"), HANGING)
def test_a_hanging_adapter_is_given_up_with_its_last_line(
    harness: Harness, tmp_path: Path, fault: str, gate: str, why: str
) -> None:
    def hangs(limit_s: float) -> None:
        found = run(harness, tmp_path, fault, gate, schedules=1, environment=impatient(limit_s))
        assert found["violations"] == {}
        assert why in found["why_inconclusive"], found
        assert '"do":"guarded_write"' in found["why_inconclusive"]

    at_some_patience(hangs)


@pytest.mark.requires("kernel-gate")
def test_an_adapter_that_sleeps_without_end_ends_with_the_schedule(harness: Harness, tmp_path: Path) -> None:
    found = run(harness, tmp_path, "sleeps_forever", "kernel", schedules=1)
    assert found["violations"] == {} and found["inconclusive"] == 1


@pytest.mark.requires("kernel-gate")
def test_a_child_of_an_adapter_does_not_outlive_the_run(harness: Harness, tmp_path: Path) -> None:
    arguments = ("--fence", fence("leaves_a_child"), "--schedules", 1, "--no-shrink", "--json")
    found = harness.run(write_scenario(tmp_path), *arguments).object
    # Its child has the pipe, so that the worker may see no end.
    assert found["violations"] == {"crash": 1} or found["inconclusive"] == 1


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_show_the_false_positive_and_repeat_their_histories(
    harness: Harness, example: str
) -> None:
    arguments = ("--fence", f"exec:{example}", "--schedules", SCHEDULES, "--no-shrink", "--json")
    first, second = (
        harness.run("scenarios/quickstart.yaml", *arguments, "--out", harness.out / number) for number in "12"
    )
    assert first.status == second.status == 1, first
    assert first.object["violations"].keys() == {"false_positive"}
    assert first.object["inconclusive"] == 0 and first.object["repeated"] > 0
    assert first.object["histories"] == second.object["histories"]
    witness = first.object["first_violation"]["witness"]
    assert (
        harness.call("replay", witness, "--allow-programs", "--session-root", harness.session_root).status
        == 0
    )


@pytest.mark.requires("kernel-gate", "node")
@pytest.mark.parametrize(
    ("how", "violations", "why"),
    [("", set(), ""), ("never", {"dead_end"}, ""), ("sync", set(), "fs.statSync of request")],
)
def test_lanes_that_wait_in_an_adapters_memory_take_turns(
    harness: Harness, how: str, violations: set[str], why: str
) -> None:
    """The calls of one are held while another runs; where that cannot be, there is no accusation."""
    words = ("--fence", f"exec:node tests/fence/external/queue.mjs {how}".rstrip(), "--schedules", 6)
    ended = harness.run("scenarios/quickstart.yaml", *words, "--no-shrink", "--json")
    assert set(ended.object["violations"]) == violations, ended
    assert bool(ended.object["inconclusive"]) == bool(why)
    assert why in ended.object["why_inconclusive"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("exec:no-such-program --at all", "cannot be started: No such file or directory: no-such-program"),
        ("exec:", "no command is given"),
        ("exec:'", "cannot be split"),
        ("exec:false", "ended with status 1"),
    ],
)
def test_an_adapter_that_cannot_start_is_refused_before_anything_runs(
    harness: Harness, tmp_path: Path, words: str, why: str
) -> None:
    path = write_scenario(tmp_path)
    ended = harness.run(path, "--fence", words, "--schedules", 1)
    assert ended.status == 2
    assert f"--fence {words}: " in ended.err and why in ended.err
    assert not harness.out.exists()
    ended = harness.call("conform", words)
    assert ended.status == 2 and why in ended.err


def test_conform_prints_a_line_per_check_and_a_status(harness: Harness) -> None:
    ended = harness.call("conform", fence())
    assert ended.status == 0 and "all 20 checks passed" in ended.out
    assert len(ended.out.splitlines()) == 21
    ended = harness.call("conform", fence("takeover_without_check"), "--json")
    assert ended.status == 1
    off = [found for found in ended.objects if not found["ok"]]
    assert off and '{"id": ' in str(off[0]["why"]) and "check: expected text" in str(off[0]["why"])
    assert harness.call("conform", "stat-2026.5.17").status == 0
    assert harness.call("conform", "no-such-fence").status == 2


@pytest.mark.requires("kernel-gate", "go")
def test_the_example_in_go_conforms_and_repeats(harness: Harness, tmp_path: Path) -> None:
    digest = tmp_path / "digest"
    subprocess.run(["go", "build", "-o", digest, ROOT / "examples" / "go" / "digest.go"], check=True)
    assert harness.call("conform", f"exec:{digest}").status == 0
    arguments = ("--fence", f"exec:{digest}", "--schedules", 6, "--json", "--no-shrink")
    runs = [
        harness.run("scenarios/contention.yaml", *arguments, "--out", harness.out / number).object
        for number in "12"
    ]
    assert [run["result"] for run in runs] == ["pass", "pass"], runs
    assert runs[0]["histories"] == runs[1]["histories"]
