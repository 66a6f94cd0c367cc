"""Test rewrites where the transcript's path is a symbolic link: the link stays, its file is replaced."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fence import atomic_replace
from fence.errors import TakeoverError
from fence.transcript import follow_links, read_all, rewrite_by_rename
from tests.fence.stage import Stage, admits, entry

SUMMARY = entry("user", "summary")


def _link(stage: Stage) -> Path:
    """Move the transcript into another folder, with a relative link in its place; return the file."""
    folder = stage.path.with_name("elsewhere")
    folder.mkdir()
    os.rename(stage.path, folder / "kept.jsonl")
    stage.path.symlink_to("elsewhere/kept.jsonl")
    return folder / "kept.jsonl"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "ledger")


@pytest.mark.parametrize("how", ["rename", "in_place"])
@pytest.mark.parametrize("fence", ["none", "ledger"])
def test_a_rewrite_replaces_the_linked_file(tmp_path: Path, fence: str, how: str) -> None:
    stage = Stage(tmp_path, fence)
    file = _link(stage)
    runner = stage.thinking()
    stage.cotenant_rewrites([SUMMARY], how)
    assert stage.path.is_symlink()
    assert file.read_bytes() == SUMMARY
    assert os.listdir(file.parent) == ["kept.jsonl"]
    assert admits(runner)


@pytest.mark.parametrize("how", ["rename", "in_place"])
def test_a_refused_rewrite_keeps_link_and_file(stage: Stage, how: str) -> None:
    file = _link(stage)
    runner = stage.thinking()
    compactor = stage.handle("compactor", "cli")
    compactor.acquire()
    compactor.load()
    stage.rogue_appends(entry("user", "rogue"))
    there = file.read_bytes()
    with pytest.raises(TakeoverError, match="between its load and its rewrite"):
        compactor.rewrite([SUMMARY], how)
    compactor.release()
    assert stage.path.is_symlink()
    assert file.read_bytes() == there
    assert not admits(runner)


def test_a_link_replaced_by_other_bytes_is_refused(stage: Stage) -> None:
    _link(stage)
    compactor = stage.handle("compactor", "cli")
    runner = stage.thinking()
    compactor.acquire()
    compactor.load()
    stage.rogue_replaces(entry("user", "rogue"))
    with pytest.raises(TakeoverError):
        compactor.rewrite([SUMMARY], "rename")
    compactor.release()
    assert stage.path.read_bytes() == entry("user", "rogue")
    assert not admits(runner)


def test_a_link_replaced_by_a_file_with_its_bytes_is_rewritten(stage: Stage) -> None:
    file = _link(stage)
    runner = stage.thinking()
    there = file.read_bytes()
    stage.rogue_replaces(there)
    stage.cotenant_rewrites([SUMMARY], "rename")
    assert stage.path.read_bytes() == SUMMARY
    assert file.read_bytes() == there
    assert admits(runner)


class _Died(BaseException):
    """The holder is killed."""


@pytest.mark.parametrize("exchanged", [True, False])
@pytest.mark.parametrize("relinked", [True, False])
def test_a_rewrite_that_died_is_resolved_where_it_began(
    stage: Stage, exchanged: bool, relinked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _link(stage)
    runner = stage.thinking()
    victim = stage.handle("compactor", "cli")
    victim.acquire()
    victim.load()
    real = atomic_replace._rename

    def dies(new: str, path: str, flags: int) -> int:
        if exchanged:
            real(new, path, flags)
        raise _Died

    monkeypatch.setattr(atomic_replace, "_rename", dies)
    with pytest.raises(_Died):
        victim.rewrite([SUMMARY], "rename")
    monkeypatch.undo()
    victim.lock.release_if_held()
    if relinked:
        stage.rogue_replaces(file.read_bytes())
    stage.cotenant_appends(entry("user", "next"))
    assert admits(runner)
    assert os.listdir(file.parent) == ["kept.jsonl"]


def test_links_are_followed_to_the_last_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "file"
    (tmp_path / "one").symlink_to("folder/two")
    (tmp_path / "folder" / "two").symlink_to(file)
    assert follow_links(str(tmp_path / "one")) == str(file)
    rewrite_by_rename(str(tmp_path / "one"), [b"a\n"])
    assert (tmp_path / "one").is_symlink()
    assert (tmp_path / "folder" / "two").is_symlink()
    assert read_all(str(file)) == b"a\n"
    assert follow_links(str(file)) == str(file)


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links") as caught:
        rewrite_by_rename(str(tmp_path / "one"), [b"a\n"])
    assert caught.value.errno == errno.ELOOP
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_a_longest_chain_of_links_is_followed(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"a\n")
    for number in range(1, 41):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    assert read_all(str(tmp_path / "40")) == b"a\n"
    rewrite_by_rename(str(tmp_path / "40"), [b"b\n"])
    assert (tmp_path / "0").read_bytes() == b"b\n"
