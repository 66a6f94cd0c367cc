"""Test the shared fingerprint between two looks, and looks without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fence.stage import Stage, admits, entry, tick


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "issue-84071-a")


def test_own_writes_after_a_cotenants_are_admitted(stage: Stage) -> None:
    runner = stage.thinking()
    stage.cotenant_appends(entry("user", "c"), process="cli")
    tick()
    assert admits(runner)
    tick()
    assert admits(runner)


def test_an_older_fingerprint_is_replaced_at_the_release(stage: Stage) -> None:
    stage.cotenant_appends(entry("user", "c"), process="cli")
    stage.rogue_appends(entry("user", "before the turn"))
    assert admits(stage.thinking())


@pytest.mark.parametrize("torn", [b"", b"[1, 2", b"7"])
@pytest.mark.parametrize("rogue", [False, True])
def test_without_a_whole_fingerprint_the_own_one_decides(stage: Stage, torn: bytes, rogue: bool) -> None:
    runner = stage.thinking()
    stage.path.with_name("transcript.jsonl.fingerprint").write_bytes(torn)
    if rogue:
        stage.rogue_appends(entry("user", "x"))
    assert admits(runner) == (not rogue)


def test_a_release_without_the_lock_publishes_nothing(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_appends(entry("user", "x"))
    with pytest.raises(Exception, match="not held"):
        stage.handle("cron").release()
    assert not admits(runner)
