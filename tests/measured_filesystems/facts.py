"""Facts that are measured of a mounted file system, by changing files in it."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from fence.statx import statx

__all__ = ["FACTS", "LOWER_FILE", "NONE", "PAUSE_S", "Answer", "Mounted", "measure"]

Answer = bool | int | str

#: By name: the measured fact, as a question.
FACTS: Final = {
    "own_stamp": "One descriptor writes 200 times, a stat after each: has each write a stamp of its own?",
    "whole_ms": "Of how many milliseconds are stamps multiples: 1000, 2000, or 0 for less?",
    "birth_time": "Does statx report a birth time?",
    "reuse": "Has a new file the number of one that was just removed?",
    "links_share": "Have two hard links of a file the same number?",
    "same_size_seen": "Does each of five rewrites of equal size, 30 ms apart, move mtime or ctime?",
    "ctime_own": "Does a change of the mode, seconds later, move ctime alone?",
    "number_kept": "Has each of ten files the same number after the kernel forgot it?",
    "stamps_kept": "Has each of them the same mtime and ctime then?",
    "opening_changes": "What does opening for writing change, where the file is in the layer below?",
    "others_unseen_s": "For how many seconds does stat not tell what another machine has changed?",
}
#: The answer where a file system has nothing of the kind.
NONE: Final = "has none"
#: The name of the file that the lower layer of an overlay has.
LOWER_FILE: Final = "old"
#: Longer than a tick of any kernel's clock.
PAUSE_S: Final = 0.03
#: Longer than the stamps of any file system are apart.
_LONG_S: Final = 2.5
_REWRITES: Final = 5
_KEPT: Final = 10
_LIMIT_S: Final = 60.0
_WRITES: Final = 200
_SPREAD: Final = 4


class Mounted(NamedTuple):
    """Where a file system is mounted.

    Args:
        place: the root of it.
        served: the folder that a server shows there, None if there is no server.
    """

    place: Path
    served: Path | None = None


def measure(mounted: Mounted, *, forgetting: bool) -> dict[str, Answer]:
    """Return what stat tells in a folder, by fact.

    Args:
        mounted: where a file system is mounted.
        forgetting: let the kernel forget files, which makes the whole machine slower for a moment.
    """
    folder = mounted.place / "measured"
    folder.mkdir()
    kept = [folder / f"kept{at}" for at in range(_KEPT)]
    for path in kept:
        _append(path, b"x")
    found: dict[str, Answer] = {
        "whole_ms": _whole_ms(folder),
        "birth_time": statx(str(kept[0])).birth_ns is not None,
        "reuse": _reuse(folder),
        "links_share": _links_share(folder),
        "same_size_seen": _same_size_seen(folder),
        "ctime_own": _ctime_own(folder),
    }
    if forgetting:
        numbers, stamps = [os.stat(path).st_ino for path in kept], [_stamps(path) for path in kept]
        _forget()
        found["number_kept"] = [os.stat(path).st_ino for path in kept] == numbers
        found["stamps_kept"] = [_stamps(path) for path in kept] == stamps
    if (mounted.place / LOWER_FILE).exists():
        found["opening_changes"] = _opening_changes(mounted.place / LOWER_FILE)
    if mounted.served is None:
        found["own_stamp"] = _own_stamp(folder)
    else:
        found["others_unseen_s"] = _others_unseen_s(folder, mounted.served / folder.name)
    return found


def _append(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def _stamps(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_ctime_ns


def _forget() -> None:
    """Let the kernel forget every file that no process has open, with its bytes, which keep it in mind."""
    ctypes.CDLL(None).sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def _own_stamp(folder: Path) -> bool:
    path, stamps = folder / "stamps", set[int]()
    # By a descriptor that stays open: for fuse-overlayfs an open is a look.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(_WRITES):
            os.write(fd, b"x")
            stamps.add(_stamps(path)[0])
    finally:
        os.close(fd)
    return len(stamps) == _WRITES


def _whole_ms(folder: Path) -> int:
    path = folder / "grain"
    for at in range(_SPREAD):
        _append(path, b"x")
        stamp = _stamps(path)[0]
        if stamp % 1_000_000_000:
            return 0
        if stamp % 2_000_000_000:
            return 1000
        time.sleep(_LONG_S / _SPREAD * (at + 1 < _SPREAD))
    return 2000


def _reuse(folder: Path) -> bool:
    path = folder / "removed"
    _append(path, b"x")
    number = os.stat(path).st_ino
    path.unlink()
    _append(folder / "new", b"x")
    return os.stat(folder / "new").st_ino == number


def _links_share(folder: Path) -> bool | str:
    path, link = folder / "linked", folder / "link"
    _append(path, b"x")
    try:
        os.link(path, link)
    except PermissionError:
        return NONE
    return os.stat(path).st_ino == os.stat(link).st_ino


def _same_size_seen(folder: Path) -> bool:
    path = folder / "rewritten"
    _append(path, b"0")
    for at in range(_REWRITES):
        time.sleep(PAUSE_S)
        before = _stamps(path)
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"%d" % (at + 1))
        os.close(fd)
        if _stamps(path) == before:
            return False
    return True


def _ctime_own(folder: Path) -> bool:
    path = folder / "mode"
    _append(path, b"x")
    before = _stamps(path)
    time.sleep(_LONG_S)
    os.chmod(path, 0o400)
    after = _stamps(path)
    return after[0] == before[0] and after[1] != before[1]


def _opening_changes(path: Path) -> str:
    def look() -> dict[str, object]:
        status = os.stat(path)
        return {
            "number": (status.st_dev, status.st_ino),
            "birth": statx(str(path)).birth_ns,
            "mtime": status.st_mtime_ns,
            "ctime": status.st_ctime_ns,
        }

    before = look()
    time.sleep(PAUSE_S)
    os.close(os.open(path, os.O_WRONLY))
    after = look()
    return ", ".join(name for name in before if before[name] != after[name]) or "nothing"


def _others_unseen_s(folder: Path, served: Path) -> int:
    path = folder / "shared"
    _append(path, b"x")
    before = os.stat(path).st_size
    since = time.monotonic()
    _append(served / path.name, b"x")
    while os.stat(path).st_size == before and time.monotonic() < since + _LIMIT_S:
        time.sleep(PAUSE_S)
    return round(time.monotonic() - since)
