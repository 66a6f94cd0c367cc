"""Test that the Node host provides virtual time to an unmodified program."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fence.external import external
from fence.external.adapter import Adapter
from fence.external.host_hooks import HostHooks
from fence.protocol import Site
from tests.acceptance.harness_process import ROOT

pytestmark = pytest.mark.requires("node")


def test_timers_and_clocks_follow_the_harness_and_take_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    made = external("node tests/fence/external/clock.mjs")
    (tmp_path / "transcript.jsonl").touch()
    now, slept = [1_780_000_000_000_000_000], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += round(seconds * 1e9)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "time_ns", lambda: now[0])
    runner = made(Site(str(tmp_path / "transcript.jsonl"), "runner", {}, {}))
    try:
        runner.begin_turn()
        assert slept == [20, 10, 10, 20, 0.005, 0.007, 2, 1.5]
        now[0] += 40_000_000_000
        runner.append([b"{}\n"])
        found = json.loads(runner.load())
    finally:
        made.end()
    assert found == [
        ["interval", 20_000],
        ["thirty", 30_000],
        ["thirty, set later", 30_000],
        ["interval", 40_000],
        ["interval", 60_000],
        ["sixty", 60_000],
        ["clocks", [60_000, 60_000_000_000, 60_000]],
        ["enough", 60_005],
        ["tick", 60_012],
        ["stamps", [0, 0, 0, 2_000, 2_000, 2, True, 0]],
        ["aborted", 1_500, "TimeoutError", 1_500, 1_500, 7, 0],
        ["outlived its request", 103_512],
    ]


def test_two_processes_of_a_schedule_draw_other_random_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "transcript.jsonl").touch()
    drawn = [_drawn_by(lane, tmp_path) for lane in ("cron", "runner", "runner")]
    assert drawn[0] != drawn[1] == drawn[2]
    for _, _, names in drawn:
        assert len({name for name, _ in names}) == 3
        assert all(len(name) == 6 and mode == 0o700 for name, mode in names)


def _drawn_by(lane: str, folder: Path) -> list[Any]:
    """Return what an adapter that serves this lane draws in a schedule that begins at a fixed time."""
    drawn: list[Any]
    [drawn] = _loaded("random.mjs", lane, folder, schedules=1)
    return drawn


def _loaded(command: str, lane: str, folder: Path, schedules: int) -> list[Any]:
    """Return what an adapter loads at the begin of each of some schedules."""
    adapter = Adapter(("node", *f"tests/fence/external/{command}".split()), str(ROOT), _AtOneTime())
    found = []
    try:
        adapter.greet()
        for _ in range(schedules):
            adapter.begin_schedule({}, str(folder / "transcript.jsonl"), {"lanes": [lane], "options": {}})
            adapter.receive(adapter.ask("load", {"lane": lane, "handle": 0}))
            found.append(json.loads(json.loads(adapter.last)["text"]))
    finally:
        adapter.end()
    return found


@pytest.mark.parametrize(
    ("command", "numbers"), [("counting.mjs", [1, 1, 1]), ("counting.mjs keep", [1, 2, 3])]
)
def test_modules_required_after_serve_are_loaded_anew_for_each_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, numbers: list[int]
) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "transcript.jsonl").touch()
    assert _loaded(command, "runner", tmp_path, schedules=3) == numbers


class _AtOneTime(HostHooks):
    def now_ns(self) -> int:
        return 1_780_000_000_000_000_000


def test_an_answer_waits_for_other_threads_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made = external("node tests/fence/external/jobs.mjs")
    (tmp_path / "transcript.jsonl").touch()
    runner = made(Site(str(tmp_path / "transcript.jsonl"), "runner", {}, {}))
    at_once = [36, 4, 8, 8, "once", "AbortError"]
    try:
        for times in range(1, 4):
            runner.append([b"{}\n"])
            found = json.loads(runner.load())
            assert found == ([*at_once, 4, 32, 8, 250000, True, "immediate", 0]) * times
    finally:
        made.end()
