"""Test two properties of the file system: reused inode numbers, and stores without a time stamp."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest

from harness.scenario.actions import ACTIONS, make_line
from harness.scenario.actions.action import Scene
from harness.scenario.actions.libc import SharedMapping, exchange

SAMPLE = "".join(f"{make_line('user', f'e{index}')}\n" for index in range(4)).encode()


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "transcript.jsonl"
    path.write_bytes(SAMPLE)
    return path


def perform(name: str, path: Path) -> None:
    ACTIONS[name].perform(str(path), ACTIONS[name].draw(random.Random(1)))


@pytest.mark.requires("ext4")
def test_ext4_reuses_the_inode_number_of_an_unlinked_file(transcript: Path) -> None:
    """Check most of the attempts, because other processes take numbers from the same table."""
    came_back = 0
    for _ in range(20):
        before = transcript.stat().st_ino
        perform("recreate-other-bytes-same-inode", transcript)
        came_back += transcript.stat().st_ino == before
    assert came_back > 10
    assert os.listdir(transcript.parent) == [transcript.name]


def test_an_inode_number_is_sought_in_eight_attempts(transcript: Path, monkeypatch) -> None:
    made: list[str] = []
    real_open = os.open

    def counted(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            made.append(path)
        return real_open(path, flags, mode)

    with transcript.open("rb"):  # its number cannot be reused
        monkeypatch.setattr(os, "open", counted)
        perform("recreate-other-bytes-same-inode", transcript)
        monkeypatch.undo()
    assert len(made) == len(set(made)) == 8
    assert transcript.read_bytes() != SAMPLE
    assert os.listdir(transcript.parent) == [transcript.name]


@pytest.mark.requires("ext4")
def test_a_second_store_into_a_dirty_page_keeps_mtime(transcript: Path, monkeypatch) -> None:
    os.utime(transcript, ns=(1, 1_700_000_000_000_000_000))
    seen: list[os.stat_result] = []
    real_stat = os.stat

    def noted(path: str) -> os.stat_result:
        seen.append(real_stat(path))
        return seen[-1]

    monkeypatch.setattr(os, "stat", noted)
    perform("mmap-store-dirty", transcript)
    monkeypatch.undo()
    after = transcript.stat()
    assert transcript.read_bytes() != SAMPLE
    assert [(status.st_mtime_ns, status.st_ctime_ns) for status in seen] == [
        (after.st_mtime_ns, after.st_ctime_ns)
    ] * 2


def test_a_store_beyond_the_file_is_an_error_without_signal(transcript: Path) -> None:
    fd = os.open(transcript, os.O_RDWR)
    try:
        with SharedMapping(fd, len(SAMPLE)) as mapping:
            os.ftruncate(fd, 0)
            with pytest.raises(OSError) as caught:
                mapping.store(0, b"x")
    finally:
        os.close(fd)
    assert caught.value.errno == errno.EFAULT


@pytest.mark.parametrize("name", ["mmap-store-clean", "mmap-store-dirty"])
def test_truncation_under_the_mapping_stops_the_action(transcript: Path, name: str, monkeypatch) -> None:
    real_store = SharedMapping.store

    def cut_off(mapping: SharedMapping, offset: int, data: bytes) -> None:
        os.truncate(transcript, 0)
        real_store(mapping, offset, data)

    monkeypatch.setattr(SharedMapping, "store", cut_off)
    perform(name, transcript)
    assert transcript.read_bytes() == b""


def test_a_failed_exchange_names_the_file(transcript: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"transcript\.jsonl"):
        exchange(str(transcript), f"{transcript}.missing")


def test_an_aborted_action_removes_only_its_own_files(transcript: Path, monkeypatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(os, "symlink", fail)
    with pytest.raises(OSError, match="injected"):
        perform("symlink-swap", transcript)
    (left,) = os.listdir(transcript.parent)
    assert left.endswith(".aside")


def test_file_names_come_from_the_id_alone(transcript: Path) -> None:
    scene = Scene(str(transcript), {"id": "../../a b"}, make_line)
    assert os.path.dirname(os.path.normpath(scene.spare())) == str(transcript.parent)
