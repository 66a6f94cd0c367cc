from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fence import atomic_replace
from fence.atomic_replace import exchange


@pytest.fixture(params=["renameat2", "link"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Select each of the two ways to exchange files."""
    if request.param == "link":
        monkeypatch.setattr(atomic_replace, "_rename", lambda new, path, flags: errno.ENOSYS)


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
def test_relative_paths_start_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new").write_bytes(b"new")
    Path("path").write_bytes(b"old")
    exchange("new", "path")
    assert (Path("path").read_bytes(), Path("new").read_bytes()) == (b"new", b"old")


@pytest.mark.usefixtures("way")
def test_without_an_old_file_no_file_is_left(tmp_path: Path) -> None:
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
    real = atomic_replace._rename

    def rename(source: str, target: str, flags: int) -> int:
        number = real(source, target, flags)
        if number == errno.ENOENT:
            path.write_bytes(b"quick")
        return number

    monkeypatch.setattr(atomic_replace, "_rename", rename)
    exchange(str(new), str(path))
    assert (path.read_bytes(), new.read_bytes()) == (b"new", b"quick")


def test_a_failure_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="path"):
        exchange(str(tmp_path / "no" / "new"), str(tmp_path / "no" / "path"))
