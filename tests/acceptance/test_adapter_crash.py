"""An adapter whose program ends in the midst of a request has crashed; one that others end has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_scenario
from tests.fence.external.adapters import DIES_LATER, command

GATES = [pytest.param("kernel", marks=pytest.mark.requires("kernel-gate")), "free"]
kernel_gate = pytest.mark.requires("kernel-gate")

TWO = """\
about: A second instance finds the lock held and its process ends.
source: 'earendil-works/pi #1322; YuJunZhiXue/arcway #4'
policy: coordinated
lanes:
  - {role: runner, process: a, rounds: [1, 2], think_steps: [1, 6]}
  - {role: cron, process: b, delay_steps: [0, 10], times: [1, 2]}
schedules: 20
expect: {}
"""
KILLED = TWO.replace(
    "schedules:",
    "faults:\n  - {lane: cron, kill: true, nth: [1, 4]}\nfence_options: {lock_timeout_ms: 900}\nschedules:",
)


def run(
    harness: Harness, path: Path, fault: str, *more: object, at: str = "guarded_write", schedules: int = 6
) -> Ended:
    fence = f"exec:{command(fault, at)}"
    return harness.run(path, "--fence", fence, "--schedules", schedules, "--explorers", 1, "--json", *more)


def first(found: dict[str, Any]) -> str:
    witness = json.loads(Path(found["first_violation"]["witness"]).read_text())
    return str(witness["claim"]["detail"])


@pytest.mark.parametrize("gate", GATES)
def test_an_adapter_that_ends_in_a_request_has_crashed(harness: Harness, tmp_path: Path, gate: str) -> None:
    ended = run(harness, write_scenario(tmp_path), "dies", "--gate", gate, "--no-shrink")
    assert (ended.status, ended.object["inconclusive"]) == (1, 0), ended
    assert ended.object["violations"] == {"crash": 6}
    assert first(ended.object) == (
        "runner crashed: the adapter ended with status 7; standard error: out of luck"
    )


SIGNALS = [
    pytest.param("aborts", "kernel", "signal 6; standard error: out of luck", marks=kernel_gate),
    pytest.param("is_killed", "kernel", "signal 9", marks=kernel_gate),
    ("aborts", "free", "signal 6; standard error: out of luck"),
]


@pytest.mark.parametrize(("fault", "gate", "words"), SIGNALS)
def test_an_adapter_that_ends_itself_by_a_signal_has_crashed(
    harness: Harness, tmp_path: Path, fault: str, gate: str, words: str
) -> None:
    ended = run(harness, write_scenario(tmp_path), fault, "--gate", gate, "--no-shrink", schedules=3)
    assert (ended.status, ended.object["inconclusive"]) == (1, 0), ended
    assert ended.object["violations"] == {"crash": 3}
    assert first(ended.object) == f"runner crashed: the adapter was killed by {words}"


@kernel_gate
def test_the_run_goes_on_with_new_adapters_and_says_the_same(harness: Harness, tmp_path: Path) -> None:
    path = write_scenario(tmp_path, TWO)
    kinds, histories = [], []
    for number in range(2):
        ended = run(
            harness, path, "dies", "--no-shrink", "--out", tmp_path / str(number), at="append", schedules=12
        )
        kinds.append(ended.object["violations"])
        histories.append(ended.object["histories"])
        assert (ended.object["inconclusive"], ended.object["voided"]) == (0, 0), ended
        assert ended.object["repeated"] > 0
    # An adapter that ends with the lock leaves it behind, so a lane may wait for it without end.
    assert kinds[0] == kinds[1] and kinds[0]["crash"] == 12 and set(kinds[0]) <= {"crash", "dead_end"}
    assert histories[0] == histories[1]


@kernel_gate
def test_a_crash_has_a_witness_that_shrinks_and_replays(harness: Harness, tmp_path: Path) -> None:
    run(harness, write_scenario(tmp_path), "dies", schedules=1)
    (whole,) = harness.witnesses()
    (shrunk,) = whole.parent.glob("*.shrunk.json")
    allowed = ("--allow-programs", "--session-root", harness.session_root)
    for witness in (whole, shrunk):
        again = harness.call("replay", witness, *allowed)
        assert again.status == 0 and "the adapter ended with status 7" in again.out, again
    steps = [len(json.loads(path.read_text())["schedule"]["choices"]) for path in (whole, shrunk)]
    assert steps[1] < steps[0]


@kernel_gate
def test_the_next_request_meets_an_adapter_that_ended_after_an_answer(
    harness: Harness, tmp_path: Path
) -> None:
    ended = run(harness, write_scenario(tmp_path), DIES_LATER, "--no-shrink", at="release_for_prompt")
    assert (ended.object["violations"], ended.object["inconclusive"]) == ({"crash": 6}, 0), ended
    assert "status 7; standard error: out of luck" in first(ended.object)


@kernel_gate
def test_the_lane_whose_request_met_the_end_is_named(harness: Harness, tmp_path: Path) -> None:
    """Two lanes share the process; only one of them asks for what ends it."""
    scenario = write_scenario(tmp_path, TWO.replace("process: b", "process: a"))
    ended = run(harness, scenario, "dies", "--no-shrink", at="acquire", schedules=12)
    assert set(ended.object["violations"]) <= {"crash", "dead_end"}, ended
    assert (ended.object["violations"]["crash"], ended.object["inconclusive"]) == (12, 0)
    assert first(ended.object).startswith("cron crashed: the adapter ended with status 7")


@kernel_gate
def test_an_end_that_no_request_meets_is_no_crash(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, write_scenario(tmp_path), DIES_LATER, "--no-shrink", at="end_turn", schedules=12)
    calm = run(harness, write_scenario(tmp_path), "none", "--no-shrink", schedules=12)
    for found in (ended, calm):
        assert (found.object["violations"], found.object["inconclusive"]) == ({}, 0), found
    assert ended.object["histories"] == calm.object["histories"]


@kernel_gate
def test_an_adapter_that_cannot_begin_a_schedule_has_crashed(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, write_scenario(tmp_path), "dies", "--no-shrink", at="begin_schedule")
    assert (set(ended.object["violations"]), ended.object["inconclusive"]) == ({"crash"}, 0), ended


@pytest.mark.parametrize("gate", GATES)
def test_an_adapter_that_never_said_hello_is_refused(harness: Harness, tmp_path: Path, gate: str) -> None:
    ended = run(harness, write_scenario(tmp_path), "dies", "--gate", gate, at="hello")
    assert ended.status == 2 and "ended with status 7" in ended.err, ended


@kernel_gate
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("meets_a_refusal", ("EROFS", "/var/tmp/harness-test-is-never-made", "session directory")),
        ("has_no_memory", ("as the harness limits it", "MemoryError")),
    ],
)
def test_an_adapter_ended_because_of_the_harness_has_not_crashed(
    harness: Harness, tmp_path: Path, fault: str, words: tuple[str, ...]
) -> None:
    ended = run(harness, write_scenario(tmp_path), fault, "--no-shrink")
    assert (ended.status, ended.object["violations"]) == (3, {}), ended
    for word in words:
        assert word in ended.object["why_inconclusive"], ended


@kernel_gate
def test_a_process_that_the_scenario_kills_has_not_crashed(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, write_scenario(tmp_path, KILLED), "none", "--no-shrink", schedules=20)
    assert "crash" not in ended.object["violations"], ended
    assert ended.object["inconclusive"] == 0, ended


@pytest.mark.requires("kernel-gate", "node")
def test_a_lane_of_the_same_adapter_that_did_not_ask_has_not_crashed(
    harness: Harness, tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path, TWO.replace("process: b", "process: a"))
    fence = "exec:node tests/fence/external/exits.mjs exit"
    ended = harness.run(scenario, "--fence", fence, "--json", "--no-shrink", "--schedules", 1)
    # The job found the lock held while the runner was on its way to an append.
    assert first(ended.object) == "cron crashed: the adapter ended with status 1", ended


@pytest.mark.requires("kernel-gate", "node")
@pytest.mark.parametrize(("how", "words"), [("exit", "ended with status 1"), ("timer", "EEXIST")])
def test_a_store_that_ends_its_process_has_crashed(
    harness: Harness, tmp_path: Path, how: str, words: str
) -> None:
    fence = f"exec:node tests/fence/external/exits.mjs {how}"
    command = (
        write_scenario(tmp_path, TWO),
        "--fence",
        fence,
        "--json",
        "--no-shrink",
        "--schedules",
        12,
        "--explorers",
        1,
    )
    ended = harness.run(*command)
    assert (ended.status, set(ended.object["violations"])) == (1, {"crash"}), ended
    assert ended.object["inconclusive"] == 0 and ended.object["repeated"] > 0, ended
    assert words in first(ended.object)
    assert str(harness.session_root) not in first(ended.object)
