"""What `stat` tells on a file system: the keys of a scenario's `filesystem`, and named ones.

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
        doc("A file system whose keys hold, unless given here; `filesystem: NAME` is short for it alone."),
    ] = None
    time_grain_ms: Annotated[
        int, Ge(0), Le(60_000), doc("Time stamps are cut to multiples of this; 0: each change has its own.")
    ] = 0
    birth_time: Annotated[bool, doc("Whether statx reports a birth time.")] = True
    inode_reuse: Annotated[
        Literal["always", "never", "real"],
        doc("Whether a new file gets a freed inode number; real: as the underlying file system does."),
    ] = "always"
    inode_stable: Annotated[
        bool,
        doc("Whether a file keeps its inode number; false: it has another one after the kernel forgot it."),
    ] = True
    inode_forget_ms: Annotated[
        int,
        Ge(0),
        Le(86_400_000),
        doc(
            "Virtual milliseconds after its last use until a file that no process has open or watches is "
            "forgotten."
        ),
    ] = 10
    ctime_drift_ms: Annotated[
        int,
        Ge(0),
        Le(86_400_000),
        doc(
            "Virtual milliseconds after which a file that nobody touched has a later ctime, again and again; "
            "0: never."
        ),
    ] = 0
    attribute_cache_ms: Annotated[
        int,
        Ge(0),
        Le(86_400_000),
        doc(
            "Virtual milliseconds for which stat tells a process what it told it before, unless the process "
            "itself opened or changed the file; 0: always the truth."
        ),
    ] = 0
    links_share_inode: Annotated[bool, doc("Whether hard links of one file have the same number.")] = True
    clock: Annotated[
        ClockSettings | None,
        doc("Clock that time stamps come from, as of a file server. Absent: virtual time; kernel gate only."),
    ] = None
    copy_up: Annotated[
        bool,
        doc(
            "Whether the transcript is in a lower layer: the first open for writing, or change, gives it "
            "another birth time and ctime."
        ),
    ] = False


_FUSE: Final = {"birth_time": False, "inode_reuse": "never"}
#: The keys that a name stands for; those that are not there have their default.
FILESYSTEMS: Final[dict[str, dict[str, Any]]] = {
    "ext4": {},
    # Before Linux 6.13 with 250 ticks a second.
    "coarse-ext4": {"time_grain_ms": 4},
    "xfs": {"inode_reuse": "never"},
    "btrfs": {"inode_reuse": "never"},
    "tmpfs": {"inode_reuse": "never"},
    # Not measured: stamps of two seconds, and numbers that are made anew whenever a file is looked up.
    "vfat": {"time_grain_ms": 2000, "birth_time": False, "inode_reuse": "never", "inode_stable": False},
    "overlay": {"inode_reuse": "never", "copy_up": True},
    "fuse-overlayfs": {**_FUSE, "time_grain_ms": 4},
    "mergerfs": {**_FUSE, "inode_stable": False, "links_share_inode": False},
    # Not measured: three seconds are the least that a client keeps attributes of a file (nfs(5), acregmin).
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
    if settings.ctime_drift_ms:
        return "ctime_drift_ms"
    return "attribute_cache_ms" if settings.attribute_cache_ms else ""
