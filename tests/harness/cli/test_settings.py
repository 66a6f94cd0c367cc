"""[tool.takeover-harness] in pyproject.toml takes the place of options that were not given."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from harness.cli import parser
from harness.cli.resume import DEFAULTS
from harness.cli.settings import KEYS, with_settings
from harness.model.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(*words: str) -> argparse.Namespace:
    return with_settings(parser().parse_args(words))


def write(text: str) -> None:
    Path("pyproject.toml").write_text(text)


ALL = """\
[project]
name = "mine"
[tool.takeover-harness]
scenarios = ["scenarios", "quickstart"]
fences = ["my_fence.py:MyFence", "ledger"]
invariants = ["json-lines"]
gate = "free"
strategy = "surw"
schedules = 300
min-schedules = "20%"
seed = 7
time-limit-s = 60
explorers = 2
shrink-limit-s = 0.5
no-shrink = false
require-confinement = true
session-root = "/dev/shm"
junit = "junit.xml"
"""


def test_every_setting_takes_the_place_of_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    write(ALL)
    found = vars(arguments("run"))
    assert {name: found[key.option] for name, key in KEYS.items() if name != "confidence"} == {
        "scenarios": ["scenarios", "quickstart"],
        "fences": ["my_fence.py:MyFence", "ledger"],
        "invariants": ["json-lines"],
        "gate": "free",
        "strategy": "surw",
        "schedules": 300,
        "min-schedules": "20%",
        "seed": 7,
        "time-limit-s": 60.0,
        "explorers": 2,
        "shrink-limit-s": 0.5,
        "no-shrink": False,
        "require-confinement": True,
        "session-root": "/dev/shm",
        "junit": "junit.xml",
    }
    assert capsys.readouterr().err.startswith(
        "pyproject.toml: [tool.takeover-harness] sets scenarios, fences,"
    )


def test_every_setting_is_an_option_of_run() -> None:
    assert {key.option for key in KEYS.values()} - {"scenarios"} <= set(DEFAULTS)


def test_an_option_that_was_given_holds() -> None:
    write(ALL)
    found = arguments("run", "other.yaml", "--fence", "none", "--seed", "8", "--confidence", "0.1")
    assert (found.scenarios, found.fence, found.seed) == (["other.yaml"], ["none"], 8)
    assert (found.schedules, found.confidence) == (None, 0.1)
    assert found.gate == "free"


def test_a_command_without_an_option_has_no_use_for_it() -> None:
    write(ALL)
    found = arguments("matrix", "a.yaml", "--fences", "none,ledger")
    assert not hasattr(found, "fence")
    assert (found.seed, found.keep) == (7, False)


@pytest.mark.parametrize("text", ["", "[project]\nname = 'mine'\n", "not toml at all ["])
def test_a_file_that_says_nothing_of_the_harness_sets_nothing(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(text)
    assert arguments("run") == parser().parse_args(["run"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "seeed = 1",
            "pyproject.toml:2: tool.takeover-harness.seeed: unknown; did you mean 'seed'? expected",
        ),
        ("time_limit_s = 1", "unknown; did you mean 'time-limit-s'?"),
        ("allow-programs = true", "allow-programs: unknown; expected one of"),
        ("schedules = 0", "pyproject.toml:2: tool.takeover-harness.schedules: must be 1 to"),
        ("schedules = true", "schedules: must be a whole number (got True)"),
        ("schedules = '5'", "schedules: must be a whole number (got '5')"),
        ("no-shrink = 1", "no-shrink: must be true or false (got 1)"),
        ("fences = 'ledger'", "fences: must be a list of references (got 'ledger')"),
        ("fences = [1]", "fences: must be a list of references (got [1])"),
        ("gate = 'ptrace'", "gate: expected kernel or free, got 'ptrace'"),
        ("time-limit-s = inf", "time-limit-s: must be > 0 and at most"),
        (
            "schedules = 5\nconfidence = 0.1",
            "pyproject.toml:3: tool.takeover-harness.confidence: not with schedules",
        ),
        ("seed = ", "pyproject.toml: is not TOML: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_its_line(line: str, words: str) -> None:
    write(f"[tool.takeover-harness]\n{line}\n")
    with pytest.raises(UsageError) as caught:
        arguments("run")
    assert words in str(caught.value)


def test_all_faults_are_said_at_once() -> None:
    write("[tool.takeover-harness]\nseed = -1\nexplorers = 0\n")
    with pytest.raises(UsageError) as caught:
        arguments("run")
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "pyproject.toml:2:",
        "pyproject.toml:3:",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"seed = {'9' * 5000}", "is not TOML: Exceeds the limit"),
        (f"fences = {{{'a.' * 5000}a = 1}}", "(got a dict nested too deep to be shown)"),
        (f"{'a.' * 40_000}a = 1", "pyproject.toml:2: a name has more than 100 parts; shorten it"),
        (f"x = 1\n[{'tool . ' * 200}a]", "pyproject.toml:3: a name has more than 100 parts; shorten it"),
    ],
    ids=["digits", "deep value", "deep name", "deep table"],
)
def test_a_setting_that_is_long_or_deep_is_refused(text: str, words: str) -> None:
    write(f"[tool.takeover-harness]\n{text}\n")
    with pytest.raises(UsageError) as caught:
        arguments("run")
    assert words in str(caught.value)[:3000]


def test_a_long_list_of_faults_is_cut_and_says_so() -> None:
    write("[tool.takeover-harness]\n" + "".join(f"k{number} = 1\n" for number in range(60_000)))
    with pytest.raises(UsageError) as caught:
        arguments("run")
    first, *_, last = lines = str(caught.value).splitlines()
    assert (len(lines), first[:18]) == (51, "pyproject.toml:2: ")
    assert last == "pyproject.toml: 59950 settings were not looked at; mend these first"


@pytest.mark.parametrize("text", ["\n" * 500_000, " " * 500_000], ids=["lines", "blanks"])
def test_a_file_of_white_space_is_read(text: str) -> None:
    write(text)
    assert arguments("run").seed is None


@pytest.mark.parametrize("text", ["tool = 1", f"tool = {{ruff = '{'.' * 500}'}}"], ids=["number", "dots"])
def test_a_tool_that_is_not_ours_is_no_concern(text: str) -> None:
    write(f"{text}\n")
    assert arguments("run").seed is None


@pytest.mark.parametrize("value", ["1", "[1]", "'text'"])
def test_a_value_that_is_no_table_is_refused(value: str) -> None:
    write(f"[tool]\ntakeover-harness = {value}\n")
    with pytest.raises(UsageError, match=r"tool\.takeover-harness: must be a table"):
        arguments("run")


def test_only_the_working_directory_is_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ALL)
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert arguments("run").seed is None
