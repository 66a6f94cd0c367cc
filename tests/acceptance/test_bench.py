"""`bench` as a command: its files, its comparison with a baseline, and its end by an interrupt."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import Ended, Harness, eventually

pytestmark = pytest.mark.requires("kernel-gate")

_GROWTH = ("--parts", "growth", "--fence", "none", "--largest-kib", 1, "--rounds", 8)


def _bench(harness: Harness, *arguments: object) -> Ended:
    return harness.call("bench", "--session-root", harness.session_root, *arguments)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two quantities, measured here and once for all tests."""
    folder = tmp_path_factory.mktemp("baseline")
    ended = _bench(Harness(folder), *_GROWTH, "--out", folder / "baseline.json")
    assert ended.status == 0, ended.err
    return (folder / "baseline.json").read_text()


@pytest.fixture
def baseline(measured: str, tmp_path: Path) -> Path:
    """A copy of them that a test may change."""
    path = tmp_path / "baseline.json"
    path.write_text(measured)
    return path


def _changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    figures = json.loads(path.read_text())
    change(figures)
    path.write_text(json.dumps(figures))
    return path


def _times(factor: float) -> Callable[[dict[str, Any]], None]:
    def change(figures: dict[str, Any]) -> None:
        for quantity in figures["quantities"]:
            quantity["ratios"] = [ratio * factor for ratio in quantity["ratios"]]

    return change


def test_every_part_is_measured_stored_and_drawn(harness: Harness) -> None:
    out = harness.session_root.parent / "figures.json"
    ended = _bench(
        harness,
        *("--scenario", "scenarios/quickstart.yaml", "--fence", "ledger", "--controls", "stat-needs-a-file"),
        *("--parts", "scenarios,growth,controls,walls", "--largest-kib", 4, "--rounds", 2, "--schedules", 1),
        *("--json", "--out", out),
    )
    assert ended.status == 0, ended.err
    figures = ended.object
    assert json.loads(out.read_text()) == figures
    by_name = {quantity["name"]: quantity for quantity in figures["quantities"]}
    assert list(by_name) == [
        "step of quickstart / ledger",
        *("release of ledger, 1 KiB", "decision of ledger, 1 KiB"),
        *("release of ledger, 4 KiB", "decision of ledger, 4 KiB"),
        "first violation of stat-needs-a-file",
        *("start of a session and its workers", "start of one more process"),
        "step of quickstart / ledger, with walls",
    ]
    step = by_name["step of quickstart / ledger"]
    assert step["counters"]["steps"] > 0
    assert step["rates"]["steps_per_s"] > step["rates"]["schedules_per_s"] > 0
    assert by_name["first violation of stat-needs-a-file"]["counters"]["schedules"] == 1
    assert by_name["decision of ledger, 4 KiB"]["counters"]["bytes_hashed"] > 4096
    assert len(by_name["start of one more process"]["ratios"]) == 2
    assert "another machine" not in ended.err
    assert figures["machine"]["processor"] is not None
    picture = out.with_suffix(".svg").read_text()
    assert picture.startswith("<svg")
    assert "ledger" in picture


def test_curves_are_drawn_in_the_terminal(harness: Harness) -> None:
    ended = _bench(harness, *_GROWTH)
    assert ended.status == 0
    assert "decision (guarded write): processor time over the size of the transcript" in ended.out
    assert "a none; * several" in ended.out


def test_ten_times_the_time_of_the_baseline_is_slower(harness: Harness, baseline: Path) -> None:
    ended = _bench(harness, *_GROWTH, "--compare", _changed(baseline, _times(1 / 10)))
    assert ended.status == 1, ended.out
    assert "slower: release of none, 1 KiB: +" in ended.out
    assert ended.out.splitlines()[-1] == "slower"


def test_a_faster_run_is_no_failure(harness: Harness, baseline: Path) -> None:
    ended = _bench(harness, *_GROWTH, "--compare", _changed(baseline, _times(10)))
    assert ended.status == 0, ended.out
    assert ended.out.splitlines()[-1] == "faster"


def test_a_counter_that_grew_is_a_failure_at_any_speed(harness: Harness, baseline: Path) -> None:
    def change(figures: dict[str, Any]) -> None:
        _times(10)(figures)
        figures["quantities"][0]["counters"]["bytes_hashed"] = -1

    ended = _bench(harness, *_GROWTH, "--compare", _changed(baseline, change), "--json")
    assert ended.status == 1, ended.out
    comparison = ended.object["comparison"]
    assert comparison["verdict"] == "slower"
    assert comparison["changes"][0]["counters"] == {"bytes_hashed": [-1, 0]}


def test_times_of_another_machine_are_not_compared(harness: Harness, baseline: Path) -> None:
    def change(figures: dict[str, Any]) -> None:
        _times(1 / 10)(figures)
        figures["machine"]["processor"] = "abacus"

    ended = _bench(harness, *_GROWTH, "--compare", _changed(baseline, change))
    assert ended.status == 3, ended.out
    assert f"{baseline}: another machine: processor: abacus, " in ended.err
    assert "make a baseline here" in ended.err
    assert "time not compared: 2: another machine" in ended.out


def test_a_baseline_of_another_reference_is_refused(harness: Harness, baseline: Path) -> None:
    ended = _bench(harness, "--compare", _changed(baseline, lambda figures: figures.update(reference=99)))
    assert ended.status == 2
    assert f"{baseline}: measured against version 99 of the reference workload, expected " in ended.err
    assert "make it anew" in ended.err
    assert not ended.out


def test_only_the_parts_of_the_baseline_are_measured(harness: Harness, baseline: Path) -> None:
    ended = _bench(harness, *_GROWTH[2:], "--compare", baseline, "--json")
    assert ended.object["parts"] == ["growth"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--compare", "results/bench/versus.json"), "results/bench/versus.json: format None"),
        (("--compare", "nowhere.json"), "nowhere.json: cannot be read"),
        (("--compare", "scenarios/quickstart.yaml"), "scenarios/quickstart.yaml: is no JSON"),
        (
            ("--parts", "steps"),
            "--parts steps: no part, expected some of scenarios, growth, controls, walls, gate",
        ),
        (("--check", "--parts", "growth"), "--parts: given with --check"),
        (("--check", "--versus"), "--check: given with --versus"),
        (("--comparisons", "10"), "--comparisons: given without --check"),
        (("--limit-s", "10"), "--limit-s: given without --versus"),
        (("--fence", "none", "--fence", "ledger", "--parts", "scenarios"), "--fence: given more than once"),
        (("--fence", "no such fence"), "no such fence"),
        (("--out", "no/such/folder/figures.json"), "--out no/such/folder/figures.json: no folder"),
        (("--parts", "controls", "--controls", "ledger"), "ledger: no control"),
    ],
)
def test_bad_arguments_measure_nothing(harness: Harness, arguments: tuple[str, ...], said: str) -> None:
    ended = _bench(harness, *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert not ended.out


def test_a_fence_that_fails_alone_is_told_with_its_reason(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "failing.py"
    file.write_text(
        "from fence.protocol import Fence\n\n\nclass Failing(Fence):\n"
        "    def load(self):\n        raise RuntimeError('no memory of it')\n"
    )
    ended = _bench(harness, "--parts", "growth", "--fence", f"{file}:Failing", "--largest-kib", 1)
    assert ended.status == 2
    assert "an undisturbed turn fails: RuntimeError: RuntimeError: no memory of it" in ended.err


@pytest.mark.parametrize(
    ("part", "number"),
    [
        ("scenarios", signal.SIGINT),
        ("growth", signal.SIGTERM),
        ("controls", signal.SIGHUP),
        ("walls", signal.SIGTERM),
        ("gate", signal.SIGINT),
    ],
)
def test_an_interrupt_leaves_nothing_behind(harness: Harness, part: str, number: signal.Signals) -> None:
    with harness.start(
        *("bench", "--parts", part, "--rounds", 1000, "--session-root", harness.session_root),
        *("--scenario", "scenarios/quickstart.yaml", "--largest-kib", 64),
        *("--out", harness.session_root.parent / "figures.json"),
    ) as running:
        # The growing memory is measured in the explorer; its child that counts is there for moments only.
        eventually(running.explorers if part == "growth" else running.workers)
        running.process.send_signal(number)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130, ended.err
    assert not (harness.session_root.parent / "figures.json").exists()


def test_a_harness_that_is_killed_leaves_nothing_behind(harness: Harness) -> None:
    with harness.start(
        *("bench", "--parts", "scenarios", "--rounds", 1000, "--session-root", harness.session_root)
    ) as running:
        eventually(running.workers)
        running.process.kill()
        running.end()
        harness.assert_nothing_left(running)


def test_the_check_reports_its_figures_and_stores_every_run(harness: Harness) -> None:
    out = harness.session_root.parent / "check.json"
    ended = _bench(harness, "--check", "--comparisons", 4, "--rounds", 5, "--json", "--out", out)
    figures = ended.object
    assert ended.status == (0 if figures["holds"] else 1)
    assert (figures["compared"], figures["tried"]) == (4, 1)
    # So much is planted, by their steps.
    assert figures["planted"] == pytest.approx(0.15, abs=0.005)
    stored = json.loads(out.read_text())
    assert len(stored["runs"]) == 5
    assert {name: value for name, value in stored.items() if name != "runs"} == figures
