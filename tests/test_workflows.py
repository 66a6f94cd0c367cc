"""The workflows of CI call only what exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_manifest

from harness.cli import parser

ROOT = Path(__file__).parents[1]
_STARTS = ("ENTRYPOINT", "CMD")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
#: The values that GitHub would put there.
VALUES = {"$SEED": "7", "$((MINUTES * 60))": "5400"}


def _steps(workflow: Path) -> list[dict[str, Any]]:
    # The base loader: `on` is a word in YAML 1.2, as GitHub reads it.
    found = yaml.load(workflow.read_text(), yaml.BaseLoader)
    assert set(found) >= {"name", "on", "jobs", "permissions"}
    return [step for job in found["jobs"].values() for step in job["steps"]]


def _commands(text: str) -> list[list[str]]:
    for name, value in VALUES.items():
        text = text.replace(name, value)
    assert "$" not in text, text
    return [shlex.split(line) for line in text.splitlines()]


def test_there_is_a_stress_job() -> None:
    assert "stress.yml" in [workflow.name for workflow in WORKFLOWS]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_runs_our_code_or_a_pinned_action(workflow: Path) -> None:
    for step in _steps(workflow):
        assert ("run" in step) != ("uses" in step), step
        assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_call_of_the_harness_is_one_that_it_understands(workflow: Path) -> None:
    called = []
    for step in _steps(workflow):
        for words in _commands(step.get("run", "")):
            if "harness" in words:
                arguments = parser().parse_args(words[words.index("harness") + 1 :])
                called.append(arguments.command)
                for scenario in getattr(arguments, "scenarios", None) or []:
                    assert arguments.command == "controls" or (ROOT / scenario).exists()
    assert {"run", "doctor"} <= set(called)


def test_the_action_uses_each_of_its_inputs_and_pinned_actions() -> None:
    action = yaml.load((ROOT / "action.yml").read_text(), yaml.BaseLoader)
    steps = action["runs"]["steps"]
    for step in steps:
        assert ("shell" in step) == ("run" in step) != ("uses" in step), step
        assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step
        # A value that is put into a script would be run; variables of the environment are not.
        assert "${{" not in step.get("run", ""), step
    used = re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", str(steps))
    assert set(used) == set(action["inputs"])
    assert "takeover-harness doctor" in [step.get("run") for step in steps]


def test_every_hook_calls_the_harness_with_known_options() -> None:
    hooks = load_manifest(ROOT / ".pre-commit-hooks.yaml")
    assert [hook["id"] for hook in hooks] == ["takeover-harness", "takeover-harness-system"]
    for hook in hooks:
        program, *arguments = shlex.split(hook["entry"])
        assert program == "takeover-harness"
        assert not hook["pass_filenames"]
        assert parser().parse_args(arguments).command == "run"
        for name in ("my_fence.py", "my_fence.mjs", "scenarios/a.yaml"):
            assert re.search(hook["files"], name), name


def test_the_image_starts_the_console_script() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    said = {
        word: json.loads(rest) for word, _, rest in (line.partition(" ") for line in lines) if word in _STARTS
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert said["ENTRYPOINT"] == list(project["scripts"])
    assert parser().parse_args(said["CMD"]).command == "doctor"


def test_every_module_that_make_runs_can_be_imported() -> None:
    modules = re.findall(r"bin/python -m (tests\.\w+)", (ROOT / "Makefile").read_text())
    assert "tests.stress" in modules and len(modules) == len(set(modules)) == 9
    for module in modules:
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"], check=False, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert not re.search(r"bin/python tests/", (ROOT / "Makefile").read_text())


def test_an_unknown_claim_is_an_error() -> None:
    environment = {**os.environ, "STRESS_CLAIMS": "sound,happy"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.stress"],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "unknown happy" in done.stderr, done


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_target_of_make_exists(workflow: Path) -> None:
    made = (ROOT / "Makefile").read_text()
    for step in _steps(workflow):
        for words in _commands(step.get("run", "")):
            if words[0] == "make":
                assert all(target == ".venv" or f"\n{target}:" in made for target in words[1:])
