"""Test the parts that only the ledger has: branches, deaths during a write, refused rewrites."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fence.errors import LockTimeoutError, TakeoverError
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import BRANCHES_MAX, LedgerFile
from fence.protocol import Fence
from tests.fence.stage import Stage, admits, entry


@pytest.fixture(params=["small", "large"], scope="module", autouse=True)
def size(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let each test read its transcripts as small ones, and as large ones, which are read in parts."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "large":
            patch.setattr("fence.ledger_reading._SMALL", 32)
            patch.setattr("fence.ledger_reading._PART", 16)
            patch.setattr("fence.ledger._FAR", 48)
        yield


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "ledger")


def test_foreign_bytes_loaded_by_another_runner_stay_a_takeover(stage: Stage) -> None:
    first = stage.thinking("first")
    stage.rogue_appends(entry("user", "rogue"))
    second = stage.thinking("second", "cli")
    assert admits(second)
    assert not admits(first)
    assert admits(second)


def test_undone_bytes_are_no_takeover_even_after_another_load(stage: Stage) -> None:
    first = stage.thinking("first")
    before = stage.path.read_bytes()
    stage.rogue_appends(entry("user", "rogue"))
    second = stage.handle("second", "cli")
    second.begin_turn()
    second.load()
    second.end_turn()
    stage.path.write_bytes(before)
    assert admits(first)


def test_an_undone_change_that_a_cotenant_read_is_no_takeover(stage: Stage) -> None:
    runner = stage.thinking()
    away = stage.path.with_name("away")
    cotenant = stage.handle("cron", "cli")
    cotenant.acquire()
    os.rename(stage.path, away)
    assert cotenant.load() == b""
    os.rename(away, stage.path)
    cotenant.append([entry("user", "c")])
    cotenant.release()
    assert admits(runner)


def test_a_rewrite_over_foreign_bytes_keeps_the_evidence(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_appends(entry("user", "rogue"))
    stage.cotenant_rewrites([entry("user", "summary")], "rename")
    assert stage.lines() == [entry("user", "summary")]
    with pytest.raises(TakeoverError, match="rewritten over foreign bytes"):
        runner.guarded_write([entry("assistant", "reply")])


@pytest.mark.parametrize("how", ["rename", "in_place"])
def test_a_rewrite_does_not_destroy_lines_that_came_after_its_load(stage: Stage, how: str) -> None:
    runner = stage.thinking()
    compactor = stage.handle("compactor", "cli")
    compactor.acquire()
    compactor.load()
    stage.rogue_appends(entry("user", "rogue"))
    there = stage.path.read_bytes()
    with pytest.raises(TakeoverError, match="between its load and its rewrite"):
        compactor.rewrite([entry("user", "summary")], how)
    compactor.release()
    assert stage.path.read_bytes() == there
    assert not admits(runner)


def test_a_rewrite_of_a_vanished_file_makes_no_file(stage: Stage) -> None:
    runner = stage.thinking()
    compactor = stage.handle("compactor", "cli")
    compactor.acquire()
    compactor.load()
    stage.path.unlink()
    with pytest.raises(TakeoverError):
        compactor.rewrite([entry("user", "summary")], "rename")
    compactor.release()
    assert not stage.path.exists()
    assert not admits(runner)


def test_rewrites_follow_each_other_under_one_hold(stage: Stage) -> None:
    runner = stage.thinking()
    compactor = stage.handle("compactor", "cli")
    compactor.acquire()
    compactor.load()
    compactor.rewrite([entry("user", "one")], "rename")
    compactor.rewrite([entry("user", "two")], "in_place")
    compactor.release()
    assert admits(runner)
    assert stage.lines() == [entry("user", "two"), entry("assistant", "reply")]


def _at_the_swap(
    monkeypatch: pytest.MonkeyPatch, before: Callable[[], None], after: Callable[[], None]
) -> None:
    from fence import atomic_replace

    real = atomic_replace._rename

    def rename(new: str, path: str, flags: int) -> int:
        monkeypatch.setattr(atomic_replace, "_rename", real)
        before()
        number = real(new, path, flags)
        after()
        return number

    monkeypatch.setattr(atomic_replace, "_rename", rename)


def test_bytes_written_right_before_a_rewrite_are_not_lost_unseen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.thinking()
    rogue = entry("user", "rogue")
    _at_the_swap(monkeypatch, lambda: stage.rogue_appends(rogue), lambda: None)
    with pytest.raises(TakeoverError):
        stage.cotenant_rewrites([entry("user", "summary")], "rename")
    assert stage.lines()[-1] == rogue
    assert not admits(runner)


def test_writes_to_a_file_being_replaced_are_kept_and_reported(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cover a writer that may have stored through a mapping before, which leaves no trace."""
    runner = stage.thinking()
    with stage.path.open("ab", buffering=0) as late:
        _at_the_swap(monkeypatch, lambda: None, lambda: _write(late, entry("user", "rogue")))
        with pytest.raises(TakeoverError):
            stage.cotenant_rewrites([entry("user", "summary")], "rename")
    assert stage.lines()[-1] == entry("user", "rogue")
    assert not admits(runner)


def _write(file: Any, data: bytes) -> None:
    file.write(data)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("by_the_runner", [False, True])
def test_a_file_made_or_removed_meanwhile_ends_the_branch(
    there: bool, by_the_runner: bool, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are the expected ones afterwards, but the file is another participant's."""
    stage.path.write_bytes(b"")
    if not there:
        stage.path.unlink()
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    runner.release_for_prompt()
    real = os.pwrite

    def with_a_rogue(fd: int, data: bytes, at: int) -> int:
        monkeypatch.setattr(os, "pwrite", real)
        if there:
            stage.path.unlink()
        else:
            stage.path.touch()
        return real(fd, data, at)

    monkeypatch.setattr(os, "pwrite", with_a_rogue)
    if by_the_runner:
        assert admits(runner, entry("user", "one"))
    else:
        stage.cotenant_appends(entry("user", "one"))
    # A co-tenant that has the file open already writes into the removed one.
    lost = there and not by_the_runner
    assert stage.content() == (None if lost else entry("user", "one"))
    assert not admits(runner)


def test_a_file_that_comes_and_goes_is_written_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = stage.thinking()
    real, tries = os.open, []

    def with_a_rogue(path: Any, flags: int, *mode: int) -> int:
        if path == str(stage.path) and flags & os.O_APPEND:
            tries.append(flags)
            if len(tries) == 1:
                stage.path.unlink()
            elif len(tries) == 2:
                stage.path.touch()
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", with_a_rogue)
    assert admits(runner, entry("user", "one"))
    monkeypatch.undo()
    assert len(tries) == 3
    assert stage.content() == entry("user", "one")
    assert not admits(runner)


@pytest.mark.parametrize("written", [0, 1, 4, 9])
def test_a_first_append_that_died_half_way_is_no_takeover(
    written: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.path.unlink()
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    runner.release_for_prompt()
    victim = stage.handle("cron", "cli")
    victim.acquire()
    _dies_at(monkeypatch, "write", 1, written)
    with pytest.raises(_Died):
        victim.append([entry("user", "dying")])
    monkeypatch.undo()
    victim.lock.release_if_held()
    assert stage.content() == entry("user", "dying")[:written]
    assert admits(runner, entry("assistant", "reply"))
    assert stage.lines()[-1] == entry("assistant", "reply")
    assert admits(runner)


def test_an_entry_is_never_glued_to_a_torn_line(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_appends(b'{"torn')
    stage.cotenant_appends(entry("user", "c"))
    assert stage.lines()[-2:] == [b'{"torn\n', entry("user", "c")]
    assert not admits(runner)


@pytest.mark.parametrize("recorded", [False, True])
def test_a_file_that_is_cut_during_the_look_is_not_torn(
    stage: Stage, recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if recorded:
        stage.thinking()
    seek = os.lseek

    def cut_behind(fd: int, offset: int, whence: int) -> int:
        at = seek(fd, offset, whence)
        os.truncate(stage.path, len(entry("user", "u0")))
        return at

    writer = stage.handle("cron", "cli")
    writer.acquire()
    with monkeypatch.context() as patched:
        patched.setattr(os, "lseek", cut_behind)
        writer.append([entry("user", "c")])
    writer.release()
    assert stage.lines() == [entry("user", "u0"), entry("user", "c")]


def test_a_turn_after_a_torn_line_starts_a_new_line(stage: Stage) -> None:
    stage.rogue_appends(b'{"torn')
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    runner.release_for_prompt()
    stage.cotenant_appends(process="cli")
    assert admits(runner, entry("assistant", "reply"))
    assert admits(runner, entry("assistant", "more"))
    assert stage.lines()[-3:] == [b'{"torn\n', entry("assistant", "reply"), entry("assistant", "more")]


def test_the_torn_branch_of_one_runner_does_not_disturb_another(stage: Stage) -> None:
    before = stage.path.read_bytes()
    stage.rogue_appends(b'{"torn')
    first = stage.handle("first")
    first.begin_turn()
    first.load()
    first.release_for_prompt()
    stage.path.write_bytes(before)
    second = stage.thinking("second", "cli")
    assert admits(second)
    assert admits(second)
    assert not admits(first)


@pytest.mark.parametrize("made", [b"", b"other"])
def test_a_foreign_file_is_a_takeover_even_when_empty(stage: Stage, made: bytes) -> None:
    stage.path.unlink()
    runner = stage.handle("runner")
    runner.begin_turn()
    runner.load()
    runner.release_for_prompt()
    stage.path.write_bytes(made)
    stage.cotenant_appends(entry("user", "c"))
    assert not admits(runner)


@pytest.mark.parametrize("swapped", ["directory", "dangling link", "looping link", "pipe"])
def test_a_path_that_is_no_file_is_a_takeover(stage: Stage, swapped: str) -> None:
    runner = stage.thinking()
    stage.path.unlink()
    if swapped == "directory":
        stage.path.mkdir()
    elif swapped == "pipe":
        os.mkfifo(stage.path)
    else:
        stage.path.symlink_to(stage.path if swapped == "looping link" else "nowhere")
    assert not admits(runner)
    runner.end_turn()


def test_a_link_to_the_same_bytes_is_accepted_and_followed(stage: Stage) -> None:
    runner = stage.thinking()
    target = stage.path.with_name("target")
    os.rename(stage.path, target)
    stage.path.symlink_to(target)
    assert admits(runner)
    assert target.read_bytes().endswith(entry("assistant", "reply"))
    assert admits(runner)


@pytest.mark.parametrize("deed", ["removed", "emptied", "damaged"])
def test_a_turn_is_refused_when_its_ledger_is_gone(stage: Stage, deed: str) -> None:
    runner = stage.thinking()
    ledger = stage.path.with_name("transcript.jsonl.ledger")
    if deed == "removed":
        ledger.unlink()
    else:
        ledger.write_bytes(b"" if deed == "emptied" else b"x" * 5000)
    stage.cotenant_appends(entry("user", "c"))
    with pytest.raises(TakeoverError, match="the ledger is gone"):
        runner.guarded_write([entry("assistant", "reply")])
    runner.end_turn()
    assert admits(stage.thinking())


def test_a_new_ledger_has_no_branch_of_the_old_one(stage: Stage) -> None:
    runner = stage.thinking()
    stage.path.with_name("transcript.jsonl.ledger").unlink()
    assert admits(stage.thinking("second", "cli"))
    assert not admits(runner)


def test_many_foreign_contents_end_only_the_oldest_turn(stage: Stage) -> None:
    runners = []
    for number in range(BRANCHES_MAX + 1):
        runners.append(stage.thinking(f"runner{number}"))
        stage.rogue_appends(entry("user", f"rogue{number}"))
    newest = stage.thinking("newest")
    assert admits(newest)
    assert not any(admits(runner) for runner in runners)


def test_a_later_load_in_a_turn_hides_nothing(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_appends(entry("user", "rogue"))
    runner.acquire()
    runner.load()
    runner.release()
    assert not admits(runner)


def test_recovery_accepts_earlier_changes_and_no_later_ones(stage: Stage) -> None:
    runner = stage.thinking()
    stage.rogue_appends(entry("user", "rogue"))
    assert not admits(runner)
    assert runner.recover()
    assert admits(runner)
    stage.rogue_appends(entry("user", "again"))
    assert not admits(runner)


def test_recovery_without_the_lock_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "ledger", lock_timeout_ms=0)
    runner = stage.thinking()
    stage.rogue_appends(entry("user", "rogue"))
    assert not admits(runner)
    holder = stage.handle("cron")
    holder.acquire()
    with pytest.raises(LockTimeoutError):
        runner.recover()
    holder.release()
    assert not admits(runner)


def _recorded(stage: Stage) -> list[Content]:
    with LedgerFile(f"{stage.path}.ledger", create=False) as file:
        return list(file.branches.values())


def test_a_decision_moves_the_base_behind_all_it_read(stage: Stage) -> None:
    runner = stage.thinking()
    loaded = len(stage.before)
    stage.cotenant_appends(entry("user", "c"))
    assert [content.base for content in _recorded(stage)] == [loaded]
    there = len(stage.content() or b"")
    assert admits(runner)
    assert [content.base for content in _recorded(stage)] == [there]
    assert admits(runner)


def test_a_load_moves_a_base_that_is_far_behind(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fence.ledger._FAR", 100)
    runner = stage.thinking()
    for _ in range(3):
        other = stage.handle("second", "cli")
        other.begin_turn()
        other.load()
        (content,) = _recorded(stage)
        assert content.size - content.base <= 100
        other.append([entry("user", "x" * 60)])
        other.end_turn()
    assert content.base > len(stage.before)
    assert admits(runner)
    stage.rogue_appends(entry("user", "rogue"))
    assert not admits(runner)


# Deaths and failures during a write


class _Died(BaseException):
    """The end of the process: no code after it runs."""


def _dies_at(monkeypatch: pytest.MonkeyPatch, call: str, count: int, part: int | None = None) -> None:
    """Let the process die at its `count`-th call, or after `part` bytes of it."""
    real = getattr(os, call)
    left = [count]

    def dying(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            if part is not None:
                fd, data, *rest = arguments
                real(fd, bytes(data)[:part], *rest)
            raise _Died
        return real(*arguments)

    monkeypatch.setattr(os, call, dying)


_DEATHS = {
    "before the intent": ("pwrite", 1, None, 0),
    "in the intent": ("pwrite", 1, 900, 0),
    "in the intended bytes": ("pwrite", 1, 2060, 0),
    "before the write": ("write", 1, None, 0),
    "in the write": ("write", 1, 7, 7),
    "before the record": ("pwrite", 2, None, None),
    "in the record": ("pwrite", 2, 900, None),
}


@pytest.mark.parametrize("death", list(_DEATHS))
@pytest.mark.parametrize("next_writer", ["none", "cotenant", "runner"])
def test_a_cotenant_that_dies_in_its_append_is_no_takeover(
    stage: Stage, death: str, next_writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.thinking()
    call, count, part, written = _DEATHS[death]
    line = entry("user", "dying")
    victim = stage.handle("cron", "cli")
    victim.acquire()
    size = stage.path.stat().st_size
    _dies_at(monkeypatch, call, count, part)
    with pytest.raises(_Died):
        victim.append([line])
    monkeypatch.undo()
    victim.lock.release_if_held()  # like the kernel
    assert stage.path.stat().st_size == size + (len(line) if written is None else written)
    if next_writer == "cotenant":
        stage.cotenant_appends(entry("user", "next"))
    if next_writer == "runner":
        assert admits(stage.thinking("second", "cli"))
    assert admits(runner, entry("assistant", "reply"))
    assert stage.lines()[-1] == entry("assistant", "reply")
    assert admits(runner)


@pytest.mark.parametrize("death", list(_DEATHS))
def test_a_rogue_after_a_death_is_not_overlooked(
    stage: Stage, death: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = stage.thinking()
    call, count, part, _ = _DEATHS[death]
    victim = stage.handle("cron", "cli")
    victim.acquire()
    _dies_at(monkeypatch, call, count, part)
    with pytest.raises(_Died):
        victim.append([entry("user", "dying")])
    monkeypatch.undo()
    victim.lock.release_if_held()
    stage.rogue_appends(entry("user", "rogue"))
    assert not admits(runner)


@pytest.mark.parametrize("before_swap", [True, False])
@pytest.mark.parametrize("rogue", [True, False])
def test_the_next_holder_resolves_a_rewrite_that_died(
    stage: Stage, before_swap: bool, rogue: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise _Died

    def nothing() -> None:
        return None

    runner = stage.thinking()
    old = stage.path.read_bytes()
    if rogue:
        stage.rogue_appends(entry("user", "rogue"))
        old = stage.path.read_bytes()
    victim = stage.handle("compactor", "cli")
    victim.acquire()
    victim.load()
    _at_the_swap(monkeypatch, die if before_swap else nothing, nothing if before_swap else die)
    with pytest.raises(_Died):
        victim.rewrite([entry("user", "summary")], "rename")
    monkeypatch.undo()
    victim.lock.release_if_held()
    stage.cotenant_appends(entry("user", "next"))
    assert stage.path.read_bytes() == (old if before_swap else entry("user", "summary")) + entry(
        "user", "next"
    )
    assert admits(runner) == (not rogue)
    assert not stage.path.with_name("transcript.jsonl.rewrite.tmp").exists()


@pytest.mark.parametrize("part", [0, 1, 900])
def test_a_death_during_a_record_revives_no_old_intent(
    stage: Stage, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the last record, a line's end that a rogue cut off would look like one never written."""
    runner = stage.thinking()
    os.truncate(stage.path, stage.path.stat().st_size - 7)
    victim = stage.handle("second", "cli")
    victim.begin_turn()
    _dies_at(monkeypatch, "pwrite", 1, part)
    with pytest.raises(_Died):
        victim.load()
    monkeypatch.undo()
    victim.lock.release_if_held()
    assert not admits(runner)


def test_an_entry_without_a_ledger_is_not_glued_either(stage: Stage) -> None:
    stage.path.write_bytes(stage.before + entry("user", "half")[:9])
    stage.cotenant_appends(entry("user", "next"))
    assert stage.lines()[-1] == entry("user", "next")


def test_no_turn_leaves_a_descriptor_open(stage: Stage) -> None:
    stage.cotenant_appends(entry("user", "without a ledger"))
    before = os.listdir("/proc/self/fd")
    stage.cotenant_appends(entry("user", "again"))
    runner = stage.thinking()
    stage.cotenant_appends(entry("user", "with a ledger"))
    assert admits(runner)
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize("how", ["in_place", "rename"])
def test_a_failed_rewrite_without_a_ledger_loses_nothing(
    stage: Stage, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compactor = stage.handle("compactor")
    compactor.acquire()
    _dies_at(monkeypatch, "write", 1, 3)
    with pytest.raises(_Died):
        compactor.rewrite([entry("user", "summary")], how)
    monkeypatch.undo()
    assert stage.path.read_bytes() == stage.before


def test_own_bytes_left_by_a_full_disk_are_no_takeover(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = stage.thinking()
    real = os.write

    def full(fd: int, data: Any) -> int:
        monkeypatch.setattr(os, "write", real)
        real(fd, bytes(data)[:5])
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="no space"):
        runner.guarded_write([entry("assistant", "lost")])
    assert admits(runner, entry("assistant", "reply"))
    assert stage.lines()[-2:] == [entry("assistant", "lost")[:5] + b"\n", entry("assistant", "reply")]


# Against a model


class _Model:
    """The transcript that each runner must find if only lawful writers wrote."""

    def __init__(self) -> None:
        self.lawful: dict[int, bytes | None] = {}

    def write(self, data: bytes) -> None:
        for runner, content in self.lawful.items():
            if content is not None:
                self.lawful[runner] = content + data

    def rewrite(self, old: bytes, new: bytes) -> None:
        for runner, content in self.lawful.items():
            self.lawful[runner] = new if content == old else None


_DEEDS = ("append", "compact", "load", "guard", "recover", "rogue", "undo", "flip", "same", "replace", "time")


@settings(max_examples=150, deadline=None)
@given(deeds=st.lists(st.tuples(st.sampled_from(_DEEDS), st.integers(0, 2)), max_size=25))
def test_a_runner_is_refused_exactly_for_unlawful_bytes(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int]]
) -> None:
    stage = Stage(tmp_path_factory.mktemp("model"), LedgerFence)
    model = _Model()
    runners: dict[int, Fence] = {}
    kept = stage.path.read_bytes()
    for number, (deed, lane) in enumerate(deeds):
        line = entry("user", f"{deed}{number}")
        there = stage.path.read_bytes()
        if deed == "append":
            stage.cotenant_appends(line, process=f"p{lane}")
            model.write(line)
        elif deed == "compact":
            stage.cotenant_rewrites([line], random.Random(number).choice(["rename", "in_place"]))
            model.rewrite(there, line)
        elif deed == "load":
            runners[lane] = runners.get(lane) or stage.handle(f"runner{lane}", f"p{lane}")
            runners[lane].begin_turn()
            assert runners[lane].load() == there
            runners[lane].release_for_prompt()
            model.lawful[lane] = there
        elif deed == "recover" and lane in runners:
            assert runners[lane].recover()
            model.lawful[lane] = there
        elif deed == "guard" and lane in runners:
            lawful = model.lawful[lane] == there
            assert admits(runners[lane], line) == lawful
            if lawful:
                model.write(line)
            else:
                # Refused for the rest of the turn.
                model.lawful[lane] = None
        else:
            _rogue(stage, deed, line, kept)
        kept = there


def _rogue(stage: Stage, deed: str, line: bytes, kept: bytes) -> None:
    there = stage.path.read_bytes()
    if deed == "rogue":
        stage.rogue_appends(line)
    elif deed == "undo":
        stage.path.write_bytes(kept)
    elif deed == "flip":
        stage.path.write_bytes(there[:-2] + b"?\n")
    elif deed == "same":
        stage.rogue_replaces(there)
    elif deed == "replace":
        stage.rogue_replaces(line)
    elif deed == "time":
        os.utime(stage.path)
