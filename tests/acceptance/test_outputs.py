"""Files of output options: a file is replaced whole, anything else is written to or refused."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.acceptance.harness_process import ROOT, Harness, eventually, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

FEW = ("--fence", "ledger", "--schedules", 3, "--no-shrink")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[list[bytes]]:
    """Read a FIFO to its end; its bytes are in the list afterwards."""
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    yield got
    reader.join(600)


def cases(data: bytes) -> list[str | None]:
    return [case.get("name") for case in ElementTree.fromstring(data).iter("testcase")]


def test_a_fifo_gets_one_whole_report(harness: Harness, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    both = ("--fence", "none")
    with reading(fifo) as got:
        assert harness.run(write_scenario(tmp_path), *FEW, *both, "--junit", fifo).status == 0
    assert cases(got[0]) == ["ledger", "none"]
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


def test_a_fifo_without_a_reader_is_refused_at_once(harness: Harness, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ended = harness.run(write_scenario(tmp_path), *FEW, "--junit", fifo)
    assert ended.status == 2
    assert f"--junit {fifo}: cannot be written: no process reads this FIFO" in ended.err
    # The next attempt into the same folder is no second run.
    assert harness.call("run", write_scenario(tmp_path), *FEW, "--out", harness.out).status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_reader_that_takes_nothing_cannot_hold_up_a_signal(
    harness: Harness, tmp_path: Path, number: signal.Signals
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    idle = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    full = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, bytes(4096))
    with harness.start_run(write_scenario(tmp_path), *FEW, "--junit", fifo, "--json") as running:
        eventually(lambda: (harness.out / "verdicts.jsonl").exists() and harness.verdicts())
        running.process.send_signal(number)
        ended = running.end()
    os.close(full)
    os.close(idle)
    assert ended.status == 130
    assert "Traceback" not in ended.err


def test_standard_output_may_be_named(harness: Harness, tmp_path: Path) -> None:
    into = tmp_path / "log"
    with into.open("wb") as file:
        ended = harness.run(
            write_scenario(tmp_path), *FEW, "--junit", "/dev/stdout", "--json", stdout=file, text=False
        )
    assert ended.status == 0
    text = into.read_bytes()
    assert b"<?xml" in text and b'{"scenario"' in text, ended.err


@pytest.mark.parametrize("kind", ["socket", "folder", "link", "dangling link"])
def test_a_folder_socket_or_link_is_refused_and_stays(harness: Harness, tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "place", tmp_path / "target"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)
        if kind == "link":
            target.write_text("mine")
    before = path.lstat().st_ino
    ended = harness.run(write_scenario(tmp_path), *FEW, "--junit", path)
    assert (ended.status, ended.out) == (2, "")
    assert f"--junit {path}: cannot be written: " in ended.err
    assert path.lstat().st_ino == before
    assert target.read_text() == "mine" if kind == "link" else not target.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="this machine lacks: root, which device nodes take")
def test_a_device_is_written_to_and_stays(harness: Harness, tmp_path: Path) -> None:
    device = tmp_path / "null"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    assert harness.run(write_scenario(tmp_path), *FEW, "--junit", device).status == 0
    assert stat.S_ISCHR(device.lstat().st_mode)


def test_no_name_that_can_be_guessed_is_opened(harness: Harness, tmp_path: Path) -> None:
    path, target = tmp_path / "junit.xml", tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "junit.xml.tmp").symlink_to(target)
    path.write_text("before")
    path.chmod(0o600)
    assert harness.run(write_scenario(tmp_path), *FEW, "--junit", path).status == 0
    assert cases(path.read_bytes()) == ["ledger"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert target.read_text() == "mine"
    assert (tmp_path / "junit.xml.tmp").is_symlink()


def test_a_folder_that_holds_a_run_is_refused(harness: Harness, tmp_path: Path) -> None:
    words = ("run", write_scenario(tmp_path), *FEW, "--out", harness.out)
    assert harness.call(*words).status == 0
    before = {path: path.read_bytes() for path in harness.out.rglob("*") if path.is_file()}
    ended = harness.call(*words)
    assert (ended.status, ended.out) == (2, "")
    assert f"{harness.out}: holds a run already; give another --out, --force" in ended.err
    assert {path: path.read_bytes() for path in harness.out.rglob("*") if path.is_file()} == before
    assert harness.call(*words, "--force").status == 0
    both = harness.call("run", "--resume", harness.out, "--force")
    assert (both.status, both.out) == (2, "")


def test_a_new_run_removes_no_file_that_is_none_of_its_own(harness: Harness, tmp_path: Path) -> None:
    kept = [harness.out / "progress" / "notes.txt", harness.out / "verdicts.jsonl.mine"]
    (harness.out / "progress").mkdir(parents=True)
    for path in kept:
        path.write_text("mine")
    left = harness.out / f"verdicts.jsonl.{'0' * 16}.tmp"
    left.write_text("of a killed run")
    assert harness.call("run", write_scenario(tmp_path), *FEW, "--out", harness.out).status == 0
    assert [path.read_text() for path in kept] == ["mine", "mine"]
    assert not left.exists()


def test_a_reader_that_stops_reading_cannot_hold_up_a_signal(harness: Harness) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "list", "scenarios"],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    # It sleeps in a poll: nothing else of `list` waits.
    eventually(lambda: "poll" in Path(f"/proc/{process.pid}/wchan").read_text() or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    os.close(reader)
    assert (process.returncode, err) == (130, "interrupted\n")
