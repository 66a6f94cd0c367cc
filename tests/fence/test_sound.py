"""Test the sound fences of other mechanisms by hand; `tests/scenarios/test_sound_fences.py` searches."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fence.errors import LockTimeoutError, TakeoverError
from fence.protocol import Fence
from tests.fence.sound.copy_with_journal import CopyWithJournalFence
from tests.fence.sound.hash_chain import HashChainFence
from tests.fence.sound.operation_log import OperationLogFence
from tests.fence.sound.recorded import Record, RecordedFence
from tests.fence.sound.sqlite_journal import SqliteJournalFence
from tests.fence.sound.whole_turn_lock import WholeTurnLockFence
from tests.fence.stage import Stage, admits, entry
from tests.fence.test_contract import ADMITTED, SITUATIONS

RECORDED = [OperationLogFence, HashChainFence, SqliteJournalFence, CopyWithJournalFence]
SUMMARY = entry("user", "summary")

each_recorded = pytest.mark.parametrize("fence", RECORDED)
each_how = pytest.mark.parametrize("how", ["rename", "in_place"])


@each_recorded
@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_a_recorded_fence_decides_as_the_ledger(fence: type[Fence], situation: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, fence)
    runner = stage.thinking()
    SITUATIONS[situation](stage)
    there = stage.content()
    reply = entry("assistant", "reply")
    admitted = admits(runner, reply)
    assert admitted == (situation in ADMITTED["ledger"])
    assert stage.content() == ((there or b"") + reply if admitted else there)


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if "co-tenant" not in name])
def test_a_whole_turn_lock_decides_as_the_ledger(situation: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, WholeTurnLockFence)
    runner = stage.thinking()
    SITUATIONS[situation](stage)
    assert admits(runner) == (situation in ADMITTED["ledger"])


def test_participants_wait_for_the_end_of_a_whole_turn(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WholeTurnLockFence, lock_timeout_ms=0)
    runner = stage.thinking()
    with pytest.raises(LockTimeoutError):
        stage.handle("cron", "cli").acquire()
    own = stage.handle("runner")
    own.acquire()
    own.append([entry("assistant", "own")])
    own.release()
    assert admits(runner)
    runner.end_turn()
    stage.cotenant_appends(entry("user", "late"), process="cli")
    assert stage.lines()[-1] == entry("user", "late")


@each_how
@pytest.mark.parametrize("fence", [*RECORDED, WholeTurnLockFence])
def test_a_rewrite_through_a_link_replaces_the_file(fence: type[Fence], how: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, fence)
    file = stage.path.with_name("elsewhere.jsonl")
    os.rename(stage.path, file)
    stage.path.symlink_to(file.name)
    runner = None if fence is WholeTurnLockFence else stage.thinking()
    stage.cotenant_rewrites([SUMMARY], how)
    assert stage.path.is_symlink()
    assert file.read_bytes() == SUMMARY
    assert admits(runner or stage.thinking())


@each_how
@pytest.mark.parametrize("fence", [*RECORDED, WholeTurnLockFence])
def test_a_rewrite_destroys_no_foreign_bytes(fence: type[Fence], how: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, fence)
    runner = None if fence is WholeTurnLockFence else stage.thinking()
    compactor = stage.handle("compactor", "cli")
    compactor.acquire()
    compactor.load()
    stage.rogue_appends(entry("user", "rogue"))
    there = stage.path.read_bytes()
    with pytest.raises(TakeoverError):
        compactor.rewrite([SUMMARY], how)
    compactor.release()
    assert stage.path.read_bytes() == there
    assert runner is None or not admits(runner)


class _Died(BaseException):
    """The holder is killed."""


#: By name the method of a record in which the holder dies, and whether it dies after that method.
DEATHS = {
    "before its intent": ("intend", False),
    "after its intent": ("intend", True),
    "before its record": ("commit", False),
    "after its record": ("commit", True),
}


def _dying(record: Record, method: str, late: bool) -> Record:
    real: Callable[..., None] = getattr(record, method)

    def dies(*arguments: object) -> None:
        if late:
            real(*arguments)
        raise _Died

    setattr(record, method, dies)
    return record


@each_recorded
@pytest.mark.parametrize("rogue", [False, True])
@pytest.mark.parametrize("rewrites", [False, True])
@pytest.mark.parametrize("death", list(DEATHS))
def test_the_next_holder_resolves_the_record_of_a_dead_one(
    fence: type[RecordedFence], death: str, rewrites: bool, rogue: bool, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, fence)
    runner = stage.thinking()
    victim = stage.handle("victim", "cli")
    assert isinstance(victim, RecordedFence)
    victim.acquire()
    victim.load()
    real = victim.open_record
    victim.open_record = lambda: _dying(real(), *DEATHS[death])  # type: ignore[method-assign]
    with pytest.raises(_Died):
        victim.rewrite([SUMMARY], "rename") if rewrites else victim.append([entry("user", "dying")])
    victim.lock.release_if_held()  # like the kernel
    if rogue:
        stage.rogue_appends(entry("user", "rogue"))
    stage.cotenant_appends(entry("user", "next"))
    assert admits(runner) == (not rogue)


@pytest.mark.parametrize(
    ("fence", "file"), [(OperationLogFence, "oplog"), (HashChainFence, "chain")], ids=["log", "chain"]
)
def test_a_torn_record_is_as_good_as_none(fence: type[Fence], file: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, fence)
    runner = stage.thinking()
    with open(f"{stage.path}.{file}", "ab") as record:
        record.write(b'{"intent": "half')
    stage.cotenant_appends(entry("user", "next"))
    assert admits(runner)
    stage.rogue_appends(entry("user", "rogue"))
    assert not admits(runner)
