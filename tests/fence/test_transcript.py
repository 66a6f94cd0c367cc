"""The file operations that fences share, where the kernel does only a part of the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fence.transcript import append_lines, read_all, rewrite_by_rename, rewrite_in_place, write_all

LINES = [b"one\n", b"two and more\n", b"three\n"]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let each write take three bytes at most; returns how many each took."""
    real, counts = os.write, []

    def short(fd: int, data: bytes) -> int:
        counts.append(real(fd, bytes(data[:3])))
        return counts[-1]

    monkeypatch.setattr(os, "write", short)
    return counts


def test_a_short_write_is_continued_until_nothing_is_left(tmp_path: Path, written: list[int]) -> None:
    path = tmp_path / "t"
    with path.open("wb") as file:
        write_all(file.fileno(), b"abcdefgh")
    assert path.read_bytes() == b"abcdefgh"
    assert written == [3, 3, 2]


def test_nothing_to_write_is_no_call(tmp_path: Path, written: list[int]) -> None:
    with (tmp_path / "t").open("wb") as file:
        write_all(file.fileno(), b"")
    assert written == []


@pytest.mark.usefixtures("written")
def test_lines_are_whole_in_spite_of_short_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    append_lines(path, LINES)
    append_lines(path, LINES)
    assert read_all(path) == b"".join(LINES) * 2
    rewrite_in_place(path, LINES)
    assert read_all(path) == b"".join(LINES)
    rewrite_by_rename(path, LINES[1:])
    assert read_all(path) == b"".join(LINES[1:])
    assert os.listdir(tmp_path) == ["t"]


def test_lines_are_appended_by_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, sizes = os.write, []
    monkeypatch.setattr(os, "write", lambda fd, data: sizes.append(len(data)) or real(fd, data))
    append_lines(str(tmp_path / "t"), LINES)
    assert sizes == [len(b"".join(LINES))]


def test_a_missing_file_reads_as_empty(tmp_path: Path) -> None:
    assert read_all(str(tmp_path / "none")) == b""
    with pytest.raises(IsADirectoryError):
        read_all(str(tmp_path))


def test_no_call_leaves_a_descriptor_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "t")
    before = os.listdir("/proc/self/fd")
    for write in (append_lines, rewrite_in_place, rewrite_by_rename):
        write(path, LINES)
        assert read_all(path) == b"".join(LINES)
    monkeypatch.setattr(os, "write", _full)
    for write in (append_lines, rewrite_in_place, rewrite_by_rename):
        with pytest.raises(OSError, match="full"):
            write(path, LINES)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def _full(fd: int, data: bytes) -> int:
    raise OSError("full")


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    for write in (append_lines, rewrite_in_place, rewrite_by_rename):
        path = tmp_path / write.__name__
        write(str(path), LINES)
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_rewrite_in_place_keeps_the_file_and_a_rename_does_not(tmp_path: Path) -> None:
    path = tmp_path / "t"
    append_lines(str(path), LINES)
    inode = path.stat().st_ino
    rewrite_in_place(str(path), LINES[:1])
    assert path.stat().st_ino == inode
    rewrite_by_rename(str(path), LINES)
    assert path.stat().st_ino != inode
