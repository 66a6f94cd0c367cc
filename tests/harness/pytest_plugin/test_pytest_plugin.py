"""Scenario files are test items where an option asks for it, and nowhere else."""

from __future__ import annotations

import importlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from harness.pytest_plugin.running import cores_of
from tests.acceptance.harness_process import ROGUE, ROOT, SCENARIO, command_line, eventually

pytest_plugins = ["pytester"]

# Runs in this process forget what they imported; some of what these import can be imported only once.
importlib.import_module("harness.pytest_plugin.items")
importlib.import_module("harness.scenario.loader")

SMALL = SCENARIO.replace("schedules: 20", "schedules: 10").replace("expect: {}", "expect: {none: []}")
BAD = ROGUE.replace("expect: {}", "expect: {ledger: [], none: []}")
PLUGIN = ("-p", "takeover_harness.pytest_plugin")
needs_gate = pytest.mark.requires("kernel-gate")


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a user's repository, in an environment with the harness."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # In CI pytest's summary repeats the whole text of a failure.
    for name in ("PYTEST_ADDOPTS", "CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    # Only these, because other plugins take longer to start than most of these tests last.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return pytester


def put(repository: pytest.Pytester, name: str, text: str) -> Path:
    path = repository.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(repository: pytest.Pytester, *arguments: str, plugin: tuple[str, ...] = PLUGIN) -> pytest.RunResult:
    return repository.runpytest_subprocess(*plugin, *arguments)


def collected(repository: pytest.Pytester, *arguments: str) -> set[str]:
    # In this process, which is faster; nothing is run.
    result = repository.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", *arguments)
    return {line for line in result.outlines if "::" in line}


def ask_for_scenarios(repository: pytest.Pytester, more: str = "") -> None:
    put(repository, "pytest.ini", f"[pytest]\nharness_scenarios = true\n{more}")


def test_without_an_option_nothing_is_collected(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/foreign.yaml", "this: [is, no\n  scenario: of ours")
    put(repository, "login.scenario.yaml", "- given: a user")
    light = "{'harness.explore.coordinator', 'harness.scenario', 'pydantic', 'yaml', 'rich', 'psutil'}"
    put(
        repository, "test_own.py", f"import sys\ndef test_own():\n    assert not {light} & set(sys.modules)\n"
    )
    result = run(repository)
    result.assert_outcomes(passed=1)
    assert "harness:" not in result.stdout.str()


@pytest.mark.parametrize(
    "arguments", [("--harness-scenarios",), ("--fence", "none"), ("--harness-fence=none",)]
)
def test_an_option_collects_scenario_files(arguments: tuple[str, ...], repository: pytest.Pytester) -> None:
    for name in (
        "a.scenario.yaml",
        "scenarios/b.yaml",
        "scenarios/deep/c.yml",
        "other/d.yaml",
        "e.scenario.json",
    ):
        put(repository, name, SMALL)
    assert collected(repository, *arguments) == {
        "a.scenario.yaml::none", "scenarios/b.yaml::none", "scenarios/deep/c.yml::none",
    }  # fmt: skip


def test_the_ini_file_collects_scenario_files_and_names_fences(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SMALL)
    ask_for_scenarios(repository, "harness_fences =\n  ledger\n  my/fence.py:Mine\n")
    assert collected(repository) == {"scenarios/s.yaml::ledger", "scenarios/s.yaml::my/fence.py:Mine"}
    assert collected(repository, "--fence", "none") == {"scenarios/s.yaml::none"}


def test_without_an_option_the_scenarios_fences_are_run(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", BAD)
    ask_for_scenarios(repository)
    assert collected(repository) == {"scenarios/s.yaml::ledger", "scenarios/s.yaml::none"}


def test_a_scenario_that_names_no_fence_needs_an_option(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SCENARIO)
    ask_for_scenarios(repository)
    result = repository.runpytest_inprocess(*PLUGIN, "--collect-only")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["scenarios/s.yaml: names no fence, *; name one there, or give --harness-f*"])
    assert collected(repository, "--fence", "none") == {"scenarios/s.yaml::none"}


def test_a_scenarios_folder_above_the_repository_is_ignored(repository: pytest.Pytester) -> None:
    root = repository.mkdir("scenarios") / "repository"
    root.mkdir()
    (root / "docker.yaml").write_text("services: {}\n")
    (root / "pytest.ini").write_text("[pytest]\nharness_scenarios = true\n")
    assert collected(repository, f"--rootdir={root}", "-c", str(root / "pytest.ini"), str(root)) == set()


def test_faults_of_a_scenario_have_file_and_line(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SMALL.replace("think_steps: 2", "thinks: 2"))
    ask_for_scenarios(repository)
    result = repository.runpytest_inprocess(*PLUGIN)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["scenarios/s.yaml:7:5: lanes[[]0[]].thinks: unknown key*"])
    assert "Traceback" not in result.stdout.str()


@needs_gate
def test_a_failure_shows_the_story_and_the_replay_command(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", BAD)
    ask_for_scenarios(repository)
    result = run(repository, "--schedules", "12", "--seed", "2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([
        "*harness: kernel gate*",
        "s / none: not as expected (12 schedules, seed 2)",
        "*missed_takeover was not expected",
        "missed takeover: runner admitted*",
        "*<== MISSED TAKEOVER",
        "FAILED scenarios/s.yaml::none*",
    ])  # fmt: skip
    assert "Traceback" not in result.stdout.str()
    assert replayed(repository, result, repository.path) == 0


@needs_gate
def test_the_command_works_from_where_pytest_was_started(
    repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from fence import load\n\n\nclass Mine(load('none')):\n    pass\n"
    put(repository, "fences/mine.py", text)
    put(repository, "scenarios/s.yaml", ROGUE)
    ask_for_scenarios(repository, "harness_fences = fences/mine.py:Mine\n")
    here = repository.mkdir("elsewhere")
    monkeypatch.chdir(here)
    result = run(repository, "../scenarios", "--schedules", "12")
    result.assert_outcomes(failed=1)
    assert replayed(repository, result, here) == 0


def replayed(repository: pytest.Pytester, result: pytest.RunResult, where: Path) -> int:
    """Return the status of the replay command in a run's output."""
    (line,) = [line for line in result.outlines if line.startswith("replay: ")]
    done = subprocess.run(
        ["sh", "-c", line.removeprefix("replay: ")], cwd=where, capture_output=True, timeout=600, check=False
    )
    return done.returncode


@needs_gate
def test_items_obey_the_options_k_m_and_lf(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/good.yaml", SMALL)
    put(repository, "scenarios/bad.yaml", BAD)
    put(repository, "test_own.py", "def test_own(): pass\n")
    ask_for_scenarios(repository, "addopts = --strict-markers\n")
    everything = {
        "scenarios/bad.yaml::ledger", "scenarios/bad.yaml::none", "scenarios/good.yaml::none",
        "test_own.py::test_own",
    }  # fmt: skip
    assert collected(repository) == everything
    assert collected(repository, "-k", "bad and none") == {"scenarios/bad.yaml::none"}
    assert collected(repository, "-k", "ledger") == {"scenarios/bad.yaml::ledger"}
    assert collected(repository, "-m", "not scenario") == {"test_own.py::test_own"}
    assert collected(repository, "scenarios/bad.yaml::ledger") == {"scenarios/bad.yaml::ledger"}
    run(repository, "--schedules", "12").assert_outcomes(passed=3, failed=1)
    again = run(repository, "--schedules", "12", "--lf")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["FAILED scenarios/bad.yaml::none*"])


@needs_gate
def test_another_plugin_keeps_its_option(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SMALL)
    ask_for_scenarios(repository)
    put(repository, "conftest.py", "def pytest_addoption(parser): parser.addoption('--seed', default='x')\n")
    put(
        repository,
        "test_own.py",
        "def test_own(request): assert request.config.getoption('--seed') == 'abc'\n",
    )
    result = run(repository, "--seed", "abc", "--harness-seed", "7", "--junitxml=j.xml")
    result.assert_outcomes(passed=2)
    assert '<property name="seed" value="7"' in (repository.path / "j.xml").read_text()


@pytest.mark.parametrize("option", ["--schedules=0", "--seed=-1", "--schedules=many", "--harness-seed=1.5"])
def test_a_bad_option_value_is_refused(option: str, repository: pytest.Pytester) -> None:
    assert repository.runpytest_inprocess(*PLUGIN, option).ret == pytest.ExitCode.USAGE_ERROR


@needs_gate
def test_an_inconclusive_item_fails(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SMALL.replace("schedules: 10", "schedules: 2\nsteps_max: 3"))
    ask_for_scenarios(repository)
    result = run(repository)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["s / none: inconclusive (2 schedules, seed 1)", "*inconclusive: schedule 0: *"]
    )


@needs_gate
def test_an_unusable_fence_is_reported_without_a_traceback(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SMALL)
    result = run(repository, "--fence", "legder")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["legder: unknown fence; did you mean 'ledger'*"])
    assert "Traceback" not in result.stdout.str()


@needs_gate
def test_a_scenario_can_be_run_from_python(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", ROGUE)
    lanes = "[{'role': 'runner'}, {'role': 'editor', 'actions': ['append-user']}]"
    put(
        repository,
        "test_own.py",
        "import os, pytest\n"
        "from harness.model.errors import HarnessError, ScenarioError\n\n"
        "def test_file(run_scenario, tmp_path, monkeypatch):\n"
        "    monkeypatch.chdir(tmp_path)\n"
        "    result = run_scenario('scenarios/s.yaml', 'none', schedules=12, strategy='random')\n"
        "    assert os.getcwd() == str(tmp_path)\n"
        "    assert not result.expected\n"
        "    assert result.unexpected == ('missed_takeover was not expected',)\n"
        "    assert result.violations['missed_takeover'] == result.verdicts['missed_takeover'] > 0\n"
        "    assert (result.schedules, result.seed, result.summary['strategy']) == (12, 5, 'random')\n"
        "    assert 'MISSED TAKEOVER' in result.story and ' -m harness replay ' in result.replay[0]\n"
        "    assert result.story in str(result) and len(repr(result)) < 100\n\n"
        "def test_keys(run_scenario):\n"
        f"    keys = {{'about': 'a', 'source': 's', 'policy': 'coordinated', 'lanes': {lanes},\n"
        "            'expect': {'none': ['missed_takeover']}}\n"
        "    result = run_scenario(keys, 'none', schedules=12, seed=0)\n"
        "    assert result.expected, str(result)\n"
        "    assert (result.scenario, result.seed) == ('test_keys', 0)\n"
        "    assert result.inconclusive == result.story == ''\n\n"
        "def test_mistakes(run_scenario):\n"
        "    with pytest.raises(ScenarioError, match='cannot be read'):\n"
        "        run_scenario('scenarios/t.yaml', 'none')\n"
        "    with pytest.raises(HarnessError, match='unknown fence'):\n"
        "        run_scenario('scenarios/s.yaml', 'nnone')\n"
        "    with pytest.raises(HarnessError, match='strategy luck'):\n"
        "        run_scenario('scenarios/s.yaml', 'none', strategy='luck')\n",
    )
    run(repository, "--seed", "5", "-W", "error").assert_outcomes(passed=3)


@needs_gate
def test_a_scenario_loads_the_extensions_that_a_test_names(repository: pytest.Pytester) -> None:
    put(
        repository,
        "plugged.py",
        "from takeover_harness import POLICIES, Extension, Policy\n"
        "EXTENSION = Extension(policies=[Policy('plugged', 'mine', POLICIES['coordinated'].rules)])\n",
    )
    text = SMALL.replace("policy: coordinated", "policy: plugged\nextensions: [plugged.py]")
    put(repository, "scenarios/s.yaml", text)
    put(
        repository,
        "test_own.py",
        "import pytest\n"
        "from harness.model.errors import ScenarioError\n\n"
        "def test_own(run_scenario, tmp_path, monkeypatch):\n"
        "    monkeypatch.chdir(tmp_path)\n"
        "    with pytest.raises(ScenarioError, match='would run `plugged.py`.*allow-programs'):\n"
        "        run_scenario('scenarios/s.yaml', 'none')\n"
        "    result = run_scenario('scenarios/s.yaml', 'none', schedules=2, extensions=['plugged.py'])\n"
        "    assert (result.summary['policy'], result.inconclusive) == ('plugged', '')\n",
    )
    run(repository, "-W", "error").assert_outcomes(passed=1)


@needs_gate
def test_witnesses_go_to_the_given_folder(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", BAD)
    for _ in range(2):
        run(repository, "--fence", "none", "--schedules", "12", "--harness-out", "kept").assert_outcomes(
            failed=1
        )
    (folder,) = (repository.path / "kept").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "plan.json",
        "report.html",
        "verdicts.jsonl",
        "witnesses",
    }


@needs_gate
def test_workers_of_xdist_share_the_items(repository: pytest.Pytester) -> None:
    for number in range(3):
        put(repository, f"scenarios/s{number}.yaml", BAD)
    ask_for_scenarios(repository)
    plugin = (*PLUGIN, "-p", "xdist.plugin")
    result = run(repository, "-n", "2", "--schedules", "12", "-W", "error", plugin=plugin)
    result.assert_outcomes(passed=3, failed=3)
    assert result.stdout.str().count("<== MISSED TAKEOVER") == 3


def _worker(number: int, count: int) -> Any:
    return SimpleNamespace(workerinput={"workerid": f"gw{number}", "workercount": count})


@pytest.mark.parametrize(
    ("cores", "workers", "shares"),
    [
        ({0, 1, 2, 3}, 2, [[0, 2], [1, 3]]),
        ({4, 7}, 2, [[4], [7]]),
        ({4, 7}, 3, [[4], [7], [4]]),
        ({0, 1, 2}, 2, [[0, 2], [1]]),
        ({5}, 2, [[5], [5]]),
    ],
)
def test_workers_of_xdist_share_the_cores(
    cores: set[int], workers: int, shares: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    assert [list(cores_of(_worker(number, workers))) for number in range(workers)] == shares
    assert list(cores_of(SimpleNamespace())) == sorted(cores)  # type: ignore[arg-type]


@needs_gate
def test_ctrl_c_ends_pytest_and_leaves_nothing(repository: pytest.Pytester) -> None:
    put(repository, "scenarios/s.yaml", SMALL)
    command = [sys.executable, "-m", "pytest", *PLUGIN, "--fence", "none", "--schedules", str(10**9)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        me = psutil.Process(process.pid)
        eventually(lambda: any("harness.explore.worker_pool" in command_line(one) for one in me.children()))
        family = me.children(recursive=True)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=600)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in out
    eventually(lambda: not any(one.is_running() for one in family))


def test_the_plugin_does_not_change_the_harness_own_tests() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    some = ["tests/harness/model/test_schedule.py", "tests/scenarios", "scenarios"]
    found = [
        subprocess.run(
            [*command, *more, *some], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True
        )
        for more in ([], PLUGIN)
    ]
    assert found[0].stdout.splitlines()[:-1] == found[1].stdout.splitlines()[:-1]
    assert "::" in found[0].stdout


def test_the_replay_command_is_quoted_for_the_shell() -> None:
    from harness.pytest_plugin.running import _from_root

    config: Any = SimpleNamespace(rootpath=Path("/a b"), invocation_params=SimpleNamespace(dir=Path("/")))
    told = _from_root("replay: x\nsaid replay: y", config)
    assert told == f"replay: cd {shlex.quote('/a b')} && x\nsaid replay: y"


@needs_gate
def test_programs_are_started_only_with_the_option(repository: pytest.Pytester) -> None:
    text = SMALL.replace(
        "- role: heartbeat\n    process: other",
        "- role: program\n    argv: [/bin/sh, -c, 'echo x >> {transcript}']",
    )
    put(repository, "scenarios/touched.yaml", text.replace("expect: {none: []}", "expect: {ledger: []}"))
    ask_for_scenarios(repository)
    refused = run(repository, "--harness-schedules=1")
    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(["*would start `/bin/sh -c *--harness-allow-programs*"])
    run(repository, "--harness-schedules=1", "--harness-allow-programs").assert_outcomes(passed=1)


@needs_gate
def test_one_process_may_run_the_same_twice(repository: pytest.Pytester) -> None:
    put(
        repository,
        "tests/test_twice.py",
        "def test_it(run_scenario):\n"
        "    scenario = {'about': 'x', 'source': 'y', 'policy': 'coordinated', 'expect': {}}\n"
        "    scenario['lanes'] = [{'role': 'runner'}]\n"
        "    first, second = (run_scenario(scenario, 'none', schedules=3) for _ in range(2))\n"
        "    assert first.summary['histories'] == second.summary['histories']\n",
    )
    run(repository).assert_outcomes(passed=1)
