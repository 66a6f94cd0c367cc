"""What files of /proc say of processor time and memory, as a process of the schedule reads them.

Both are the machine's, and are others in each run: which pages are in memory, how long a call took, which
other programs run. A process is told that it has 16 MiB in memory, that half of the machine's memory is
free, and that virtual time is its processor time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["RESIDENT_KIB", "meminfo", "process_stat", "processors", "statm", "status"]

RESIDENT_KIB: Final = 16_384
_PAGE_KIB: Final = 4
_PAGES: Final = b"%d" % (RESIDENT_KIB // _PAGE_KIB)
#: Of /proc/PID/stat, counted behind the name: page faults, the processor time of ended children, and that of
#: the process in kernel mode; then the wait for the disk, and guest time.
_ZERO: Final = (7, 8, 9, 10, 12, 13, 14, 39, 40, 41)
_USER_TIME, _RESIDENT, _PROCESSOR = 11, 21, 36
_LINE: Final = re.compile(rb"(?m)^(\w+|\w+\(\w+\)):(\s*)(\d+)( kB)?$")
_RESIDENT_NAMES: Final = frozenset({b"VmHWM", b"VmRSS", b"RssAnon"})
_CHANGING: Final = frozenset(
    (b"RssFile", b"RssShmem", b"VmPTE", b"VmSwap", b"voluntary_ctxt_switches", b"nonvoluntary_ctxt_switches")
)
_QUEUED: Final = re.compile(rb"(?m)^SigQ:\t\d+/")
_ALLOWED: Final = re.compile(rb"(?m)^Cpus_allowed(_list)?:\t.*$")
#: Of the machine's memory: what does not change.
_LASTING: Final = re.compile(
    rb"MemTotal|SwapTotal|CommitLimit|VmallocTotal|Hugepagesize|HugePages_Total|DirectMap\w+"
)
_FREE: Final = frozenset({b"MemFree", b"MemAvailable"})
_CPU: Final = re.compile(rb"(?m)^(cpu\d*)( +)(?:\d+ ?)+$")
_COUNT: Final = re.compile(rb"(?m)^(intr|ctxt|softirq|procs_blocked) .*$")


def process_stat(fields: list[bytes], used_ticks: int) -> None:
    """Replace the figures of /proc/PID/stat.

    Args:
        fields: behind the name; changed in place.
        used_ticks: processor time, in hundredths of a second.
    """
    for at in _ZERO:
        if at < len(fields):
            fields[at] = b"0"
    fields[_USER_TIME], fields[_RESIDENT], fields[_PROCESSOR] = b"%d" % used_ticks, _PAGES, b"0"


def status(text: bytes) -> bytes:
    """Return /proc/PID/status with the figures replaced."""
    told = dict.fromkeys(_RESIDENT_NAMES, b"%d" % RESIDENT_KIB) | dict.fromkeys(_CHANGING, b"0")
    text = _ALLOWED.sub(lambda found: b"Cpus_allowed_list:\t0" if found[1] else b"Cpus_allowed:\t1", text)
    return _QUEUED.sub(b"SigQ:\t0/", _with_numbers(text, told.get))


def statm(text: bytes) -> bytes:
    """Return /proc/PID/statm with the figures replaced; what is shared is none."""
    fields = text.split()
    return b" ".join((*fields[:1], _PAGES, b"0", *fields[3:])) + b"\n"


def meminfo(text: bytes) -> bytes:
    """Return /proc/meminfo, of a machine of whose memory half is free and nothing is used otherwise."""
    found = re.search(rb"(?m)^MemTotal:\s*(\d+)", text)
    half = b"%d" % (int(found[1]) // 2) if found is not None else b"0"

    def told(name: bytes) -> bytes | None:
        if name in _FREE:
            return half
        return None if _LASTING.fullmatch(name) else b"0"

    return _with_numbers(text, told)


def processors(text: bytes, own_pid: int, ticks: int) -> bytes:
    """Return /proc/stat of a machine whose processors have been idle.

    Args:
        text: as the kernel has it.
        own_pid: of the reader.
        ticks: for how long, in hundredths of a second.
    """
    text = _CPU.sub(rb"\1\g<2>0 0 0 %d 0 0 0 0 0 0" % ticks, text)
    text = _COUNT.sub(rb"\1 0", text)
    text = re.sub(rb"(?m)^processes .*$", b"processes %d" % own_pid, text)
    return re.sub(rb"(?m)^procs_running .*$", b"procs_running 1", text)


def _with_numbers(text: bytes, told: Callable[[bytes], bytes | None]) -> bytes:
    """Replace numbers by the name of their line, keeping columns; None leaves one as it is."""

    def line(found: re.Match[bytes]) -> bytes:
        number = told(found[1])
        if number is None:
            return found[0]
        width = len(found[2]) + len(found[3])
        gap = b"\t" if found[2][:1] == b"\t" else b""
        return found[1] + b":" + gap + number.rjust(width - len(gap)) + (found[4] or b"")

    return _LINE.sub(line, text)


#: By the last part of the path, of files that need nothing else.
PLAIN: Final[Mapping[str, Callable[[bytes], bytes]]] = {"status": status, "statm": statm, "meminfo": meminfo}
