"""Released lock libraries, fetched from their registries.

One version in `make test`, all that were tried with `make targets`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fence.targets import command, target_of
from fence.targets.locks import proper_lockfile
from harness.cli.status import NOT_EXPECTED, OK

pytestmark = pytest.mark.xdist_group("targets")

filelock = target_of("filelock")
ALL = os.environ.get("HARNESS_TARGETS") == "all"
OTHERS = ("portalocker", "fasteners", "flufl.lock", "zc.lockfile", "oslo.concurrency")
LIBRARIES = {
    "filelock": (filelock.VERSIONS if ALL else ("3.0.0",), "pypi"),
    "proper-lockfile": (proper_lockfile.VERSIONS if ALL else ("4.1.2",), "npm"),
    **{name: (target_of(name).VERSIONS if ALL else (), "pypi") for name in OTHERS},
    "lockfile": (target_of("lockfile").VERSIONS if ALL else (), "npm"),
    "cross-process-lock": (target_of("cross-process-lock").VERSIONS if ALL else (), "npm"),
}
CASES = [
    pytest.param(name, version, id=f"{name}@{version}", marks=pytest.mark.requires(capability))
    for name, (versions, capability) in LIBRARIES.items()
    for version in versions
]


def say(text: str) -> None:
    print(text)


def _harness(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words], capture_output=True, text=True, timeout=600, check=False
    )


#: A waiting process locks a file that the holder has removed by then: a double hold under search.
_UNLINKED = ("portalocker@2.10.1+temporary", "portalocker@3.2.0+temporary")
#: It wants a transcript that is there, and its lock keeps no other lane of the same process out.
_BY_PROCESS = "cross-process-lock@"


@pytest.mark.parametrize(("name", "version"), CASES)
def test_every_lock_of_a_release_speaks_the_protocol(name: str, version: str) -> None:
    for fence in target_of(name).fetch(version, say).fences:
        done = _harness("conform", f"exec:{command(fence)}")
        off = [line for line in done.stdout.splitlines() if line.startswith("OFF ")]
        if fence in _UNLINKED:
            (line,) = off
            assert "has it when it was let go: after acquire the lock" in line and "is not held" in line
        elif fence.startswith(_BY_PROCESS):
            assert [line.removeprefix("OFF  ")[:28] for line in off] == [
                "Where there is no transcript",
                "acquire of a held lock sleep",
                "acquire that waits in virtua",
            ]
        else:
            assert (done.returncode, off) == (OK, []), done.stdout


@pytest.mark.requires("pypi")
def test_the_adapter_takes_the_fetched_library_and_no_other() -> None:
    filelock.fetch("3.0.0", say)
    words = shlex.split(command("filelock@3.0.0"))
    elsewhere = [*words[:5], str(Path(__file__).parent), *words[6:]]
    done = subprocess.run(elsewhere, input="", capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode
    assert "expected it below" in done.stderr or "No module named 'filelock'" in done.stderr


@pytest.mark.requires("kernel-gate", "pypi")
def test_search_finds_that_old_filelock_unlinks_a_locked_file(tmp_path: Path) -> None:
    filelock.fetch("3.0.0", say)
    scenario = "scenarios/locks/lock-let-go-while-awaited.yaml"
    for fence, violations in (("filelock@3.0.0", ["double_hold"]), ("filelock@3.0.0+soft", [])):
        words = ["run", scenario, "--fence", fence, "--schedules", "40", "--json", "--no-shrink"]
        done = _harness(*words, "--out", str(tmp_path / fence))
        assert done.returncode in (OK, NOT_EXPECTED), done.stderr
        found = json.loads(done.stdout)
        assert [kind for kind in found["violations"] if kind == "double_hold"] == violations
        assert not found["inconclusive"]


@pytest.mark.requires("kernel-gate", "npm")
def test_search_finds_that_two_reclaim_one_lock_of_proper_lockfile(tmp_path: Path) -> None:
    proper_lockfile.fetch("4.1.2", say)
    words = ["run", "scenarios/locks/lock-of-the-dead.yaml", "--fence", "proper-lockfile@4.1.2"]
    done = _harness(*words, "--schedules", "60", "--json", "--no-shrink", "--out", str(tmp_path))
    assert done.returncode == NOT_EXPECTED, done.stderr
    found = json.loads(done.stdout)
    assert set(found["violations"]) == {"double_hold"}
    assert not found["inconclusive"]


@pytest.mark.requires("kernel-gate", "pypi")
def test_the_same_seed_gives_the_same_histories(tmp_path: Path) -> None:
    filelock.fetch("3.0.0", say)
    words = ["run", "scenarios/busy-lock.yaml", "--fence", "filelock@3.0.0", "--schedules", "30", "--json"]
    said = [
        json.loads(_harness(*words, "--no-shrink", "--out", str(tmp_path / str(n))).stdout) for n in range(2)
    ]
    assert said[0]["histories"] == said[1]["histories"]
    assert not said[0]["inconclusive"]
