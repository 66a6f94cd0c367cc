"""Released versions of OpenClaw, fetched from the registry.

One version in `make test`, all that were tried with `make targets`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fence.targets import TargetError, openclaw
from harness.cli.status import NOT_EXPECTED
from tests.released.check_table import ROWS, column_of, play, playing

pytestmark = [pytest.mark.requires("npm"), pytest.mark.xdist_group("targets")]

VERSIONS = openclaw.VERSIONS if os.environ.get("HARNESS_TARGETS") == "all" else ("2026.5.18",)
_MERGING_FROM = openclaw.VERSIONS.index("2026.6.9")


def say(text: str) -> None:
    print(text)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_release_behaves_as_measured(version: str, tmp_path: Path) -> None:
    cut = openclaw.fetch(version, say)
    assert len(cut.fences) == (2 if openclaw.VERSIONS.index(version) >= _MERGING_FROM else 1)
    for fence in cut.fences:
        said = {}
        with playing(fence) as classes:
            for number, row in enumerate(ROWS):
                folder = tmp_path / f"{fence}.{number}"
                folder.mkdir()
                said[row] = play(classes, row, folder)
        assert said == {row: verdicts[column_of(fence)] * 3 for row, verdicts in ROWS.items()}


def test_a_version_without_the_fence_names_the_missing_part() -> None:
    with pytest.raises(TargetError, match=r"cannot run: no file of its dist/ declares create"):
        openclaw.fetch("2026.5.16-beta.4", say)


@pytest.mark.requires("kernel-gate")
def test_search_finds_issue_84071_on_the_release(tmp_path: Path) -> None:
    openclaw.fetch("2026.5.18", say)
    words = ["run", "scenarios/quickstart.yaml", "--fence", "openclaw@2026.5.18", "--schedules", "40"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words, "--json", "--no-shrink", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == NOT_EXPECTED, done.stderr
    found = json.loads(done.stdout)
    assert (found["fence"], list(found["violations"])) == ("openclaw@2026.5.18", ["false_positive"])
    assert not found["inconclusive"]
