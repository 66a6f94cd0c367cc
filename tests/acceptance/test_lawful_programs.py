"""Programs that take the declared lock: their writes are lawful, and participants answer for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.harness_process import ROOT, Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

FENCE = '''\


class Flocked(Fence):
    """Any lane with the lock may append, and nothing is checked: right under the policy `coordinated`."""

    about = "flock, no check"
    lock_kind = "flock"
'''
SCHEDULES = 24
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
    text = "".join([HEAD, *lanes, f"schedules: {SCHEDULES}\nexpect: {{}}\n"])
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
    assert ended.object["verdicts"]["true_negative"] == SCHEDULES


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


MARKERS = {"begin": r"^BEGIN (\S+)", "end": r"^END (\S+)"}
#: Takes the lock for each line, and says what it does.
SAYS = (
    "for n in 1 2; do echo BEGIN $1-$n; "
    """flock $0.flock sh -c "echo '{\\"type\\":\\"custom\\",\\"id\\":\\"$1-$n\\"}' >> $0"; """
    "echo END $1-$n; done"
)


def says(name: str, script: str, **keys: object) -> str:
    argv = ["sh", "-c", script, "{transcript}", name]
    lane = {"role": "program", "name": name, "argv": argv, "delay_steps": 0, "participant": True}
    return f"  - {json.dumps(lane | {'operations': MARKERS} | keys)}\n"


def test_programs_that_announce_their_written_lines_are_not_accused(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, says("a", SAYS), says("b", SAYS), RUNNER)
    assert ended.status == 0 and ended.object["violations"] == {}, ended
    assert ended.object["inconclusive"] == 0


def test_a_line_that_is_said_before_it_is_written_is_lost(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, says("a", "echo BEGIN a1; echo END a1; " + LINE % "a1"))
    assert ended.object["violations"] == {"lost_entry": SCHEDULES}, ended


def test_a_line_that_is_said_and_never_written_is_lost(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, says("a", LINE % "a1" + "; echo BEGIN a2; echo END a2"))
    assert ended.object["violations"] == {"lost_entry": SCHEDULES}, ended


def test_an_operation_without_its_end_acknowledges_nothing(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, says("a", LINE % "a1" + "; echo BEGIN a2"))
    assert ended.status == 0 and ended.object["violations"] == {}, ended


def test_another_one_that_destroys_an_acknowledged_line_is_named(harness: Harness, tmp_path: Path) -> None:
    careless = ">/dev/null; echo BEGIN b1; " + COPY % "b1" + "; echo END b1"
    ended = run(harness, tmp_path, says("a", SAYS), says("b", careless))
    assert set(ended.object["violations"]) == {"lost_entry", "double_hold"}, ended
    [path] = (harness.out / "witnesses").glob("*lost_entry*.json")
    told = harness.call("replay", path, "--allow-programs")
    assert told.status == 0 and "b  sh b1 program" in told.out, told


def test_an_output_of_any_length_stops_no_program(harness: Harness, tmp_path: Path) -> None:
    noisy = "head -c 300000 /dev/zero; echo; " + SAYS
    ended = run(harness, tmp_path, says("a", noisy))
    assert ended.status == 0 and ended.object["inconclusive"] == 0, ended


@pytest.mark.parametrize(
    ("name", "found"), [("two-command-lines", set()), ("said-before-written", {"lost_entry"})]
)
def test_an_example_shows_its_claim(harness: Harness, name: str, found: set[str]) -> None:
    path = ROOT / "examples" / "command-lines" / f"{name}.yaml"
    ended = harness.run(path, "--allow-programs", "--json", "--no-shrink", "--schedules", 8)
    assert ended.status == 0 and set(ended.object["violations"]) == found, ended
    assert ended.object["inconclusive"] == 0
