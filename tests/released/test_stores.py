"""Released session stores from npm: one version in `make test`, all that were tried with `make targets`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fence.targets import TargetError, target_of
from harness.cli.status import NOT_EXPECTED, OK

pytestmark = [pytest.mark.xdist_group("targets"), pytest.mark.requires("kernel-gate", "npm")]

ALL = os.environ.get("HARNESS_TARGETS") == "all"
STORES = {
    "pi-coding-agent": target_of("pi-coding-agent").VERSIONS if ALL else ("1.6.0",),
    "oh-my-pi": target_of("oh-my-pi").VERSIONS if ALL else (),
}
VERSIONS = [(name, version) for name, versions in STORES.items() for version in versions]


def say(text: str) -> None:
    print(text)


def _found(scenario: str, fence: str, schedules: int, out: Path) -> dict[str, object]:
    words = ["run", f"scenarios/stores/{scenario}.yaml", "--fence", fence, "--schedules", str(schedules)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "harness",
            *words,
            "--explorers",
            "1",
            "--json",
            "--no-shrink",
            "--out",
            str(out),
        ],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode in (OK, NOT_EXPECTED), done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    assert not found["inconclusive"], found
    return found


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_two_terminals_fork_the_history_and_one_alone_does_not(
    name: str, version: str, tmp_path: Path
) -> None:
    for fence in target_of(name).fetch(version, say).fences:
        two = _found("two-terminals", fence, 4, tmp_path / f"{fence}-two")
        assert set(two["violations"]) == {"invariant"}  # type: ignore[call-overload]
        if (name, version) != ("pi-coding-agent", "0.74.0"):
            one = _found("one-terminal", fence, 4, tmp_path / f"{fence}-one")
            assert one["violations"] == {} and not one["not_exercised"]


def test_the_same_seed_gives_the_same_histories_where_there_is_no_file(tmp_path: Path) -> None:
    target_of("pi-coding-agent").fetch("1.6.0", say)
    said = [_found("not-there-yet", "pi-coding-agent@1.6.0", 4, tmp_path / str(n)) for n in range(2)]
    assert said[0]["histories"] == said[1]["histories"]


def test_a_range_is_no_version_and_a_missing_version_is_told() -> None:
    store = target_of("pi-coding-agent")
    with pytest.raises(TargetError, match="expected a whole version"):
        store.fetch("1", say)
    with pytest.raises(TargetError, match="E404"):
        store.fetch("0.0.1", say)
