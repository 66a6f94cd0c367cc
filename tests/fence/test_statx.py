from __future__ import annotations

import dataclasses
import importlib
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fence.statx import FileStat, statx

module = importlib.import_module("fence.statx")


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


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"123")
    assert statx("file") == statx(str(tmp_path / "file"))


def test_without_the_call_the_result_of_os_stat_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    found = statx(str(file))
    monkeypatch.setattr(module, "_call", None)
    assert statx(str(file)) == dataclasses.replace(found, birth_ns=None)
    with pytest.raises(FileNotFoundError):
        statx(str(tmp_path / "none"))


def test_a_birth_time_of_os_stat_is_given_in_nanoseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"st_dev": 1, "st_ino": 2, "st_size": 3, "st_mtime_ns": 4, "st_ctime_ns": 5}
    monkeypatch.setattr(module, "_call", None)
    monkeypatch.setattr(os, "stat", lambda path: SimpleNamespace(**known, st_birthtime=6.5))
    assert statx("any") == FileStat(1, 2, 3, 4, 5, 6_500_000_000)


def test_a_file_system_without_birth_times_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    found = statx(str(file))
    real = module._call

    def without(directory: int, path: bytes, flags: int, mask: int, buffer: Any) -> Any:
        assert mask & 0x800
        done = real(directory, path, flags, mask, buffer)
        buffer[1] = bytes([buffer.raw[1] & ~0x8])
        return done

    monkeypatch.setattr(module, "_call", without)
    assert statx(str(file)) == dataclasses.replace(found, birth_ns=None)


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"123")
    link.symlink_to(file)
    assert statx(str(link)) == statx(str(file))
