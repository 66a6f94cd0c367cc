"""Test one contract for all fences: the decision of each in each situation in the window."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import fence
from fence.controls import CONTROLS
from fence.errors import LockTimeoutError, TakeoverError
from fence.locks import KINDS
from fence.protocol import Fence
from tests.fence.stage import Stage, admits, entry, tick

USER, ASSISTANT = entry("user", "u9"), entry("assistant", "a9")


def _identical_rewrite(stage: Stage) -> None:
    stage.path.write_bytes(stage.path.read_bytes())


def _undone_append(stage: Stage) -> None:
    size = stage.path.stat().st_size
    stage.rogue_appends(USER)
    os.truncate(stage.path, size)


def _laundered(stage: Stage) -> None:
    stage.rogue_appends(entry("user", "rogue"))
    stage.cotenant_appends(USER)


def _hidden_by_a_hold(stage: Stage) -> None:
    stage.rogue_appends(entry("user", "rogue"))
    stage.cotenant_appends()


def _rename_away_and_back(stage: Stage) -> None:
    away = stage.path.with_name("away")
    os.rename(stage.path, away)
    os.rename(away, stage.path)


SITUATIONS: dict[str, Callable[[Stage], None]] = {
    "nothing": lambda stage: None,
    "a co-tenant of the same process appends a user line": lambda stage: stage.cotenant_appends(USER),
    "a co-tenant of the same process appends an assistant line": lambda stage: stage.cotenant_appends(
        ASSISTANT
    ),
    "a co-tenant of another process appends a user line": lambda stage: stage.cotenant_appends(
        USER, process="cli"
    ),
    "a co-tenant of the same process compacts by rename": lambda stage: stage.cotenant_rewrites(
        [USER], "rename"
    ),
    "a co-tenant of the same process compacts in place": lambda stage: stage.cotenant_rewrites(
        [USER], "in_place"
    ),
    "a co-tenant holds the lock and writes nothing": lambda stage: stage.cotenant_appends(),
    "chmod": lambda stage: os.chmod(stage.path, 0o640),
    "touch": lambda stage: os.utime(stage.path),
    "the same bytes are written again": _identical_rewrite,
    "the file is renamed away and back": _rename_away_and_back,
    "a rogue's append is undone": _undone_append,
    "a rogue appends a user line": lambda stage: stage.rogue_appends(USER),
    "a rogue appends an assistant line": lambda stage: stage.rogue_appends(ASSISTANT),
    "a rogue tears the last line": lambda stage: stage.rogue_appends(b'{"torn'),
    "a rogue writes and a co-tenant after it": _laundered,
    "a rogue writes and a co-tenant holds the lock after it": _hidden_by_a_hold,
    "a rogue deletes the file": lambda stage: os.unlink(stage.path),
    "a rogue empties the file": lambda stage: os.truncate(stage.path, 0),
    "a rogue renames other bytes over the path": lambda stage: stage.rogue_replaces(USER),
}

_STAT = {"nothing", "a co-tenant holds the lock and writes nothing"}
_SAME_PROCESS = {
    name for name in SITUATIONS if name.startswith("a co-tenant of the same process") or name in _STAT
}
_HIDDEN = {
    "a rogue writes and a co-tenant after it",
    "a rogue writes and a co-tenant holds the lock after it",
}
_UNSEEN = {
    "chmod",
    "touch",
    "the same bytes are written again",
    "the file is renamed away and back",
    "a rogue's append is undone",
}
_OTHER_PROCESS = {"a co-tenant of another process appends a user line"}
_PR_84046 = (
    _STAT
    | _UNSEEN
    | {"a co-tenant of the same process appends an assistant line", "a rogue appends an assistant line"}
)

#: The situations that each fence admits; it refuses all others.
ADMITTED: dict[str, set[str]] = {
    "none": set(SITUATIONS),
    "stat-2026.5.17": _STAT,
    "pr-84046": _PR_84046,
    "pr-84149": _SAME_PROCESS | _HIDDEN,
    "issue-84071-a": _SAME_PROCESS | _OTHER_PROCESS | _HIDDEN,
    "issue-84071-b": _STAT,
    "ledger": _SAME_PROCESS | _OTHER_PROCESS | _UNSEEN,
    "pr-84046-without-dev-inode": _PR_84046,
    "pr-84046-without-birth-time": _PR_84046,
    "pr-84046-without-size": _PR_84046,
    "pr-84046-without-snapshot-consistency": _PR_84046,
    "pr-84046-without-slow-path-consistency": _PR_84046,
    "pr-84046-without-prefix-hash": _PR_84046,
    "pr-84046-without-canonical-entries": _PR_84046
    | _OTHER_PROCESS
    | {
        "a co-tenant of the same process appends a user line",
        "a rogue appends a user line",
        "a rogue tears the last line",
    }
    | _HIDDEN,
    "pr-84046-without-snapshot-after-throw": _PR_84046,
}

every_fence = pytest.mark.parametrize("name", list(ADMITTED))


def test_every_registered_fence_has_its_expectations() -> None:
    # A control keeps no contract, unless its only defect is a missing guard.
    kept = {name for name in CONTROLS if name.startswith("pr-84046-without-")}
    assert set(ADMITTED) == set(fence.FENCES) - set(CONTROLS) | kept


@every_fence
@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_a_fence_admits_exactly_the_expected_situations(name: str, situation: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.thinking()
    SITUATIONS[situation](stage)
    there = stage.content()
    reply = entry("assistant", "reply")

    admitted = admits(runner, reply)

    assert admitted == (situation in ADMITTED[name])
    assert stage.content() == ((there or b"") + reply if admitted else there)
    runner.end_turn()
    _assert_lock_is_free(stage)


def _assert_lock_is_free(stage: Stage) -> None:
    # Another handle could take a lock that was left behind: it would reclaim it.
    assert not KINDS[stage.fence.lock_kind].is_held(str(stage.path))


@every_fence
def test_a_turn_leaves_every_line_in_order(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.handle("runner")
    written = [entry("assistant", f"r{number}") for number in range(6)]
    for turn in range(2):
        first, second, third = written[3 * turn : 3 * turn + 3]
        runner.begin_turn()
        assert runner.load() == stage.path.read_bytes()
        runner.append([first])
        runner.release_for_prompt()
        tick()
        runner.guarded_write([second])
        tick()
        runner.guarded_write([third])
        runner.end_turn()
    assert stage.path.read_bytes() == stage.before + b"".join(written)
    _assert_lock_is_free(stage)


@every_fence
def test_a_missing_transcript_is_made(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    stage.path.unlink()
    runner = stage.thinking()
    assert admits(runner, entry("assistant", "reply"))
    runner.end_turn()
    assert stage.lines() == [entry("user", "runner-asks"), entry("assistant", "reply")]


@every_fence
def test_every_new_file_is_its_owners_alone(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    stage.path.unlink()
    runner = stage.thinking()
    stage.cotenant_appends(USER)
    runner.begin_turn()
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {path: 0o700 if (tmp_path / path).is_dir() else 0o600 for path in modes}
    assert len(modes) > 1
    runner.end_turn()


@every_fence
def test_no_turn_leaves_a_descriptor_open(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        runner = stage.thinking()
        stage.cotenant_appends(USER)
        admits(runner)
        runner.recover()
        stage.rogue_replaces(USER)
        admits(runner)
        runner.end_turn()
    assert len(os.listdir("/proc/self/fd")) == before


@every_fence
def test_guarded_writes_without_a_release_before_them_follow_each_other(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.handle("runner")
    assert admits(runner)
    tick()
    assert admits(runner)
    tick()
    stage.rogue_replaces(USER)
    assert admits(runner) == (name == "none")


@every_fence
def test_end_turn_releases_a_lock_that_is_still_held(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    runner.end_turn()
    runner.end_turn()
    _assert_lock_is_free(stage)


@every_fence
def test_a_lock_time_out_is_raised_before_any_write(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name, lock_timeout_ms=30, lock_poll_ms=10)
    runner = stage.thinking()
    holder = stage.handle("cron")
    holder.acquire()
    with pytest.raises(LockTimeoutError):
        runner.guarded_write([entry("assistant", "reply")])
    with pytest.raises(LockTimeoutError):
        stage.handle("heartbeat").acquire()
    holder.release()
    assert len(stage.lines()) == 3


_STICKY = {name for name in ADMITTED if name not in ("none", "ledger")}


@every_fence
def test_a_lock_time_out_refuses_the_turn_in_stat_fences(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name, lock_timeout_ms=0)
    runner = stage.thinking()
    holder = stage.handle("cron")
    holder.acquire()
    with pytest.raises(LockTimeoutError):
        runner.guarded_write([entry("assistant", "reply")])
    holder.release()
    assert admits(runner) == (name not in _STICKY)


@every_fence
def test_a_refusal_lasts_exactly_one_turn(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    if name == "none":
        return _none_never_refuses(stage)
    runner = stage.thinking()
    stage.rogue_replaces(USER)
    assert not admits(runner)
    assert not admits(runner)
    runner.end_turn()
    runner.begin_turn()
    assert runner.load() == USER
    runner.release_for_prompt()
    assert admits(runner)
    runner.end_turn()


def _none_never_refuses(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_replaces(USER)
    assert admits(runner)


_WAYS_OUT = {"issue-84071-b", "ledger"}


@every_fence
def test_some_fences_can_recover_from_a_refusal(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.thinking()
    stage.rogue_replaces(USER)
    refused = not admits(runner)
    assert runner.recover() == (name in _WAYS_OUT)
    assert admits(runner) == (name in _WAYS_OUT or not refused)
    runner.end_turn()
    _assert_lock_is_free(stage)


@every_fence
def test_a_transcript_writer_of_the_lane_appends_in_the_window(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.thinking()
    stage.cotenant_appends(entry("toolResult", "t1"), lane="runner")
    accepting = {"none", "pr-84149", "issue-84071-a", "ledger"} | {n for n in ADMITTED if "84046" in n}
    assert admits(runner) == (name in accepting)


@every_fence
def test_the_lock_is_released_when_the_write_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, name)
    runner = stage.thinking()
    real = os.write

    def no_space(fd: int, data: bytes) -> int:
        if os.readlink(f"/proc/self/fd/{fd}") == str(stage.path):
            raise OSError(28, "no space")
        return real(fd, data)

    monkeypatch.setattr(os, "write", no_space)
    with pytest.raises(OSError, match="no space"):
        runner.guarded_write([entry("assistant", "reply")])
    _assert_lock_is_free(stage)


@every_fence
def test_a_fence_describes_itself_and_keeps_no_class_state(name: str, tmp_path: Path) -> None:
    fence_class = fence.load(name)
    assert issubclass(fence_class, Fence)
    assert fence_class.about
    assert any(word in (fence_class.__doc__ or "") for word in ("not catch", "misses", "reports itself"))
    assert fence_class.sound_under == (("coordinated",) if name == "ledger" else ())
    stage = Stage(tmp_path, name)
    before = dict(vars(fence_class))
    stage.rogue_appends(USER)
    stage.thinking().guarded_write([USER])
    assert dict(vars(fence_class)) == before


def test_a_takeover_names_the_check_that_tripped(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "stat-2026.5.17")
    runner = stage.thinking()
    stage.rogue_appends(USER)
    with pytest.raises(TakeoverError, match=r"stat: size, mtime_ns, ctime_ns"):
        runner.guarded_write([ASSISTANT])
