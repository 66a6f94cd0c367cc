"""What a call is said to touch: each call that changes a file conflicts with a read of it."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel.access_sets import access_set
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.syscall_table import CALLS
from harness.model.access_set import ANYTHING, AccessSet, conflict

T = SimpleNamespace(number=1, names={"T"})
FLOCKS: Any = SimpleNamespace(holds=lambda *_: False)
COPYING = {"sendfile", "splice", "copy_file_range", "ioctl"}


def touched(name: str, path: str | None = "T", flags: int = 0, **world: Any) -> AccessSet:
    """Return the access set of a call about the transcript, by name and by descriptor."""
    known = {"names": {"T": T}, "symlinks": {}, "copied": False, "directory_inode": None}
    known |= {"parent": lambda path: None, **world}
    files: Any = SimpleNamespace(lock=SimpleNamespace(keeper="file"), **known)
    (call,) = {call for call in CALLS.values() if call.name == name}
    lane = Lane(0)
    process: Any = SimpleNamespace(maps_files=False, has_children=False, lanes=[lane], name="p")
    lane.worker, lane.status = process, Status.FILE
    inode: Any = known["names"].get(path)
    lane.pending = PendingSyscall(0, call, (0,) * 6, process, inode=inode, name=path, flags=flags)
    return access_set(files, FLOCKS, lane)


def by_kind(*kinds: str) -> list[str]:
    return sorted({call.name for call in CALLS.values() if call.kind in kinds})


@pytest.mark.parametrize("name", by_kind("data", "meta", "names"))
def test_each_call_that_changes_a_file_conflicts_with_a_read(name: str) -> None:
    assert conflict(touched(name), touched("read"))
    assert (touched(name) == ANYTHING) == (name in COPYING)


@pytest.mark.parametrize("name", by_kind("look", "stat"))
def test_each_call_that_only_looks_conflicts_with_no_other(name: str) -> None:
    assert not conflict(touched(name), touched("read"))
    assert conflict(touched(name), touched("write"))


@pytest.mark.parametrize("name", ["open", "openat", "openat2", "creat"])
def test_an_open_conflicts_with_reads_where_it_truncates(name: str) -> None:
    for mode in (os.O_WRONLY, os.O_RDWR):
        assert conflict(touched(name, flags=mode | os.O_TRUNC), touched("read"))
        assert not conflict(touched(name, flags=mode), touched("read"))


def test_an_open_that_makes_a_file_conflicts_with_looks_at_the_name() -> None:
    made = touched("openat", flags=os.O_WRONLY | os.O_CREAT, names={})
    assert conflict(made, touched("newfstatat", names={}))
    assert {"dir", "alloc", "n:T"} == made.writes
    assert not touched("openat", flags=os.O_WRONLY, names={}).writes
