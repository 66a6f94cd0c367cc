"""Home and temporary directory of programs: made anew where they were changed, and never left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from harness.system.private_directories import PrivateDirectories


def test_directories_that_cannot_be_made_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.mkdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        if os.fspath(path).endswith("/tmp"):
            raise OSError(errno.ENOSPC, "")
        really(path, mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    with pytest.raises(OSError):
        PrivateDirectories(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_files_that_a_program_leaves_or_replaces_are_gone(tmp_path: Path) -> None:
    private = PrivateDirectories(str(tmp_path))
    Path(private.home, "file").touch()
    os.rmdir(private.temporary)
    os.symlink("/", private.temporary)
    private.clear()
    assert sorted(os.listdir(private.path)) == ["home", "tmp"]
    assert os.path.isdir(private.temporary) and not os.path.islink(private.temporary)
    assert os.listdir(private.home) == os.listdir(private.temporary) == []
    private.close()
    assert list(tmp_path.iterdir()) == []
