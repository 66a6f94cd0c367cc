"""A run that cannot begin is refused at once, with status 2, and nothing is made."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import VERSION
from harness.cli import main
from takeover_harness.compiled import state
from tests.acceptance.harness_process import (
    ROOT,
    SCENARIO,
    Ended,
    Harness,
    write_fence,
    write_scenario,
)


def _refused(harness: Harness, ended: Ended) -> str:
    assert ended.status == 2, ended
    assert ended.out == ""
    assert not harness.out.exists()
    assert "Traceback" not in ended.err
    return ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--schedules", "0"], "--schedules: must be 1 to"),
        (["--schedules", "many"], "expected a whole number, got 'many'"),
        (["--schedules", str(1 << 70)], "--schedules: must be 1 to"),
        (["--seed", "-1"], "--seed: must be 0 to"),
        (["--time-limit-s", "-1"], "--time-limit-s: must be > 0"),
        (["--time-limit-s", "nan"], "--time-limit-s: must be > 0"),
        (["--time-limit-s", "inf"], "--time-limit-s: must be > 0"),
        (["--time-limit-s", "1e30"], "--time-limit-s: must be > 0 and at most 1000000000"),
        (["--time", "3"], "unrecognized arguments: --time 3"),
        (["--explorers", "0"], "--explorers: must be 1 to 256"),
        (["--explorers", "100000"], "--explorers: must be 1 to 256"),
        (["--gate", "ptrace"], "invalid choice: 'ptrace'"),
        (["--strategy", "luck"], "--strategy luck: unknown, expected one of"),
        (["--fence", "leger"], "--fence leger: unknown fence; did you mean 'ledger'?"),
        (["--fence", "no.such.module:Fence"], "importing no.such.module failed: ModuleNotFoundError"),
        (["--fence", "fence.none:Missing"], "has no Missing; fences there: NoFence"),
        (["--fence", "os:path"], "has a path that is no subclass of Fence"),
        (["--fence", "missing.py:Fence"], "no file missing.py"),
        (["--fence", "../missing:Fence"], "../missing does not end in .py; give path/file.py:Class"),
        (["--fence", "exec:./no-such"], "cannot be started: No such file or directory: ./no-such"),
        (["--fence", ":"], "unknown fence"),
        (["--fence", "fence.mjs"], "did you mean exec:'node fence.mjs'?"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["--schedule", "9"], "unrecognized arguments: --schedule 9; did you mean --schedules?"),
        (
            ["--rogue-actions", "1"],
            "--rogue-actions: only an exhaustive search has this bound, and --strategy",
        ),
        (["--preemptions", "0", "--strategy", "pct"], "give --strategy exhaustive, or leave it out"),
        (["--session-root", "/proc/no/such"], "no session directory can be made"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_error_of_a_bad_argument_names_the_expected_one(
    harness: Harness, tmp_path: Path, arguments: list[str], words: str
) -> None:
    scenario = write_scenario(tmp_path)
    assert words in _refused(harness, harness.run(scenario, *arguments))


def test_code_in_the_place_of_a_scenario_is_refused(harness: Harness, tmp_path: Path) -> None:
    fence = write_fence(tmp_path, "class Mine: ...\n")
    assert f"{fence}: is code, expected a scenario (*.yaml)" in _refused(harness, harness.run(fence))


def test_a_missing_fence_file_has_a_hint_at_one_like_it(harness: Harness, tmp_path: Path) -> None:
    fence = write_fence(tmp_path, "class Mine: ...\n", "guard.py")
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{tmp_path}/gaurd.py:Mine")
    assert f"no file {tmp_path}/gaurd.py; did you mean {fence}?" in _refused(harness, ended)


def test_a_scenario_that_names_no_fence_needs_one_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(write_scenario(tmp_path))]) == 2
    assert capsys.readouterr().err == (
        "scenario small: names no fence, neither in expect nor in fences; name one there, "
        "or give --fence REF (`python -m harness list fences`)\n"
    )
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("command", ["", "ran", "--version-of-nothing"])
def test_an_unknown_command_is_refused(harness: Harness, command: str) -> None:
    ended = harness.call(*([command] if command else []))
    assert ended.status == 2
    wrong, remedy = ended.err.splitlines()
    assert wrong.startswith("python -m harness: error: ")
    assert remedy == "see python -m harness --help"


@pytest.mark.parametrize(
    "arguments",
    [["--bogus", "\x1b[2J"], ["--gate", "ptrace"], ["--max-failures", "0"], ["-q", "-v"], ["-v", "--json"]],
)
def test_a_bad_argument_takes_two_lines_and_names_its_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "s.yaml", *arguments])
    assert ended.value.code == 2
    wrong, remedy = capsys.readouterr().err.splitlines()
    assert wrong.startswith("python -m harness run: error: ") and wrong.isprintable()
    assert remedy == "see python -m harness run --help"


@pytest.mark.parametrize("limit", ["soon", "0", "-1", "nan", "inf"])
def test_a_limit_of_the_environment_that_is_none_is_refused(harness: Harness, limit: str) -> None:
    ended = harness.run("scenarios/quickstart.yaml", environment={"HARNESS_WALL_LIMIT_S": limit})
    assert ended.status == 2
    assert f"HARNESS_WALL_LIMIT_S={limit}: expected seconds above 0" in ended.err
    assert not harness.out.exists()


def test_the_version_is_told(harness: Harness) -> None:
    ended = harness.call("--version")
    assert (ended.status, ended.out) == (0, f"takeover-harness {VERSION}, {state()}\n")


def _unprivileged() -> None:
    """Give up the right to pass by permissions; without effect for a user without that right."""
    libc = ctypes.CDLL(None)
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        libc.prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_every_scenario_that_cannot_be_read_is_named(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "a-empty.yaml").write_text("")
    (tmp_path / "b-latin.yaml").write_bytes(b"about: caf\xe9\n")
    secret = write_scenario(tmp_path, name="c-secret.yaml")
    secret.chmod(0)
    files = [tmp_path / f"{name}.yaml" for name in ("a-empty", "b-latin", "c-secret", "d-missing")]
    err = _refused(harness, harness.run(*files, before=_unprivileged))
    lines = err.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith(str(tmp_path))] == [
        str(file) for file in files
    ]
    assert f"{files[1]}:1:11: byte 0xe9 is not UTF-8" in err
    assert f"{files[2]}:1:1: cannot be read: Permission denied" in err
    assert f"{files[3]}:1:1: cannot be read: No such file or directory" in err


@pytest.mark.parametrize("command", ["run", "replay", "judge"])
def test_a_pipe_without_a_writer_is_no_file(harness: Harness, tmp_path: Path, command: str) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    ended = harness.call(command, pipe)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"{pipe}:")


def test_a_device_without_an_end_is_no_scenario(harness: Harness) -> None:
    err = _refused(harness, harness.run("/dev/zero"))
    assert err.startswith("/dev/zero:1:1: larger than 1048576 bytes")


def test_a_scenario_may_come_through_a_pipe(harness: Harness, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, SCENARIO.replace("coordinated", "anarchy").encode())
    os.close(writing)
    err = _refused(harness, harness.run(f"/dev/fd/{reading}", pass_fds=(reading,)))
    os.close(reading)
    assert f"/dev/fd/{reading}:3:9: policy: unknown policy 'anarchy'" in err


def test_a_folder_without_scenarios_is_refused(harness: Harness, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"{empty}: no scenario (*.yaml) in this folder" in _refused(harness, harness.run(empty))


def test_all_faults_of_all_files_come_in_line_order(harness: Harness, tmp_path: Path) -> None:
    first = write_scenario(
        tmp_path, SCENARIO.replace("think_steps: 2", "think_steps: -2").replace("about", "abuot"), "one.yaml"
    )
    second = write_scenario(tmp_path, SCENARIO.replace("policy: coordinated", "policy: anarchy"), "two.yaml")
    lines = _refused(harness, harness.run(first, second)).splitlines()
    places = [(name, int(line)) for name, line in (text.split(":")[:2] for text in lines)]
    assert places == sorted(places)
    assert {Path(name).name for name, _ in places} == {"one.yaml", "two.yaml"}
    assert len([name for name, _ in places if name == str(first)]) >= 2
    assert any("did you mean 'about'?" in line for line in lines)


def test_a_name_that_is_no_text_is_refused(harness: Harness, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(SCENARIO)
    assert "is not UTF-8" in _refused(harness, harness.run(os.fsdecode(path)))


BROKEN = {
    "raises": ("raise ValueError('at import')", "ValueError: at import"),
    "syntax": ("def oops(:\n", "SyntaxError"),
    "exits": ("sys.exit(0)", "SystemExit: 0"),
    "vanishes": ("os._exit(0)", "importing it ended the process"),
    "dies": ("os.kill(os.getpid(), 9)", "importing it ended the process"),
    "no fence": (
        "class Mine:\n    pass\n",
        "has a Mine that is no subclass of Fence; no fence is defined there",
    ),
    "no lock": (
        "class Mine(Fence):\n    lock_kind = 'hope'\n",
        "lock_kind 'hope', expected one of sidecar, flock",
    ),
}


@pytest.mark.parametrize("body, words", BROKEN.values(), ids=BROKEN)
def test_a_fence_that_cannot_be_loaded_is_refused(
    harness: Harness, tmp_path: Path, body: str, words: str
) -> None:
    fences = write_fence(tmp_path, body)
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{fences}:Mine")
    assert words in _refused(harness, ended)


def test_a_file_of_fences_needs_a_class(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, "")
    err = _refused(harness, harness.run(write_scenario(tmp_path), "--fence", fences))
    assert "it needs the name of a class; expected" in err
    fences = write_fence(tmp_path, "class Mine(Fence):\n    pass\n")
    err = _refused(harness, harness.run(write_scenario(tmp_path), "--fence", fences))
    assert f"it needs the name of a class; did you mean {fences}:Mine? expected" in err


def test_every_bad_fence_is_named_at_once(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, "raise ValueError('at import')")
    ended = harness.run(write_scenario(tmp_path), "--fence", "leger", "--fence", f"{fences}:Mine")
    lines = [line for line in _refused(harness, ended).splitlines() if line.startswith("--fence")]
    assert [line.split(":")[0] for line in lines] == ["--fence leger", f"--fence {fences}"]


def test_a_scenarios_bad_fence_is_refused_with_its_place(harness: Harness, tmp_path: Path) -> None:
    text = SCENARIO.replace("expect: {}", "expect: {leger: [crsh]}\nfences: [none, nome]")
    scenario = write_scenario(tmp_path, text)
    lines = _refused(harness, harness.run(scenario)).splitlines()
    assert [line.removeprefix(f"{scenario}:").partition("?")[0] for line in lines] == [
        "11:10: expect.leger: unknown fence 'leger'; did you mean 'ledger'",
        "11:18: expect.leger[0]: unknown value 'crsh'; did you mean 'crash'",
        "12:16: fences[1]: unknown fence 'nome'; did you mean 'none'",
    ]


def test_a_scenarios_bad_fence_file_is_refused_with_its_name(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.replace("expect: {}", 'expect: {"gone.py:Gone": [crash]}'))
    ended = harness.run(scenario, "--allow-programs")
    assert "scenario small: gone.py:Gone: no file gone.py" in _refused(harness, ended)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from harness.cli import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'yaml', 'pydantic', 'msgspec', 'rich', 'psutil', 'multiprocess', 'dill', 'fence'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--schedules" in done.stdout


def test_faults_are_refused_where_no_call_can_fail(harness: Harness, tmp_path: Path) -> None:
    faulty = SCENARIO + "faults:\n  - {lane: runner, call: write, error: ENOSPC}\n"
    plain, path = write_scenario(tmp_path), write_scenario(tmp_path, faulty, "faulty.yaml")
    err = _refused(harness, harness.run(plain, path, "--fence", "ledger", "--gate", "free"))
    assert "scenario faulty: faults need the kernel gate; the free gate makes no call fail, stops" in err


def test_a_kept_lock_is_refused_where_no_process_is_replaced(harness: Harness, tmp_path: Path) -> None:
    keeping = SCENARIO.replace(
        "lanes:\n", "fence_options: {lock_timeout_ms: 100}\nlanes:\n  - {role: cron, release: false}\n"
    )
    scenario = write_scenario(tmp_path, keeping)
    err = _refused(harness, harness.run(scenario, "--fence", "ledger", "--gate", "free"))
    assert "frees no lock that is kept" in err


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("fault", ["kill: true", "stop_ms: 100", "slow_ms: 0", "ahead_ms: 5"])
def test_mishaps_are_refused_where_steps_have_to_commute(
    harness: Harness, tmp_path: Path, fault: str
) -> None:
    path = write_scenario(tmp_path, f"{SCENARIO}faults:\n  - {{lane: runner, {fault}}}\n")
    err = _refused(harness, harness.run(path, "--fence", "ledger", "--strategy", "exhaustive"))
    assert "scenario small: faults: a process that is killed or stopped" in err
