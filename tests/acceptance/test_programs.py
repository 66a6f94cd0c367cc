"""Programs are started only where the user allows it, and a refusal names them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Ended, Harness, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

TEE = """\
about: A script writes while the runner waits for its model.
source: acceptance test
policy: coordinated
lanes:
  - role: runner
    think_steps: 20
  - role: program
    name: script
    argv: [bash, -c, "echo more | tee -a {transcript}"]
    delay_steps: 0
    pause_ms: 15
schedules: 20
expect:
  none: [missed_takeover]
"""
ALLOW = "--allow-programs"
COMMAND = "`bash -c 'echo more | tee -a {transcript}'`"


def folder_of(tmp_path: Path) -> Path:
    """One scenario with a program and one without."""
    folder = tmp_path / "some"
    (folder / "programs").mkdir(parents=True)
    (folder / "plain.yaml").write_text(SCENARIO)
    (folder / "programs" / "tee.yaml").write_text(TEE)
    return folder


def refused(harness: Harness, ended: Ended) -> str:
    assert ended.status == 2, ended
    assert ended.out == ""
    assert not harness.out.exists()
    return ended.err


def test_a_scenario_with_programs_is_refused_and_lists_them(harness: Harness, tmp_path: Path) -> None:
    error = refused(harness, harness.run(write_scenario(tmp_path, TEE)))
    assert COMMAND in error
    assert ALLOW in error


def test_with_leave_it_runs_and_failures_name_a_replay_command(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path, TEE), ALLOW, "--no-shrink")
    assert ended.status == 0, ended
    [line] = [line for line in ended.out.splitlines() if "replay:" in line]
    assert line.endswith(ALLOW)
    [witness] = (harness.out / "witnesses").glob("*.json")
    for command in ("replay", "shrink"):
        error = harness.call(command, witness)
        assert error.status == 2, error
        assert COMMAND in error.err
    ended = harness.call("replay", witness, ALLOW, "--json")
    assert ended.status == 0, ended
    assert json.loads(ended.out)["same_history"]
    ended = harness.call("shrink", witness, ALLOW, "--json", "--time-limit-s", 1000)
    assert ended.status == 0, ended


def test_a_script_that_signals_its_group_ends_itself_and_no_more(harness: Harness, tmp_path: Path) -> None:
    text = TEE.replace("echo more | tee -a {transcript}", "sleep 1000 & echo more >> {transcript}; kill 0")
    ended = harness.run(write_scenario(tmp_path, text), ALLOW, "--no-shrink", "--json", "--fence", "none")
    found = ended.object
    assert (ended.status, found["inconclusive"], found["voided"]) == (0, 0, 0), ended
    assert set(found["violations"]) == {"missed_takeover"}


#: The first thread ends by exit, which ends no other one; then the second one sends a signal and writes.
FIRST_THREAD_ENDS = """\
import ctypes, os, signal, sys, threading
def work():
    threading.main_thread().join(0)
    os.kill(os.getpid(), signal.SIGURG)
    for word in "ab":
        with open(sys.argv[1], "a") as file:
            print(word, file=file)
    os._exit(0)
threading.Thread(target=work).start()
ctypes.CDLL(None).syscall(60, 0)
"""


def test_a_program_whose_first_thread_has_ended_is_not_judged(harness: Harness, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(FIRST_THREAD_ENDS)
    text = TEE.replace("bash, -c", f"python3, {script}").replace(
        "echo more | tee -a {transcript}", "{transcript}"
    )
    words = (ALLOW, "--no-shrink", "--json", "--fence", "none", "--schedules", 3)
    found = harness.run(write_scenario(tmp_path, text), *words).object
    assert (found["inconclusive"], found["violations"]) == (3, {}), found
    assert "the first thread of a process that script started has ended" in found["why_inconclusive"]


def test_a_folders_scenarios_with_programs_are_left_out_and_named(harness: Harness, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    ended = harness.run(folder, "--fence", "none", "--json", "--schedules", 5, "--no-shrink")
    assert ended.status in (0, 1), ended
    assert {json.loads(line)["scenario"] for line in ended.out.splitlines()} == {"plain"}
    assert "programs/tee.yaml" in ended.err
    assert ALLOW in ended.err


def test_a_folder_of_nothing_else_is_refused(harness: Harness, tmp_path: Path) -> None:
    assert COMMAND in refused(harness, harness.run(folder_of(tmp_path) / "programs"))


def test_a_missing_program_is_said_before_anything_runs(harness: Harness, tmp_path: Path) -> None:
    path = write_scenario(tmp_path, TEE.replace("[bash,", "[no-such-program,"))
    error = refused(harness, harness.run(path, ALLOW))
    assert "no-such-program: no such program on PATH" in error


def test_the_free_gate_follows_no_program(harness: Harness, tmp_path: Path) -> None:
    error = refused(harness, harness.run(write_scenario(tmp_path, TEE), ALLOW, "--gate", "free"))
    assert "needs the kernel gate" in error


def test_the_python_that_runs_the_harness_needs_no_place_on_path(harness: Harness, tmp_path: Path) -> None:
    write = "import sys; print('more', file=open(sys.argv[1], 'a'))"
    python = TEE.replace("[bash, -c, ", '["{python}", -Ic, ').replace(
        "echo more | tee -a {transcript}", write
    )
    path = write_scenario(
        tmp_path,
        python.replace("file=open(sys.argv[1], 'a'))\"", 'file=open(sys.argv[1], \'a\'))", "{transcript}"'),
    )
    ended = harness.run(path, ALLOW, environment={"PATH": os.defpath})
    assert ended.status == 0, ended
    assert "script  python (openat T" in ended.out


def test_a_shim_of_a_version_manager_is_named(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "shims").mkdir()
    shim = tmp_path / "shims" / "python3"
    shim.write_text("#!/bin/sh\necho more >> $2\n")
    shim.chmod(0o755)
    path = write_scenario(
        tmp_path, TEE.replace("[bash, -c, ", "[python3, -c, ").replace("echo more | tee -a ", "")
    )
    ended = harness.run(
        path, ALLOW, "--schedules", 2, environment={"PATH": f"{shim.parent}:{os.environ['PATH']}"}
    )
    assert f"python3 is {shim}, a script of a version manager" in ended.err
    assert "{python}" in ended.err
    assert "version manager" not in harness.run(write_scenario(tmp_path, TEE), ALLOW).err
