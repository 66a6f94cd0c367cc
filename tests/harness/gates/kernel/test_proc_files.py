"""Files of /proc that tell time, and sysinfo, as a worker and a program of it read them."""

from __future__ import annotations

import ctypes
import json
import os
import re
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fence.locks.sidecar import process_start
from tests.harness.gates.kernel.stage import START_NS, Stage
from tests.harness.gates.kernel.words import Words, error_of

pytestmark = pytest.mark.requires("kernel-gate", "clock of programs")

TICKS = 100
LATER_NS = START_NS + 3_600_000_000_000


def start_in(data: bytes) -> int:
    """Return field 22 of a text that has to be whole."""
    name, _, rest = data.rpartition(b") ")
    assert b" (" in name and rest.endswith(b"\n") and len(rest.split()) == 50, data
    return int(rest.split()[19])


def by_bytes(fd: int) -> bytes:
    return b"".join(iter(lambda: os.read(fd, 1), b""))


def by_places(fd: int) -> bytes:
    return os.pread(fd, 7, 0) + os.pread(fd, 4096, 7)


def by_parts(fd: int) -> bytes:
    parts = [bytearray(5), bytearray(4096)]
    count = os.readv(fd, parts)
    return b"".join(parts)[:count]


def by_parts_at(fd: int) -> bytes:
    parts = [bytearray(5), bytearray(4096)]
    count = os.preadv(fd, parts, 3)
    return os.pread(fd, 3, 0) + b"".join(parts)[:count]


def twice(fd: int) -> bytes:
    first = os.read(fd, 4096)
    os.lseek(fd, 0, os.SEEK_SET)
    again = os.read(fd, 4096)
    assert start_in(first) == start_in(again) and not os.read(fd, 1)
    return again


class Telling(Words):
    """Each word says what it finds in /proc, as JSON."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("start", "ways", "thread", "child", "program", "machine", "sent", "busy"):
            return found
        return lambda: json.dumps(found())

    def start(self) -> int | None:
        return process_start(os.getpid())

    def ways(self) -> list[int]:
        """One start time by each way to read it."""
        found = []
        for way in (by_bytes, by_places, by_parts, by_parts_at, twice):
            fd = os.open("/proc/thread-self/stat", os.O_RDONLY)
            found.append(start_in(way(fd)))
            os.close(fd)
        return found

    def thread(self) -> int | None:
        """By a thread that is no lane."""
        found: list[int | None] = []
        thread = threading.Thread(target=lambda: found.append(process_start(os.getpid())))
        thread.start()
        thread.join()
        return found[0]

    def child(self) -> list[int | None]:
        """Start time of a forked process, as its parent and it itself have it."""
        ours, theirs = os.pipe()
        go_on, go = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(theirs, str(process_start(os.getpid())).encode())
            os.read(go_on, 1)
            os._exit(0)
        seen = process_start(pid)
        told = int(os.read(ours, 100))
        os.write(go, b"x")
        os.waitpid(pid, 0)
        for fd in (ours, theirs, go_on, go):
            os.close(fd)
        return [seen, told]

    def program(self) -> list[str]:
        """Of a program: its start time, the boot, the uptime and the date."""
        text = (
            "cut -d' ' -f22 /proc/$$/stat; grep btime /proc/stat; cat /proc/uptime /proc/loadavg; date +%s.%N"
        )
        return subprocess.check_output(["sh", "-c", text], text=True).splitlines()

    def machine(self) -> list[float]:
        """Boot, uptime in two ways, loads, and the date."""
        info = ctypes.create_string_buffer(200)
        assert ctypes.CDLL(None).sysinfo(info) == 0
        uptime, *loads, memory = struct.unpack_from("=q3QQ", info)
        assert memory > 1 << 20
        booted = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.M)
        assert booted is not None
        return [
            int(booted[1]),
            float(Path("/proc/uptime").read_text().split()[0]),
            uptime,
            *loads,
            time.time(),
        ]

    def sent(self) -> str:
        source, target = os.open("/proc/uptime", os.O_RDONLY), os.memfd_create("target")
        try:
            return str(os.sendfile(target, source, 0, 100))
        except OSError as error:
            return error_of(error)
        finally:
            os.close(source)
            os.close(target)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("proc"), Telling, ["p", "q"]) as stage:
        yield stage


def told(stage: Stage, *words: str, **options: object) -> list[Any]:
    seen = stage.run(list(words), [], **options)
    assert not seen.end.inconclusive
    return [json.loads(text) for text in seen.said() if text]


def test_a_worker_starts_at_the_same_time_in_all_runs(stage: Stage) -> None:
    first = told(stage, "start", "thread")
    later = told(stage, "start", "thread", clock_start_ns=LATER_NS)
    stage.restart()
    assert first == later == told(stage, "start", "thread")
    assert len(set(first)) == 1


def test_each_way_to_read_shows_one_start_time(stage: Stage) -> None:
    ways, start = told(stage, "ways", "start")
    assert ways == [start] * 5


def test_a_process_starts_at_the_virtual_time_of_its_birth(stage: Stage) -> None:
    own, first, second = told(stage, "start", "child", "pause:90000", "child")
    assert first[0] == first[1] and second[0] == second[1]
    assert first[0] > own
    assert 9000 <= second[0] - first[0] < 9100
    assert 0 <= first[0] - START_NS // 10_000_000 < TICKS


def test_a_program_finds_that_its_start_fits_the_date(stage: Stage) -> None:
    told(stage, "pause:5000")
    lines = told(stage, "pause:5000", "program")
    assert lines == told(stage, "pause:5000", "program")
    start, booted, uptime, load, date = lines[0]
    assert load.startswith("0.00 0.00 0.00 1/1 ")
    since_boot = float(uptime.split()[0])
    now = int(booted.removeprefix("btime ")) + since_boot
    assert abs(now - float(date)) < 0.1
    assert 0 <= since_boot - int(start) / TICKS < 0.1


def test_the_machine_is_up_since_the_clocks_began(stage: Stage) -> None:
    ((booted, uptime, seconds, *loads, date),) = told(stage, "machine")
    assert seconds == int(uptime) and loads == [0, 0, 0]
    assert abs(booted + uptime - date) < 0.1


def test_the_kernel_does_not_copy_a_file_that_tells_time(stage: Stage) -> None:
    assert told(stage, "sent") == ["EINVAL"]
