"""Answers of `stat` on a file system: the keys of a scenario's `filesystem`, and named file systems.

A named file system stands for keys. `python -m tests.measured_filesystems` measures the real ones, and a
test compares.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from annotated_types import Ge, Le, doc

from harness.scenario.roles.role import ClockSettings

__all__ = ["FILESYSTEMS", "FilesystemName", "FilesystemSettings", "expanded", "moves_by_itself"]

FilesystemName = Literal[
    "ext4",
    "coarse-ext4",
    "ext4-128",
    "xfs",
    "btrfs",
    "tmpfs",
    "vfat",
    "overlay",
    "fuse-overlayfs",
    "mergerfs",
    "nfs",
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FilesystemSettings:
    """The properties of the file system that stat shows to the lanes."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    like: Annotated[
        FilesystemName | None,
        doc(
            "A file system by name: its keys hold where this mapping does not give them. `filesystem: NAME` "
            "is short for this key alone."
        ),
    ] = None
    time_grain_ms: Annotated[
        int,
        Ge(0),
        Le(60_000),
        doc(
            "Time stamps are rounded down to a multiple of so many virtual milliseconds, so that changes "
            "close to each other have the same; 0: each change has a stamp of its own."
        ),
    ] = 0
    birth_time: Annotated[bool, doc("true: statx reports a birth time.")] = True
    ctime_own: Annotated[
        bool,
        doc("true: ctime is a stamp of its own; false: it is the mtime, and a change of mode moves neither."),
    ] = True
    inode_reuse: Annotated[
        Literal["always", "never", "real"],
        doc(
            "Reuse of inode numbers. always: a new file gets the number of a removed one, if there is "
            "one; never: it gets a new number; real: as the file system of the session does."
        ),
    ] = "always"
    inode_stable: Annotated[
        bool,
        doc(
            "true: a file keeps its inode number; false: it has another one each time that the kernel "
            "forgot it."
        ),
    ] = True
    inode_forget_ms: Annotated[
        int,
        Ge(0),
        Le(86_400_000),
        doc(
            "Virtual milliseconds after the last call about a file until the kernel forgets it, if no "
            "process has it open or watches it; for inode_stable and stamps_stable."
        ),
    ] = 10
    stamps_stable: Annotated[
        bool,
        doc(
            "true: a file that was written keeps mtime and ctime; false: both are 1 ms later after the "
            "kernel forgot it, once after each change."
        ),
    ] = True
    ctime_drift_ms: Annotated[
        int,
        Ge(0),
        Le(86_400_000),
        doc(
            "Virtual milliseconds after which the ctime of an untouched file moves on by as much, again and "
            "again; 0: it does not move."
        ),
    ] = 0
    attribute_cache_ms: Annotated[
        int,
        Ge(0),
        Le(86_400_000),
        doc(
            "A process that calls stat again within so many virtual milliseconds gets the same answer as "
            "before, unless it opened or changed the file itself meanwhile; 0: always the present state. "
            "Each process is a client with a cache of its own."
        ),
    ] = 0
    links_share_inode: Annotated[
        bool, doc("true: all hard links of a file have the same inode number; false: each has its own.")
    ] = True
    clock: Annotated[
        ClockSettings | None,
        doc("Clock of the time stamps, as on a file server. Absent: virtual time; kernel gate only."),
    ] = None
    copy_up: Annotated[
        bool,
        doc(
            "true: the transcript is in the lower layer of an overlay at first. The first open for "
            "writing, or the first change, copies it, and the copy has another birth time and ctime."
        ),
    ] = False


_FUSE: Final = {"birth_time": False, "inode_reuse": "never"}
#: The keys that a name stands for; those that are not there have their default.
FILESYSTEMS: Final[dict[str, dict[str, Any]]] = {
    "ext4": {},
    # Before Linux 6.13 with 250 ticks a second.
    "coarse-ext4": {"time_grain_ms": 4},
    # Made by `mkfs.ext4 -I 128`, as older versions did for small ones.
    "ext4-128": {"time_grain_ms": 1000, "birth_time": False},
    "xfs": {"inode_reuse": "never"},
    "btrfs": {"inode_reuse": "never"},
    "tmpfs": {"inode_reuse": "never"},
    # Numbers are made anew whenever a forgotten file is looked up.
    "vfat": {"time_grain_ms": 2000, "ctime_own": False, "inode_reuse": "never", "inode_stable": False},
    "overlay": {"inode_reuse": "never", "copy_up": True},
    # Its write-back cache has stamps of the kernel's, until the program is asked for the file's again.
    "fuse-overlayfs": {**_FUSE, "time_grain_ms": 4, "stamps_stable": False},
    "mergerfs": {**_FUSE, "inode_stable": False, "links_share_inode": False},
    # Three seconds are the least that a client keeps attributes of a file (nfs(5), acregmin).
    "nfs": {"birth_time": False, "attribute_cache_ms": 3000},
}
assert set(FILESYSTEMS) == set(get_args(FilesystemName))


def expanded(given: Any) -> Any:
    """Return the keys of a scenario's `filesystem` with those that a known name stands for."""
    if isinstance(given, str):
        given = {"like": given}
    name = given.get("like") if isinstance(given, dict) else None
    if isinstance(name, str) and name in FILESYSTEMS:
        return {**FILESYSTEMS[name], **given}
    return given


def moves_by_itself(settings: FilesystemSettings) -> str:
    """Return the key by which stat tells something else with time alone; empty if there is none."""
    if not settings.inode_stable:
        return "inode_stable"
    if settings.clock is not None and settings.clock.back_ms:
        return "clock.back_ms"
    if not settings.stamps_stable:
        return "stamps_stable"
    if settings.ctime_drift_ms:
        return "ctime_drift_ms"
    return "attribute_cache_ms" if settings.attribute_cache_ms else ""
