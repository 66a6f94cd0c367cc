"""An assault sees what goes wrong in a case, goes on with the others, and accuses no sound one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.assault.limited import Figures
from tests.assault.wrong_cases import CASES, WRONG

ROOT = Path(__file__).resolve().parents[2]


def said(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def figures(folder: Path, what: str) -> Figures:
    done = said("tests.assault.wrong_cases", what, folder)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Figures)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("raise", "KeyError in wrong_cases.py"),
        ("write", "outside"),
        ("hang", "10 s of processor time"),
        ("memory", "more than 200 MB"),
        ("start", "outside"),
        ("end", "the process ended with -9"),
    ],
)
def test_a_case_that_does_wrong_is_counted_and_named(tmp_path: Path, what: str, words: str) -> None:
    found = figures(tmp_path, what)
    ((kind, count),) = found.failures.items()
    assert (words in kind, count) == (True, 1), found
    assert found.shown[0].startswith(f"case {WRONG}: ")
    assert found.cases == CASES


def test_cases_that_do_nothing_wrong_are_not_accused(tmp_path: Path) -> None:
    found = figures(tmp_path, "")
    assert (found.failures, found.outcomes) == ({}, {"sound": CASES})


@pytest.mark.requires("kernel-gate")
def test_a_small_assault_finds_nothing() -> None:
    sizes = ("--scenarios", 40, "--files", 60, "--command-lines", 6, "--jobs", 1)
    done = said("tests.assault", "files", *sizes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        *("scenario", "witness", "history", "progress", "plan", "corpus", "baseline", "command line"),
    ]
