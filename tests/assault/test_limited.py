"""An assault sees what goes wrong in a case, goes on with the others, and accuses no sound one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.assault import limited
from tests.assault.__main__ import main
from tests.assault.limited import Figures, attack

WRONG = 3


def figures(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> Figures:
    monkeypatch.setattr(limited, "_CPU_S", 1.0)
    other = tmp_path / "elsewhere"

    def case(number: int, folder: str) -> str:
        Path(folder, "own").write_text("a case may write into its folder")
        if number == WRONG:
            _do_wrong(what, other)
        return "sound"

    return attack(8, case, str(tmp_path / "cases"), 2, False, lambda _: None)


def _do_wrong(what: str, other: Path) -> None:
    if what == "raise":
        raise KeyError("on purpose")
    if what == "write":
        other.write_text("x")
    elif what == "hang":
        while True:
            pass
    elif what == "memory":
        bytearray(b"x") * (300 << 20)
    elif what == "start":
        os.posix_spawn("/bin/true", ["true"], {})
    elif what == "end":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("raise", "KeyError in test_limited.py"),
        ("write", "outside"),
        ("hang", "10 s of processor time"),
        ("memory", "more than 200 MB"),
        ("start", "outside"),
        ("end", "the process ended with -9"),
    ],
)
def test_a_case_that_does_wrong_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, words: str
) -> None:
    found = figures(tmp_path, what, monkeypatch)
    ((kind, count),) = found.failures.items()
    assert (words in kind, count) == (True, 1), found
    assert found.shown[0].startswith(f"case {WRONG}: ")
    assert found.cases == 8


def test_cases_that_do_nothing_wrong_are_not_accused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = figures(tmp_path, "", monkeypatch)
    assert (found.failures, found.outcomes) == ({}, {"sound": 8})


@pytest.mark.requires("kernel-gate")
def test_a_small_assault_finds_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    sizes = ["--scenarios", "40", "--files", "60", "--command-lines", "6", "--jobs", "1"]
    assert main(["files", *sizes]) == 0, capfd.readouterr().out
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *("scenario", "witness", "history", "progress", "plan", "corpus", "baseline", "command line"),
    ]
