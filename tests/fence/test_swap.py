from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fence import swap
from fence.swap import Movement, exchange


@pytest.fixture(params=["renameat2", "link"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to exchange two files."""
    if request.param == "link":
        monkeypatch.setattr(swap, "_rename", lambda new, path, flags: errno.ENOSYS)


@pytest.mark.usefixtures("way")
def test_the_old_file_is_under_the_new_ones_name(tmp_path: Path) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_bytes(b"new")
    path.write_bytes(b"old")
    ino = path.stat().st_ino
    exchange(str(new), str(path))
    assert path.read_bytes() == b"new"
    assert new.read_bytes() == b"old"
    assert new.stat().st_ino == ino
    assert sorted(os.listdir(tmp_path)) == ["new", "path"]


@pytest.mark.usefixtures("way")
def test_where_nothing_was_nothing_is_left(tmp_path: Path) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_bytes(b"new")
    exchange(str(new), str(path))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["path"]


def test_a_file_that_appears_between_two_attempts_is_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_bytes(b"new")
    real = swap._rename

    def rename(source: str, target: str, flags: int) -> int:
        number = real(source, target, flags)
        if number == errno.ENOENT:
            path.write_bytes(b"quick")
        return number

    monkeypatch.setattr(swap, "_rename", rename)
    exchange(str(new), str(path))
    assert (path.read_bytes(), new.read_bytes()) == (b"new", b"quick")


def test_a_failure_is_told_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="path"):
        exchange(str(tmp_path / "no" / "new"), str(tmp_path / "no" / "path"))


def _moved(tmp_path: Path, before: bool, after: bool, other_file: bool = False) -> str:
    path, aside = tmp_path / "path", tmp_path / "aside"
    path.write_bytes(b"old")
    aside.write_bytes(b"new")
    with path.open("ab", buffering=0) as file, Movement(str(path)) as movement:
        if before:
            file.write(b"b")
        if other_file:
            os.rename(path, tmp_path / "away")
            path.write_bytes(b"other")
        exchange(str(aside), str(path))
        if after:
            file.write(b"a")
        return movement.which(str(aside))


def test_a_file_that_nobody_changes_shows_itself_after_the_move(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=False) == "after"


def test_a_change_before_the_move_is_seen_after_it(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=True, after=False) == "after"


def test_a_change_after_the_move_was_not_there_when_it_was_moved(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=True) == "before"


def test_changes_on_both_sides_leave_it_open(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=True, after=True) == "neither"


def test_changes_of_a_file_that_was_moved_by_somebody_else_do_not_count(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=True, other_file=True) == "after"


def test_a_missing_file_and_a_missing_inotify_leave_the_later_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Movement(str(tmp_path / "none")) as movement:
        assert movement.which(str(tmp_path / "none")) == "after"
    monkeypatch.setattr(swap, "_inotify_init", None)
    assert _moved(tmp_path, before=False, after=True) == "after"
