"""Released packages that write whole files: one version in `make test`, all with `make targets`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fence.targets import TargetError, target_of

pytestmark = [pytest.mark.xdist_group("targets"), pytest.mark.requires("kernel-gate", "npm")]

ALL = os.environ.get("HARNESS_TARGETS") == "all"
VERSIONS = target_of("write-file-atomic").VERSIONS if ALL else ("8.0.0",)
#: Variants, each with the violations that it shows.
SHOWN = {"": set(), "unlocked": {"lost_entry"}, **({"sync": set()} if ALL else {})}


def _violations(fence: str, out: Path) -> set[str]:
    words = ["run", "scenarios/busy-gateway.yaml", "--fence", fence, "--schedules", "8", "--no-shrink"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words, "--json", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    found = json.loads(done.stdout)
    assert not found["inconclusive"], found
    return set(found["violations"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_loses_lines_without_a_lock_alone(version: str, tmp_path: Path) -> None:
    fences = target_of("write-file-atomic").fetch(version, print).fences
    by_variant = {fence.partition("+")[2]: fence for fence in fences}
    found = {name: _violations(by_variant[name], tmp_path / name) for name in SHOWN}
    assert found == SHOWN


def test_a_version_that_is_none_is_refused_before_the_registry_is_asked() -> None:
    with pytest.raises(TargetError, match="expected a whole version"):
        target_of("write-file-atomic").fetch("8", print)
