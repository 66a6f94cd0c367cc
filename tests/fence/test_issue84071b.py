"""Test the way out of a refusal: under the own lock, without it, and when the look fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fence.protocol import Fence
from tests.fence.stage import Stage, admits, entry, tick


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "issue-84071-b", lock_timeout_ms=0)


def _refused(stage: Stage) -> Fence:
    runner = stage.thinking()
    stage.rogue_appends(entry("user", "x"))
    tick()
    assert not admits(runner)
    return runner


def test_recovery_under_the_own_lock_keeps_it(stage: Stage) -> None:
    runner = _refused(stage)
    runner.acquire()
    assert runner.recover()
    assert runner.lock.held
    runner.release()
    assert admits(runner)


def test_recovery_takes_the_lock_and_releases_it(stage: Stage) -> None:
    runner = _refused(stage)
    assert runner.recover()
    assert not runner.lock.held
    stage.cotenant_appends()
    assert admits(runner)


def test_a_failed_recovery_releases_the_lock_and_keeps_the_verdict(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = _refused(stage)
    real = os.stat

    def broken(path: Any, **options: Any) -> os.stat_result:
        if path == str(stage.path):
            raise OSError(5, "bad sector")
        return real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", broken)
        with pytest.raises(OSError, match="bad sector"):
            runner.recover()
    assert not runner.lock.held
    assert not admits(runner)
    assert runner.recover()
    assert admits(runner)
