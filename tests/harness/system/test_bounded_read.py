"""Test that reading a path always ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.system.bounded_read import TooLargeError, content


def test_a_file_is_read_whole_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    assert content(str(path), 3_000_000) == b"x" * 3_000_000
    with pytest.raises(TooLargeError, match="larger than 2999999 bytes"):
        content(str(path), 2_999_999)


def test_a_pipe_without_a_writer_is_empty(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    assert content(path, 10) == b""


def test_a_pipe_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"all of it")
    os.close(writing)
    assert content(f"/dev/fd/{reading}", 10) == b"all of it"
    os.close(reading)


def test_an_endless_file_is_too_large() -> None:
    with pytest.raises(TooLargeError):
        content("/dev/zero", 10)


@pytest.mark.parametrize("name", ["", "missing", "."])
def test_a_path_without_a_file_is_an_error(tmp_path: Path, name: str) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError):
        content(str(tmp_path / name) if name else "", 10)
    assert os.listdir("/proc/self/fd") == before
