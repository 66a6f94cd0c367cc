"""Every run leaves a page behind, also at a bad end, and says where."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.harness_process import (
    ROGUE,
    SCENARIO,
    Harness,
    eventually,
    write_fence,
    write_scenario,
)

pytestmark = pytest.mark.requires("kernel-gate")

BUSY = """\
class Busy(Fence):
    calls = 0

    def guarded_write(self, entries):
        Busy.calls += 1
        if Busy.calls > 40:
            ctypes.CDLL(None).prctl(15, b"busy")
        super().guarded_write(entries)
"""

RAISES = """\
class Raises(Fence):
    def guarded_write(self, entries):
        raise KeyError("</title><script>\\x1b[2J\\u202e")
"""


def _page(harness: Harness) -> str:
    return (harness.out / "report.html").read_text()


def test_a_pass_is_told_with_its_worth_and_the_page(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path), "--fence", "ledger", "--schedules", 10)
    assert ended.status == 0
    assert ended.out.splitlines()[-1] == f"report: {harness.out}/report.html"
    page = _page(harness)
    assert "<h1>Pass</h1>" in page
    assert "Coverage of passes" in page
    assert "<article" not in page


def test_a_missed_takeover_is_drawn_with_its_replay_command(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 30, "--json")
    assert ended.status == 1
    assert len(ended.objects) == 1  # and no word of the page
    page = _page(harness)
    assert "<h1>Missed takeover, not expected</h1>" in page
    assert page.count("<article") == 1
    path = ended.object["shrunk"]["missed_takeover"]["witness"]
    assert f" -m harness replay {path}</code>" in page
    assert "Deciding order: " in page
    assert harness.call("replay", path).status == 0


def test_the_page_has_the_counts_of_the_verdicts(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 30, "--json")
    page = _page(harness)
    count = ended.object["violations"]["missed_takeover"]
    assert f"missed takeover in {count} of 30" in page
    verdicts = ended.object["verdicts"]
    assert f">{verdicts['missed_takeover']}</a></td>" in page
    assert sum(ended.object["decision_steps"].values()) == sum(verdicts.values())
    assert ended.object["found_curve"][-1] == [30, count]


def test_words_of_a_fence_stay_text(harness: Harness, tmp_path: Path) -> None:
    fence = f"{write_fence(tmp_path, RAISES)}:Raises"
    ended = harness.run(write_scenario(tmp_path), "--fence", fence, "--schedules", 3)
    assert ended.status == 1
    page = _page(harness)
    assert "&lt;/title&gt;&lt;script&gt;" in page
    assert "<script" not in page
    assert page.replace("\n", "").isprintable()


def test_an_interrupted_run_leaves_a_page_with_its_findings(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, BUSY)
    both = ("--fence", f"{fences}:Busy", "--fence", "ledger", "--strategy", "random", "--schedules", 10**9)
    with harness.start_run(write_scenario(tmp_path), *both) as running:
        eventually(lambda: running.worker_named("busy") or running.process.poll() is not None)
        os.kill(running.process.pid, signal.SIGINT)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    page = _page(harness)
    assert "<h1>Interrupted</h1>" in page
    assert "one scenario and fence of 2" in page


def test_an_unwritable_page_is_told_once_and_is_inconclusive(harness: Harness, tmp_path: Path) -> None:
    (harness.out / "report.html").mkdir(parents=True)
    ended = harness.run(write_scenario(tmp_path), "--fence", "ledger", "--schedules", 3)
    assert ended.status == 3
    assert ended.err.count("report.html: cannot be written") == 1
    assert "report:" not in ended.out
    assert "pass" in ended.out.splitlines()[-1]
    assert not list(harness.out.rglob("*.tmp"))


def test_a_run_removes_the_page_of_another_first(harness: Harness, tmp_path: Path) -> None:
    harness.out.mkdir()
    (harness.out / "report.html").write_text("of yesterday")
    assert harness.run(write_scenario(tmp_path, SCENARIO), "--fence", "ledger", "--schedules", 3).status == 0
    assert "of yesterday" not in _page(harness)
