"""From the terminal alone: which line of a broken fence is at fault."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Harness, write_scenario
from tests.patience import impatient

pytestmark = pytest.mark.requires("kernel-gate")

HEAD = """\
import logging
import sys
import threading

from fence.protocol import Fence
from fence.transcript import append_lines


"""
RAISES = """\
class Own(Fence):
    def guarded_write(self, entries):
        known = {}
        known["missing"]
"""
SPINS = """\
class Own(Fence):
    def guarded_write(self, entries):
        while entries:
            pass
"""
PRINTS = """\
class Own(Fence):
    def guarded_write(self, entries):
        print("looked at", len(entries), "entries")
        logging.warning("red \\x1b[31m")
        sys.stdout.buffer.write(b"no line end \\xff")
        print(f"nothing in {self.path}")
        raise RuntimeError(f"nothing was written to {self.path}")
"""
DEADLOCKS = """\
class Own(Fence):
    def guarded_write(self, entries):
        self.mutex = threading.Lock()
        with self.mutex:
            self.store(entries)

    def store(self, entries):
        with self.mutex:
            append_lines(self.path, entries)
"""


def run(harness: Harness, folder: Path, source: str) -> tuple[int, str]:
    """Run a fence for two schedules; return status and output."""
    (folder / "own.py").write_text(HEAD + source, encoding="utf-8")
    scenario = write_scenario(folder, SCENARIO)
    # However slow the machine is, the story is shrunk and run for its lines.
    arguments = ("--fence", f"{folder}/own.py:Own", "--schedules", 2, "--seed", 1, "--shrink-limit-s", 600)
    ended = harness.run(scenario, *arguments, environment=impatient())
    return ended.status, ended.out + ended.err


def line_of(source: str, words: str) -> int:
    """Return the number of the line that has these words."""
    return next(at for at, line in enumerate((HEAD + source).split("\n"), 1) if words in line)


def test_an_exception_at_import_names_its_line(harness: Harness, tmp_path: Path) -> None:
    source = 'LIMIT = {}["nothing"]\n'
    status, out = run(harness, tmp_path, source)
    assert status == 2
    assert f"own.py:{line_of(source, 'LIMIT')}: KeyError: 'nothing' (the line is: LIMIT = {{}}" in out


def test_a_crash_has_its_traceback_in_the_story(harness: Harness, tmp_path: Path) -> None:
    status, out = run(harness, tmp_path, RAISES)
    assert status == 1
    assert f'own.py", line {line_of(RAISES, "missing")}, in guarded_write' in out
    assert 'known["missing"]' in out
    assert "op_executor" not in out


def test_a_lane_that_computes_without_end_shows_its_line(harness: Harness, tmp_path: Path) -> None:
    status, out = run(harness, tmp_path, SPINS)
    assert status == 3
    first = line_of(SPINS, "while")
    assert "did not stop for" in out
    assert "of processor time; runner is at" in out
    assert f"own.py:{first} guarded_write" in out or f"own.py:{first + 1} guarded_write" in out


def test_a_lane_that_waits_for_itself_shows_its_line(harness: Harness, tmp_path: Path) -> None:
    status, out = run(harness, tmp_path, DEADLOCKS)
    assert status == 1
    held, waits = line_of(DEADLOCKS, "self.store(entries)"), line_of(DEADLOCKS, "append_lines(self") - 1
    assert f"own.py:{waits} store: with self.mutex:" in out
    assert f"own.py:{held} guarded_write" in out


def test_prints_of_a_lane_are_in_story_report_and_witness(harness: Harness, tmp_path: Path) -> None:
    status, out = run(harness, tmp_path, PRINTS)
    assert status == 1
    line = line_of(PRINTS, "looked at")
    told = (
        f"own.py:{line}| looked at 1 entries",
        f"own.py:{line + 1}| WARNING:root:red \\x1b[31m",
        "| no line end \\xff",
        "nothing in transcript.jsonl",
        "RuntimeError: nothing was written to transcript.jsonl",
    )
    for words in told:
        assert words in out
    assert "\x1b" not in out
    # Only in the story: prints of lanes are not mixed into the output.
    assert out.count("looked at 1 entries") == 1
    assert "looked at 1 entries" in (harness.out / "report.html").read_text(encoding="utf-8")
    (small,) = (harness.out / "witnesses").glob("*.shrunk.json")
    witness = small.read_text(encoding="utf-8")
    printed = json.loads(witness)["code"]["printed"]
    assert [one["stream"] for one in printed] == [1, 2, 1, 1]
    # The names of session directories differ from run to run.
    assert str(harness.session_root) not in witness
    own = ("--fence", f"{tmp_path}/own.py:Own", "--session-root", harness.session_root)
    replayed = harness.call("replay", small, *own)
    assert "the same history, step by step" in replayed.out
    for words in told:
        assert words in replayed.out
    _trace_says_what_each_call_returned(harness, small, own)
    _the_debugger_stops_in_the_lane(harness, small, own, line)


def _trace_says_what_each_call_returned(harness: Harness, witness: Path, own: tuple[object, ...]) -> None:
    traced = harness.call("replay", witness, *own, "--trace")
    assert traced.status == 0
    lines = traced.out.split("\n")
    made = next(line for line in lines if 'openat("T.lock", ' in line)
    assert "runner" in made and "begin_turn: " in made
    assert "O_CREAT|O_EXCL" in made and " = " in made
    assert any('unlink("T.lock") = 0' in line for line in lines)
    assert any("runner" in line and "out| looked at 1 entries" in line for line in lines)


def _the_debugger_stops_in_the_lane(
    harness: Harness, witness: Path, own: tuple[object, ...], line: int
) -> None:
    with harness.start(
        "replay", witness, *own, "--break", f"own.py:{line}", stdin=subprocess.PIPE
    ) as running:
        assert running.process.stdin is not None
        running.process.stdin.write("p 40 + len(entries)\nw\nn\nc\n")
        ended = running.end()
    assert ended.status == 0
    assert "lane runner (process " in ended.out
    assert f"own.py({line})guarded_write()" in ended.out
    assert "(Pdb) 41\n" in ended.out
    assert f"own.py({line + 1})guarded_write()" in ended.out
    # The frames of the harness are not shown.
    assert "op_executor" not in ended.out
    assert "the same history, step by step" in ended.out
