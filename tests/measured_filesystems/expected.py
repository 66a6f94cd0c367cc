"""Expectations of each file system before it was measured, and the answers of a scenario's name for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.scenario.filesystems import FILESYSTEMS, FilesystemSettings
from tests.measured_filesystems.facts import NONE, PAUSE_S, Answer

__all__ = ["GUESSES", "differences", "guess", "told"]

_USUAL: Final[dict[str, Answer]] = {
    "own_stamp": True,
    "whole_ms": 0,
    "birth_time": True,
    "reuse": False,
    "links_share": True,
    "same_size_seen": True,
    "ctime_own": True,
    "number_kept": True,
    "stamps_kept": True,
}
_FUSE: Final[dict[str, Answer]] = {**_USUAL, "birth_time": False}
#: Expectations of a recent kernel, written down before the first measurement.
GUESSES: Final[dict[str, dict[str, Answer]]] = {
    "ext4": {**_USUAL, "reuse": True},
    "ext4-128": {
        **_USUAL,
        "own_stamp": False,
        "whole_ms": 1000,
        "birth_time": False,
        "reuse": True,
        "same_size_seen": False,
        "ctime_own": False,
    },
    "xfs": _USUAL,
    "btrfs": _USUAL,
    "tmpfs": _USUAL,
    "vfat": {
        **_USUAL,
        "own_stamp": False,
        "whole_ms": 2000,
        "birth_time": False,
        "links_share": False,
        "same_size_seen": False,
        "ctime_own": False,
        "number_kept": False,
    },
    "overlay": {**_USUAL, "opening_changes": "birth"},
    "fuse-overlayfs": {**_FUSE, "same_size_seen": False, "opening_changes": "nothing"},
    "mergerfs": {**_FUSE, "links_share": False, "number_kept": False},
    "nfs": {**_USUAL, "birth_time": False, "reuse": True, "others_unseen_s": 3},
}


def guess(name: str, *, ticking: bool) -> dict[str, Answer]:
    """Return what was expected, by fact.

    Args:
        name: of a file system.
        ticking: of a kernel before Linux 6.13, whose stamps are those of the last tick of its clock.
    """
    return {**GUESSES[name], "own_stamp": False} if ticking else GUESSES[name]


def told(name: str, *, ticking: bool) -> dict[str, Answer]:
    """Return what ``filesystem: NAME`` tells, by fact, as far as it says something about the fact.

    Args:
        name: of a scenario's file system.
        ticking: compared with such a kernel. A name has no stamp of its own then, at any
            `time_grain_ms`: the key is for the scenario to set.
    """
    keys = FilesystemSettings(**{"like": name, **FILESYSTEMS[name]})
    found: dict[str, Answer] = {
        "own_stamp": keys.time_grain_ms == 0 and not ticking,
        "whole_ms": keys.time_grain_ms // 1000 * 1000,
        "birth_time": keys.birth_time,
        "reuse": keys.inode_reuse == "always",
        "links_share": keys.links_share_inode,
        "same_size_seen": keys.time_grain_ms < PAUSE_S * 1000,
        "ctime_own": keys.ctime_own,
        "number_kept": keys.inode_stable,
        "stamps_kept": keys.ctime_drift_ms == 0 and keys.stamps_stable,
    }
    if keys.copy_up:
        found["opening_changes"] = "birth, ctime"
    if keys.attribute_cache_ms:
        found["others_unseen_s"] = keys.attribute_cache_ms // 1000
    return found


def differences(name: str, found: Mapping[str, Answer], *, ticking: bool) -> dict[str, tuple[Answer, Answer]]:
    """Return by fact what a name tells and what was found, where they differ.

    Args:
        name: of a scenario's file system.
        found: what was measured of the real one.
        ticking: measured on such a kernel.
    """
    return {
        fact: (answer, found[fact])
        for fact, answer in told(name, ticking=ticking).items()
        if fact in found and found[fact] not in (answer, NONE)
    }
