"""Looks at the transcript: what they find, what they leave behind, how they are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.gates.free import snapshots
from harness.gates.free.snapshots import Log, Names, Snapshot, look
from harness.model.history import Absent, digest


@pytest.fixture(params=["statx", "stat"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to identify a file: that of Linux and that of other systems."""
    if request.param == "stat":
        monkeypatch.setattr(snapshots, "_statx", None)
    return str(request.param)


@pytest.mark.usefixtures("_way")
def test_a_look_finds_the_bytes_and_tells_files_apart(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"x" * 2_000_000)
    other.write_bytes(b"y")
    first = look(str(one))
    assert first.content == one.read_bytes()
    assert first.identity is not None
    assert first.identity[0] == one.stat().st_ino
    with one.open("ab") as file:
        file.write(b"more")
    assert look(str(one)).identity == first.identity
    assert look(str(other)).identity != first.identity


def test_where_no_file_can_be_read_there_is_none(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "directory")
    os.mkfifo(tmp_path / "pipe")
    os.symlink("nowhere", tmp_path / "link")
    for name in ("missing", "directory", "link"):
        assert look(str(tmp_path / name)) == Snapshot(None)
    assert look(str(tmp_path / "pipe")).content == b""


@pytest.mark.requires("ext4")
def test_a_file_with_the_inode_number_of_another_is_told_from_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    seen = set()
    for _ in range(20):
        path.write_bytes(b"same")
        seen.add(look(str(path)).identity)
        path.unlink()
    numbers = {identity[0] for identity in seen if identity is not None}
    assert len(numbers) < len(seen) == 20


@pytest.mark.requires("ext4")
def test_a_look_gives_the_next_write_no_stamp_of_its_own(tmp_path: Path) -> None:
    same = 0
    for number in range(60):
        watched, control = tmp_path / f"watched{number}", tmp_path / f"control{number}"
        with watched.open("wb", buffering=0) as one, control.open("wb", buffering=0) as other:
            one.write(b"a")
            look(str(watched))
            other.write(b"a")
            one.write(b"b")
        # Of one tick, unless its end fell between the two or a look had asked for a time.
        same += watched.stat().st_mtime_ns == control.stat().st_mtime_ns
    assert same > 30


def test_files_are_named_by_order_of_appearance_and_a_number_used_again_is_noticed() -> None:
    names = Names()
    first = names.of(Snapshot((7, 1, b""), b"x"))
    assert (first.file, first.content, first.size) == ("f0", digest(b"x"), 1)
    assert names.of(Snapshot(None)) is Absent
    assert names.of(Snapshot((8, 1, b""), b"x")).file == "f1"
    assert not names.reused
    assert names.of(Snapshot((7, 2, b""), b"y")).file == "f2"
    assert names.of(Snapshot((7, 1, b""), b"y")).file == "f0"
    assert names.reused
    assert names.blobs[digest(b"y")] == b"y"


def test_a_log_keeps_each_lanes_looks_and_each_content_once() -> None:
    log = Log(2, 4096)
    found = Snapshot((7, 1, b"h"), b"x" * 1000)
    for over in (False, True):
        log.add(0, 3, over, found)
    log.add(1, 5, False, Snapshot(None))
    notes = log.read(0)
    assert notes is not None
    assert [(note.op, note.over, note.identity) for note in notes] == [
        (3, False, (7, 1, b"h")),
        (3, True, (7, 1, b"h")),
    ]
    assert [note.content for note in notes] == [found.content, None]
    assert [note.identity for note in log.read(1) or ()] == [None]
    log.clear()
    assert log.read(0) == log.read(1) == []
    log.add(0, 0, False, found)
    assert [note.content for note in log.read(0) or ()] == [found.content]


def test_a_log_that_is_too_small_says_so_until_it_is_cleared() -> None:
    log = Log(1, 4096)
    log.add(0, 0, False, Snapshot((7, 1, b""), b"x" * 5000))
    log.add(0, 0, True, Snapshot(None))
    assert log.read(0) is None
    log.clear()
    assert log.read(0) == []
