"""What files of /proc say of processor time and memory: the kernel's form, without what changes."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from harness.gates.kernel import proc_usage


def read(name: str) -> bytes:
    return Path("/proc", name).read_bytes()


def names(text: bytes) -> list[bytes]:
    return [line.split(b":")[0].split()[0] for line in text.splitlines()]


def numbers(text: bytes) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in re.findall(rb"(?m)^(\w+):\s*(\d+)", text)}


def test_a_process_has_16_mib_in_memory() -> None:
    text = proc_usage.status(read("self/status"))
    assert names(text) == names(read("self/status"))
    found = numbers(text)
    assert [found[name] for name in ("VmHWM", "VmRSS", "RssAnon", "RssFile")] == [16_384, 16_384, 16_384, 0]
    assert found["Pid"] == os.getpid() and b"Cpus_allowed_list:\t0\n" in text
    assert found["voluntary_ctxt_switches"] == found["nonvoluntary_ctxt_switches"] == 0
    first, resident, *rest = proc_usage.statm(read("self/statm")).split()
    assert int(first) > 0 and int(resident) == 4096 and len(rest) == 5


def test_half_of_the_memory_of_the_machine_is_free() -> None:
    text = read("meminfo")
    told = proc_usage.meminfo(text)
    assert names(told) == names(text) and len(told) == len(text)
    found, real = numbers(told), numbers(text)
    assert found["MemTotal"] == real["MemTotal"]
    assert found["MemFree"] == found["MemAvailable"] == real["MemTotal"] // 2
    assert found["Cached"] == found["Slab"] == 0 < real["Cached"]


def test_processors_have_been_idle() -> None:
    text = read("stat")
    told = proc_usage.processors(text, 77, 500)
    assert names(told) == names(text)
    lines = told.splitlines()
    assert lines[0] == b"cpu  0 0 0 500 0 0 0 0 0 0" and lines[1] == b"cpu0 0 0 0 500 0 0 0 0 0 0"
    assert {b"ctxt 0", b"processes 77", b"procs_running 1", b"procs_blocked 0"} <= set(lines)


def test_a_process_that_computes_has_used_the_time_that_it_is_told() -> None:
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    text = read("self/stat")
    fields = text.rpartition(b") ")[2].split()
    before = list(fields)
    proc_usage.process_stat(fields, 12)
    assert fields[11] == b"12" and fields[12] == fields[13] == b"0" and fields[21] == b"4096"
    changed = {at for at, field in enumerate(fields) if field != before[at]}
    assert changed <= {7, 8, 9, 10, 11, 12, 13, 14, 21, 36, 39, 40, 41}
