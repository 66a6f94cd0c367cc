"""Test the fingerprint of the first released fence, the names in its refusals, and looks that fail."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fence.errors import LockTimeoutError, TakeoverError
from fence.stat_2026_5_17 import Fingerprint
from tests.fence.stage import Stage, admits, entry, tick


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "stat-2026.5.17", lock_timeout_ms=0)


def _removed_and_made(stage: Stage) -> None:
    # The old file stays under another name, so that its inode is not given again.
    os.rename(stage.path, stage.path.with_name("kept"))
    stage.path.write_bytes(b"")


@pytest.mark.parametrize(
    ("deed", "named"),
    [
        (lambda stage: stage.rogue_appends(entry("user", "x")), "size, mtime_ns, ctime_ns"),
        (lambda stage: os.chmod(stage.path, 0o600), "ctime_ns"),
        (lambda stage: os.utime(stage.path), "mtime_ns, ctime_ns"),
        (lambda stage: stage.path.unlink(), "dev, ino, size, mtime_ns, ctime_ns"),
        (_removed_and_made, "ino, size, mtime_ns, ctime_ns"),
    ],
)
def test_a_refusal_names_the_fields_that_differ(
    deed: Callable[[Stage], None], named: str, stage: Stage
) -> None:
    runner = stage.thinking()
    deed(stage)
    for reported in ("", " (reported before)"):
        with pytest.raises(TakeoverError) as caught:
            runner.guarded_write([entry("assistant", "reply")])
        assert caught.value.check == f"stat: {named}{reported}"


def test_a_fingerprint_has_the_fields_of_stat(stage: Stage) -> None:
    status = os.stat(stage.path)
    assert Fingerprint.of(str(stage.path)) == Fingerprint(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def test_no_file_looks_like_a_missing_one(stage: Stage) -> None:
    missing = Fingerprint.of(f"{stage.path}.none")
    stage.path.write_bytes(b"")
    there = Fingerprint.of(str(stage.path))
    assert missing == Fingerprint.of(f"{stage.path}.neither")
    assert missing.size < there.size == 0


def test_a_time_out_is_named_by_later_refusals(stage: Stage) -> None:
    runner = stage.thinking()
    holder = stage.handle("cron")
    holder.acquire()
    with pytest.raises(LockTimeoutError):
        runner.guarded_write([entry("assistant", "reply")])
    holder.release()
    with pytest.raises(TakeoverError, match=r"^lock time-out \(reported before\)$"):
        runner.guarded_write([entry("assistant", "reply")])


def test_a_look_that_fails_at_the_release_releases_the_lock(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    real = os.stat

    def broken(path: Any, **options: Any) -> os.stat_result:
        if path == str(stage.path):
            raise OSError(5, "bad sector")
        return real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", broken)
        with pytest.raises(OSError, match="bad sector"):
            runner.release_for_prompt()
    assert not runner.lock.held


def test_a_new_turn_forgets_the_baseline_of_the_last(stage: Stage) -> None:
    runner = stage.thinking()
    runner.end_turn()
    stage.rogue_appends(entry("user", "between the turns"))
    tick()
    runner.begin_turn()
    runner.lock.release()
    assert admits(runner)
