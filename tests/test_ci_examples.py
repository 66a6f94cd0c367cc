"""The jobs of docs/ci.md: valid YAML of their kind, whose lines work in the folder that `init` writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.command_blocks import make_programs, run

ROOT = Path(__file__).parents[1]
#: The head of each job's section, and the file that its system reads.
SYSTEMS = {"GitHub": "jobs", "GitLab": "fence", "Buildkite": "steps"}
_ADDRESS = "git+ADDRESS_OF_THE_HARNESS"


def job_of(system: str) -> dict[str, Any]:
    """Return the job in the first block of YAML of a section of docs/ci.md."""
    (section,) = re.findall(
        rf"^## On {system}\n(.*?)^## ", (ROOT / "docs" / "ci.md").read_text(), re.M | re.S
    )
    shown = re.search(r"^```yaml\n(.*?)^```", section, re.M | re.S)
    assert shown is not None
    found = yaml.load(shown[1], yaml.BaseLoader)
    assert list(found) == [SYSTEMS[system]]
    if system == "GitHub":
        return dict(found["jobs"]["fence"])
    return dict(found["fence"] if system == "GitLab" else found["steps"][0])


def lines_of(system: str) -> list[str]:
    """Return the lines of shell of a job, in their order."""
    job = job_of(system)
    if system == "GitHub":
        return [step["run"] for step in job["steps"] if "run" in step]
    return list(job["script"] if system == "GitLab" else job["command"])


def test_the_jobs_have_the_keys_of_their_systems() -> None:
    gitlab, buildkite = job_of("GitLab"), job_of("Buildkite")
    assert set(gitlab) == {"image", "timeout", "script", "allow_failure", "artifacts"}
    assert gitlab["artifacts"]["reports"] == {"junit": "junit.xml"}
    assert gitlab["allow_failure"] == {"exit_codes": ["3"]}
    assert set(buildkite) == {
        *("label", "timeout_in_minutes", "agents", "command", "soft_fail", "artifact_paths"),
    }
    assert buildkite["soft_fail"] == [{"exit_status": "3"}]
    # Buildkite fills in variables before a job is run.
    assert "$" not in str(buildkite)


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize(
    "system", ["GitLab", *(pytest.param(one, marks=pytest.mark.long) for one in ("GitHub", "Buildkite"))]
)
def test_the_lines_of_a_job_work_in_a_folder_of_init(system: str, tmp_path: Path) -> None:
    make_programs(tmp_path / "bin")
    pip = tmp_path / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\n[ "$*" = "install {_ADDRESS}" ]\n')
    pip.chmod(0o755)
    assert run("takeover-harness init project", tmp_path).returncode == 0
    lines = lines_of(system)
    called = [re.search(r" (install|doctor|run)\b", line) for line in lines]
    assert [found and found[1] for found in called] == ["install", "doctor", "run"]
    for line in lines:
        small = line.replace("--schedules 300", "--schedules 3")
        done = run(small, tmp_path / "project", PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
        assert done.returncode == 0, (line, done)
    (junit,) = (tmp_path / "project").rglob("junit.xml")
    suites = ElementTree.parse(junit).getroot()
    assert [len(suites.findall(f".//{kind}")) for kind in ("testcase", "failure", "error")] == [2, 0, 0]
    assert list((tmp_path / "project").rglob("report.html"))
