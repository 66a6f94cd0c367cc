from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.scenario.exec_program import launch


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    path = tmp_path / "transcript.jsonl"
    path.write_text("a\n")
    return str(path)


def test_a_program_is_given_the_transcript_and_its_folder(transcript: str) -> None:
    assert launch(["cp", "{transcript}", "{directory}/copy"], transcript) == "exit status 0"
    assert (Path(transcript).parent / "copy").read_text() == "a\n"


def test_the_end_of_stderr_is_kept_without_the_directory(
    transcript: str,
) -> None:
    script = "for i in $(seq 1000); do echo $i >&2; done; echo {directory}/x >&2; exit 3"
    told = launch(["sh", "-c", script], transcript)
    assert told.startswith("exit status 3: ")
    assert told.endswith("999\n1000\nx")
    assert len(told) < 250


def test_its_environment_is_the_same_everywhere(transcript: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    launch(["sh", "-c", "env | cut -d= -f1 | sort > {directory}/env"], transcript)
    names = set((Path(transcript).parent / "env").read_text().split())
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"HOME", "LC_ALL", "PATH", "TERM", "TMPDIR", "TZ"}


def test_its_exit_is_reported(transcript: str) -> None:
    assert launch(["sh", "-c", "kill -15 $$"], transcript) == "killed by SIGTERM"
    assert launch(["sh", "-c", "yes | head -1"], transcript) == "exit status 0"
    assert launch(["no-such-program"], transcript) == "not started: No such file or directory"


def test_no_descriptor_is_left(transcript: str) -> None:
    before = os.listdir("/proc/self/fd")
    for argv in (["true"], ["no-such-program"], ["a\0b"]):
        launch(argv, transcript)
    assert os.listdir("/proc/self/fd") == before
