"""The access set of a call: each call that changes a file conflicts with a read of it."""

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

# Processes and calls are stand-ins here, which compiled functions refuse.
pytestmark = pytest.mark.requires("modules from source")

T = SimpleNamespace(number=1, names={"T"})
FLOCKS: Any = SimpleNamespace(holds=lambda *_: False)
COPYING = {"sendfile", "splice", "copy_file_range", "ioctl"}


def touched(name: str, path: str | None = "T", flags: int = 0, **world: Any) -> AccessSet:
    """Return the access set of a call about the transcript, by name and by descriptor."""
    second, indirect = world.pop("second", None), world.pop("indirect", False)
    known = {"names": {"T": T}, "symlinks": {}, "copied": False, "directory_inode": None}
    known |= {"parent": lambda path: None, **world}
    files: Any = SimpleNamespace(lock=SimpleNamespace(keeper="file"), **known)
    (call,) = {call for call in CALLS.values() if call.name == name}
    lane = Lane(0)
    process: Any = SimpleNamespace(maps_files=False, has_children=False, lanes=[lane], name="p")
    lane.worker, lane.status = process, Status.FILE
    inode: Any = known["names"].get(path)
    lane.pending = PendingSyscall(0, call, (0,) * 6, process)
    lane.pending.is_about_name(path, inode)
    lane.pending.is_about_second_name(second)
    lane.pending.is_indirectly_about(indirect)
    lane.pending.opens_with(flags)
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


# Directories

D, X, BELOW = (
    SimpleNamespace(number=number, names={name}) for number, name in ((2, "d"), (3, "d/x"), (4, "d/b"))
)
TREE = {"T": T, "d": D, "d/x": X, "d/b": BELOW}


def in_tree(name: str, path: str, path2: str | None = None, flags: int = 0, **world: Any) -> AccessSet:
    """Return the access set of a call by name; a directory ``d`` holds ``x`` and a directory ``b``."""
    parents = {path: TREE.get(path.rpartition("/")[0]) for path in (path, path2) if path is not None}
    return touched(name, path, flags, names=TREE, parent=parents.get, second=path2, **world)


@pytest.mark.parametrize("below", ["d/x", "d/b/y", "d/new"])
@pytest.mark.parametrize("call", ["newfstatat", "openat", "unlink", "chmod", "truncate", "mkdir", "chdir"])
def test_a_directory_that_moves_conflicts_with_every_name_below(below: str, call: str) -> None:
    for one, two in (("d", "e"), ("T", "d")):
        assert conflict(in_tree("rename", one, two), in_tree(call, below))
    assert conflict(in_tree("rmdir", "d"), in_tree(call, below))
    assert not conflict(in_tree("newfstatat", "d"), in_tree("newfstatat", below))


def test_names_that_come_and_go_in_a_directory_conflict_with_its_list() -> None:
    make, move = in_tree("openat", "d/new", flags=os.O_CREAT | os.O_WRONLY), in_tree("rename", "T", "d/t")
    for listing in (in_tree("getdents64", "d"), in_tree("newfstatat", "d")):
        for change in (
            make,
            in_tree("unlink", "d/x"),
            in_tree("mkdir", "d/c"),
            move,
        ):
            assert conflict(listing, change)
        assert not conflict(listing, in_tree("newfstatat", "d/x"))
        assert not conflict(listing, in_tree("truncate", "d/x"))


def test_steps_on_the_same_file_below_conflict_and_on_others_do_not() -> None:
    write, read = in_tree("truncate", "d/x"), in_tree("newfstatat", "d/x")
    assert conflict(write, write)
    assert conflict(write, read)
    assert not conflict(write, in_tree("newfstatat", "d/b"))
    assert not conflict(write, in_tree("newfstatat", "T"))


def test_a_path_by_way_of_a_link_touches_everything() -> None:
    assert in_tree("newfstatat", "d/x", symlinks={"d"}) == ANYTHING
    assert in_tree("newfstatat", "d/x", symlinks={"d/x"}) == ANYTHING
    assert in_tree("newfstatat", "d/x", indirect=True) == ANYTHING
    assert in_tree("newfstatat", "d/x") != ANYTHING


def test_a_file_without_a_name_takes_a_number_and_no_name() -> None:
    made = touched("openat", ".", os.O_TMPFILE | os.O_RDWR)
    assert made.writes == {"alloc"}
