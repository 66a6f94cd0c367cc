"""Programs that take the declared lock: what they write is lawful, and participants answer for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

FENCE = '''\


class Flocked(Fence):
    """Any lane with the lock may append, and nothing is checked: right under the policy `coordinated`."""

    about = "flock, no check"
    lock_kind = "flock"
'''
HEAD = """\
about: Programs on one store.
source: acceptance test
policy: coordinated
lanes:
"""
RUNNER = "  - {role: runner, process: gateway, think_steps: [30, 50]}\n"
LINE = """echo '{"type":"custom","id":"%s"}' >> $0"""
#: Writes a copy and puts it in place: lines that come in between are gone.
COPY = """cp $0 $0.new && echo '{"type":"custom","id":"%s"}' >> $0.new && mv $0.new $0"""


def program(name: str, script: str, *, locks: bool = True, **keys: object) -> str:
    locked = ["flock", "{transcript}.flock"] if locks else []
    argv = [*locked, "sh", "-c", script, "{transcript}"]
    lane = {"role": "program", "name": name, "argv": argv, "delay_steps": 0, **keys}
    return f"  - {json.dumps(lane)}\n"


def run(harness: Harness, tmp_path: Path, *lanes: str) -> Ended:
    fence = write_fence(tmp_path, FENCE)
    text = "".join([HEAD, *lanes, "schedules: 60\nexpect: {}\n"])
    path = write_scenario(tmp_path, text)
    return harness.run(
        path, "--fence", f"{fence}:Flocked", "--allow-programs", "--json", "--no-shrink", "--seed", 1
    )


@pytest.mark.parametrize("participant", [False, True])
def test_a_line_under_the_lock_is_no_takeover(harness: Harness, tmp_path: Path, participant: bool) -> None:
    ended = run(
        harness, tmp_path, RUNNER, program("script", LINE % "s1", participant=participant, pause_ms=30)
    )
    assert ended.status == 0 and ended.object["violations"] == {}, ended
    assert ended.object["verdicts"]["true_negative"] == 60


def test_a_line_without_the_lock_is_one(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, RUNNER, program("script", LINE % "s1", locks=False, pause_ms=30))
    assert set(ended.object["violations"]) == {"missed_takeover"}, ended


def test_two_programs_that_lock_keep_each_other_s_lines(harness: Harness, tmp_path: Path) -> None:
    lanes = [
        program(name, script % name, participant=True, acknowledges=[name])
        for name, script in (("a1", LINE), ("b1", COPY))
    ]
    ended = run(harness, tmp_path, *lanes)
    assert ended.status == 0 and ended.object["violations"] == {}, ended


def test_a_lock_that_ends_with_a_sleeper_wakes_the_other(harness: Harness, tmp_path: Path) -> None:
    """While one sleeps under the lock the other asks for it once more, since no lane can go on."""
    lanes = [
        program(name, f"sleep 0.05; {LINE % name}", participant=True, acknowledges=[name])
        for name in ("a1", "b1")
    ]
    ended = run(harness, tmp_path, *lanes)
    assert ended.status == 0 and ended.object["violations"] == {}, ended


def test_a_program_that_does_not_lock_loses_the_line_of_another(harness: Harness, tmp_path: Path) -> None:
    ended = run(
        harness,
        tmp_path,
        program("one", LINE % "a1", participant=True, acknowledges=["a1"]),
        program("two", COPY % "b1", locks=False, participant=True, acknowledges=["b1"]),
    )
    assert set(ended.object["violations"]) == {"lost_entry", "double_hold"}, ended


def test_an_id_that_was_never_written_is_lost(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, program("one", LINE % "a1", participant=True, acknowledges=["a2"]))
    assert set(ended.object["violations"]) == {"lost_entry"}, ended


def test_a_program_that_says_it_failed_acknowledges_nothing(harness: Harness, tmp_path: Path) -> None:
    script = LINE % "a1" + "; exit $(stat -c %s $0 | cut -c1)"
    ended = run(harness, tmp_path, program("one", script, participant=True, acknowledges=["a2"]))
    assert ended.object["violations"] == {}, ended
    assert "exit status" in str(ended.object["not_exercised"])


def test_a_scenario_in_which_nothing_is_judged_is_refused(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, program("one", LINE % "a1"))
    assert ended.status == 2 and "nothing else is judged; add a runner, invariants, or a program" in ended.err
