from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fence.statx import statx


def test_it_agrees_with_os_stat(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    os.utime(file, ns=(1, 1_234_567_890_123_456_789))
    found, known = statx(str(file)), os.stat(file)
    assert (found.dev, found.ino, found.size) == (known.st_dev, known.st_ino, 5)
    assert (found.mtime_ns, found.ctime_ns) == (1_234_567_890_123_456_789, known.st_ctime_ns)


def test_a_birth_time_stays_when_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    before_ns = time.time_ns()
    file.write_bytes(b"1")
    born = statx(str(file))
    if born.birth_ns is None:
        assert born.mtime_ns > 0  # a file system without birth times
        return
    assert abs(born.birth_ns - before_ns) < 60_000_000_000
    time.sleep(0.02)
    file.write_bytes(b"2")
    assert statx(str(file)).birth_ns == born.birth_ns
    assert statx(str(file)).mtime_ns > born.mtime_ns


def test_a_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        statx(str(tmp_path / "none"))
    assert caught.value.filename == str(tmp_path / "none")


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"123")
    link.symlink_to(file)
    assert statx(str(link)) == statx(str(file))
