"""Test the guards of PR #84046 one by one, and which lines are entries of the runner."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fence import pr84046
from fence.errors import TakeoverError
from fence.protocol import Fence
from fence.statx import FileStat
from tests.fence.stage import Stage, admits, entry, tick


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "pr-84046")


def _check(runner: Fence) -> str:
    """Return the check that the next guarded write trips; empty if it is admitted."""
    try:
        runner.guarded_write([entry("assistant", "reply")])
    except TakeoverError as error:
        return error.check
    return ""


def _overwritten(stage: Stage) -> None:
    stage.path.write_bytes(stage.path.read_bytes().replace(b"u0", b"U0"))


def _replaced_by_a_longer_file(stage: Stage) -> None:
    stage.rogue_replaces(stage.path.read_bytes() + entry("assistant", "more"))


@pytest.mark.parametrize(
    ("deed", "check"),
    [
        (lambda stage: None, ""),
        (_replaced_by_a_longer_file, "another file"),
        (lambda stage: os.truncate(stage.path, 5), "shorter"),
        (lambda stage: stage.path.unlink(), "another file"),
        (_overwritten, "other bytes"),
        (lambda stage: stage.rogue_appends(entry("user", "x")), "entries that are not the runner's"),
    ],
)
def test_each_change_trips_its_guard(deed: Callable[[Stage], None], check: str, stage: Stage) -> None:
    runner = stage.thinking()
    deed(stage)
    assert _check(runner) == check
    assert _check(runner) == (f"{check} (reported before)" if check else "")


def test_a_change_of_the_birth_time_alone_is_a_takeover(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.thinking()
    real = pr84046.statx

    def reborn(path: str) -> FileStat:
        found = real(path)
        return dataclasses.replace(found, birth_ns=(found.birth_ns or 0) + 1)

    monkeypatch.setattr(pr84046, "statx", reborn)
    assert _check(runner) == "another birth time"


def _line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("appended", "admitted"),
    [
        (entry("assistant", "x"), True),
        (entry("toolResult", "x"), True),
        (entry("bashExecution", "x"), True),
        (_line(type="bashExecution"), True),
        (_line(type="bashExecution", message="text"), True),
        (entry("assistant", "x") + entry("toolResult", "y"), True),
        (entry("user", "x"), False),
        (entry("user", "x") + entry("assistant", "y"), False),
        (entry("assistant", "x") + entry("user", "y"), False),
        (_line(type="assistant", message={"role": "user"}), False),
        (_line(type="session"), False),
        (_line(type=7), False),
        (_line(message={"role": ["assistant"]}), False),
        (b"[]\n", False),
        (b"assistant\n", False),
        (b"\n", False),
        (entry("assistant", "x").rstrip(), False),
        (b"\xff\n", False),
    ],
)
def test_only_whole_entries_of_a_runners_roles_are_accepted(
    appended: bytes, admitted: bool, stage: Stage
) -> None:
    runner = stage.thinking()
    stage.rogue_appends(appended)
    assert _check(runner) == ("" if admitted else "entries that are not the runner's")


def _with_a_rogue_after_reading(stage: Stage, runner: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a rogue append an entry of the runner's roles after the next look has read the file."""
    real = pr84046.read_all

    def read(path: str) -> bytes:
        content = real(path)
        monkeypatch.setattr(pr84046, "read_all", real)
        tick()
        stage.rogue_appends(entry("assistant", "x"))
        return content

    monkeypatch.setattr(pr84046, "read_all", read)


def test_a_file_that_moves_during_the_look_is_a_takeover(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.thinking()
    stage.rogue_appends(entry("assistant", "first"))
    tick()
    _with_a_rogue_after_reading(stage, runner, monkeypatch)
    assert _check(runner) == "moved during the look"


def test_a_file_that_moves_during_the_snapshot_is_a_takeover(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    tick()
    _with_a_rogue_after_reading(stage, runner, monkeypatch)
    runner.release_for_prompt()
    assert _check(runner) == "moved during the snapshot"


def test_a_transcript_that_is_not_there_yet_is_steady(stage: Stage) -> None:
    for made_meanwhile, check in ((False, ""), (True, "another file")):
        stage.path.unlink(missing_ok=True)
        runner = stage.handle("runner")
        runner.begin_turn()
        runner.load()
        runner.release_for_prompt()
        if made_meanwhile:
            stage.rogue_appends(entry("assistant", "x"))
        assert _check(runner) == check


def test_while_stat_is_equal_nothing_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = stage.thinking()
    reads: list[str] = []
    real = pr84046.read_all
    monkeypatch.setattr(pr84046, "read_all", lambda path: reads.append(path) or real(path))
    assert _check(runner) == ""
    assert reads == []
    tick()
    os.utime(stage.path)
    assert _check(runner) == ""
    assert reads == [str(stage.path)]


def test_lines_accepted_once_are_known_from_then_on(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_appends(entry("assistant", "x"))
    tick()
    assert admits(runner)
    tick()
    stage.rogue_appends(entry("toolResult", "y"))
    assert admits(runner)
    tick()
    stage.path.write_bytes(stage.path.read_bytes().replace(b"x", b"X"))
    assert _check(runner) == "other bytes"


def test_a_line_written_beside_the_own_one_is_a_takeover(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.thinking()
    real = pr84046.append_lines

    def append(path: str, entries: Any) -> None:
        real(path, entries)
        stage.rogue_appends(entry("assistant", "beside"))

    monkeypatch.setattr(pr84046, "append_lines", append)
    assert _check(runner) == ""
    monkeypatch.undo()
    assert _check(runner) == "moved during the snapshot"


def test_a_write_that_failed_is_no_takeover(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = stage.thinking()
    real = os.write

    def full(fd: int, data: Any) -> int:
        monkeypatch.setattr(os, "write", real)
        real(fd, bytes(data)[:5])
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="no space"):
        runner.guarded_write([entry("assistant", "lost")])
    tick()
    assert _check(runner) == ""


def test_a_first_write_without_a_snapshot_takes_one(stage: Stage) -> None:
    runner = stage.thinking()
    runner.end_turn()
    runner.begin_turn()
    runner.lock.release()
    stage.rogue_appends(entry("user", "before the first write"))
    assert _check(runner) == ""
    tick()
    stage.rogue_appends(entry("user", "after it"))
    assert _check(runner) == "entries that are not the runner's"
