"""A reading of a large file answers as one of a small file does, and reads each byte once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fence import ledger_reading
from fence.ledger_content import ABSENT, Content, digest, follow
from fence.ledger_reading import Reading

_DATA = b"".join(b'{"line": %d}\n' % number for number in range(40))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file of 64 bytes be a large one, which is read by 32 bytes."""
    monkeypatch.setattr(ledger_reading, "_SMALL", 64)
    monkeypatch.setattr(ledger_reading, "_PART", 32)


@pytest.fixture
def path(tmp_path: Path, small_parts: None) -> str:
    file = tmp_path / "transcript.jsonl"
    file.write_bytes(_DATA)
    return str(file)


def _based(data: bytes, base: int) -> Content:
    """Return the content of some bytes with its base wherever it is wanted, also within a line."""
    return Content(True, len(data), base, digest(data[:base]), *follow("", data[base:]))


_BASES = (0, 1, 63, 64, 65, 95, 96, 97, len(_DATA) - 7, len(_DATA))


@pytest.mark.parametrize("keep", [False, True])
def test_a_content_is_found_on_any_base(path: str, keep: bool) -> None:
    contents = [_based(_DATA, base) for base in _BASES]
    with Reading.at(path, keep) as together:
        together.finish(contents)
    for content in contents:
        assert together.shows(content)
        assert together.shown == content
        with Reading.at(path, keep) as alone:
            assert alone.shows(content)
    assert together.content == Content.of(_DATA)


@pytest.mark.parametrize("place", [0, 63, 64, 65, 96, 200, len(_DATA) - 1])
def test_one_other_byte_anywhere_is_seen(path: str, place: int) -> None:
    contents = [_based(_DATA, base) for base in _BASES]
    other = bytearray(_DATA)
    other[place] ^= 1
    Path(path).write_bytes(other)
    for content in contents:
        with Reading.at(path) as reading:
            assert not reading.shows(content)
            assert reading.shown is None


@pytest.mark.parametrize("size", [*range(60, 70), 95, 96, 97, 127, 128, 129])
def test_a_file_of_any_size_is_read_to_its_end(path: str, size: int) -> None:
    data = _DATA[:size]
    Path(path).write_bytes(data)
    with Reading.at(path) as reading:
        assert (reading.size, reading.content) == (size, Content.of(data))
    with Reading.at(path, keep=True) as reading:
        assert reading.data == data
        assert reading.content == Content.of(data)


def test_bytes_behind_a_content_are_kept(path: str) -> None:
    content = Content.of(_DATA[:100])
    with Reading.at(path) as reading:
        assert reading.begins_with(content)
        assert reading.behind(content) == _DATA[100:]
        assert not reading.shows(content)
    longer = Content.of(_DATA + b"more\n")
    with Reading.at(path) as reading:
        assert not reading.begins_with(longer)
        assert reading.behind(longer) == b""


def test_all_bytes_can_be_asked_for_first(path: str) -> None:
    with Reading.at(path) as reading:
        assert reading.data == _DATA
        assert reading.shows(_based(_DATA, 13))


def test_of_a_large_file_only_appended_bytes_are_kept(path: str) -> None:
    content = Content.of(_DATA[:-13])
    with Reading.at(path) as reading:
        assert reading.behind(content) == _DATA[-13:]
        with pytest.raises(AssertionError, match="not kept"):
            assert reading.data
        with pytest.raises(AssertionError, match="no digest"):
            reading.shows(_based(_DATA, 1))


def test_each_byte_is_read_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    plain, into = os.read, os.readv

    def counted(fd: int, length: int) -> bytes:
        data = plain(fd, length)
        read.append(len(data))
        return data

    def counted_into(fd: int, buffers: Any) -> int:
        read.append(into(fd, buffers))
        return read[-1]

    monkeypatch.setattr(os, "read", counted)
    monkeypatch.setattr(os, "readv", counted_into)
    for keep in (False, True):
        read.clear()
        with Reading.at(path, keep) as reading:
            assert reading.shows(_based(_DATA, len(_DATA) - 13))
        assert sum(read) == len(_DATA)
        assert max(read) == 64


@pytest.mark.parametrize("grows", [True, False])
def test_a_file_that_changes_its_size_meanwhile_is_read_to_its_end(
    path: str, grows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fstat
    away = 1 if grows else -1

    def earlier(fd: int) -> Any:
        found = list(real(fd))
        found[6] -= 50 * away
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", earlier)
    with Reading.at(path, keep=True) as reading:
        assert reading.data == _DATA
        assert reading.content == Content.of(_DATA)


def test_no_file_is_a_reading_too(tmp_path: Path) -> None:
    with Reading.at(str(tmp_path / "nowhere")) as reading:
        assert not reading.exists
        assert (reading.content, reading.data, reading.size) == (ABSENT, None, 0)


def test_a_reading_that_fails_leaves_no_descriptor(path: str, tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(IsADirectoryError):
        Reading.at(str(tmp_path))
    with Reading.at(path):
        pass
    assert os.listdir("/proc/self/fd") == before
