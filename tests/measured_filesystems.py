"""What `stat` tells on real file systems: ``python -m tests.measured_filesystems``.

Mounts each file system on an image or on a tmpfs, changes files in it, and writes a table to
``results/filesystems.md``. Needs root; a file system that cannot be mounted here is not measured. The table
marks what was guessed otherwise before the first measurement.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from fence.statx import statx
from harness.scenario.filesystems import FILESYSTEMS, FilesystemSettings

__all__ = [
    "FACTS",
    "GUESSES",
    "MOUNTABLE",
    "NOT_MOUNTED",
    "MountFailedError",
    "can_mount",
    "measure",
    "mounted",
    "table",
    "told",
]

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "results" / "filesystems.md"
_IMAGE_BYTES = 400 << 20
_TICK_S = 0.03

#: By name: what is measured, as a question.
FACTS: Final = {
    "own_stamp": "Has each change a stamp of its own, once somebody looked at the one before?",
    "birth_time": "Does statx report a birth time?",
    "reuse": "Has a new file the number of one that was just removed?",
    "links_share": "Have two hard links of a file the same number?",
    "same_size_seen": "Does a rewrite of equal size move mtime or ctime?",
    "ctime_own": "Does chmod move ctime alone?",
    "number_kept": "Has a file the same number after the kernel forgot it?",
    "stamps_kept": "Has it the same stamps then?",
    "opening_changes": "What does opening for writing change, where the file is in the layer below?",
}
Answer = bool | int | str

#: What was expected, written down before the first measurement.
GUESSES: Final[dict[str, dict[str, Answer]]] = {
    "ext4": {
        "own_stamp": True,
        "birth_time": True,
        "reuse": True,
        "links_share": True,
        "same_size_seen": True,
        "ctime_own": True,
        "number_kept": True,
        "stamps_kept": True,
    },
    "xfs": {
        "own_stamp": True,
        "birth_time": True,
        "reuse": False,
        "links_share": True,
        "same_size_seen": True,
        "ctime_own": True,
        "number_kept": True,
        "stamps_kept": True,
    },
    "btrfs": {
        "own_stamp": True,
        "birth_time": True,
        "reuse": False,
        "links_share": True,
        "same_size_seen": True,
        "ctime_own": True,
        "number_kept": True,
        "stamps_kept": True,
    },
    "tmpfs": {
        "own_stamp": True,
        "birth_time": True,
        "reuse": False,
        "links_share": True,
        "same_size_seen": True,
        "ctime_own": True,
        "number_kept": True,
        "stamps_kept": True,
    },
    "vfat": {
        "own_stamp": False,
        "birth_time": False,
        "reuse": False,
        "links_share": False,
        "same_size_seen": False,
        "ctime_own": False,
        "number_kept": False,
        "stamps_kept": True,
    },
    "overlay": {
        "own_stamp": True,
        "birth_time": True,
        "reuse": False,
        "links_share": True,
        "same_size_seen": True,
        "ctime_own": True,
        "number_kept": True,
        "stamps_kept": True,
        "opening_changes": "birth",
    },
    "fuse-overlayfs": {
        "own_stamp": True,
        "birth_time": False,
        "reuse": False,
        "links_share": True,
        "same_size_seen": False,
        "ctime_own": True,
        "number_kept": True,
        "stamps_kept": True,
        "opening_changes": "nothing",
    },
    "mergerfs": {
        "own_stamp": True,
        "birth_time": False,
        "reuse": False,
        "links_share": False,
        "same_size_seen": True,
        "ctime_own": True,
        "number_kept": False,
        "stamps_kept": True,
    },
}
#: Needs a server.
NOT_MOUNTED: Final = ("nfs",)


class MountFailedError(Exception):
    """A file system that cannot be mounted here, and why."""


def _call(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MountFailedError(f"{command[0]} is not there") from error
    if done.returncode:
        said = (done.stderr.strip() or f"status {done.returncode}").splitlines()[0]
        # Without the folder, whose name is another one each time.
        raise MountFailedError(re.sub(r"\S*/filesystem-\S+: ", "", said).rstrip("."))


def _image(kind: str, *make: str) -> Callable[[Path], Path]:
    def mount(room: Path) -> Path:
        image, place = room / "image", room / "mount"
        place.mkdir()
        image.touch()
        os.truncate(image, _IMAGE_BYTES)
        _call(*make, str(image))
        _call("mount", "-t", kind, "-o", "loop", str(image), str(place))
        return place

    return mount


def _tmpfs(room: Path) -> Path:
    place = room / "mount"
    place.mkdir()
    _call("mount", "-t", "tmpfs", "tmpfs", str(place))
    return place


def _layers(room: Path) -> tuple[Path, str]:
    """Return a tmpfs with the folders of an overlay, one file in the lower one, and the mount's options."""
    below = room / "below"
    below.mkdir()
    _call("mount", "-t", "tmpfs", "tmpfs", str(below))
    for name in ("lower", "upper", "work"):
        (below / name).mkdir()
    (below / "lower" / "old").write_bytes(b"old")
    time.sleep(_TICK_S)
    place = room / "mount"
    place.mkdir()
    return place, f"lowerdir={below}/lower,upperdir={below}/upper,workdir={below}/work"


def _overlay(room: Path) -> Path:
    place, options = _layers(room)
    _call("mount", "-t", "overlay", "-o", options, "overlay", str(place))
    return place


def _fuse_overlay(room: Path) -> Path:
    place, options = _layers(room)
    _call("fuse-overlayfs", "-o", options, str(place))
    return place


def _mergerfs(room: Path) -> Path:
    below, place = room / "below", room / "mount"
    below.mkdir()
    _call("mount", "-t", "tmpfs", "tmpfs", str(below))
    for folder in (below / "1", below / "2", place):
        folder.mkdir()
    _call("mergerfs", f"{below}/1:{below}/2", str(place))
    return place


_MOUNTS: Final[dict[str, Callable[[Path], Path]]] = {
    "ext4": _image("ext4", "mkfs.ext4", "-q", "-F"),
    "xfs": _image("xfs", "mkfs.xfs", "-q", "-f"),
    "btrfs": _image("btrfs", "mkfs.btrfs", "-q", "-f"),
    "vfat": _image("vfat", "mkfs.vfat"),
    "tmpfs": _tmpfs,
    "overlay": _overlay,
    "fuse-overlayfs": _fuse_overlay,
    "mergerfs": _mergerfs,
}


@contextlib.contextmanager
def mounted(name: str) -> Iterator[Path]:
    """Mount a file system for a while.

    Raises:
        MountFailedError: it cannot be mounted here.
    """
    with tempfile.TemporaryDirectory(prefix="filesystem-") as folder:
        room = Path(folder)
        try:
            yield _MOUNTS[name](room)
        finally:
            for place in (room / "mount", room / "below"):
                if os.path.ismount(place):
                    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


MOUNTABLE: Final = tuple(_MOUNTS)


def can_mount(name: str) -> bool:
    """Return whether a file system can be mounted here."""
    if os.geteuid():
        return False
    try:
        with mounted(name):
            return True
    except MountFailedError:
        return False


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
    """Let the kernel forget every file that no process has open."""
    ctypes.CDLL(None).sync()
    Path("/proc/sys/vm/drop_caches").write_text("2\n")


def _own_stamp(folder: Path) -> bool:
    path, seen = folder / "stamps", set()
    for _ in range(20):
        _append(path, b"x")
        seen.add(_stamps(path)[0])
    return len(seen) == 20


def _reuse(folder: Path) -> bool:
    path = folder / "removed"
    _append(path, b"x")
    number = os.stat(path).st_ino
    path.unlink()
    _append(folder / "new", b"x")
    return os.stat(folder / "new").st_ino == number


def _links_share(folder: Path) -> bool:
    path, link = folder / "linked", folder / "link"
    _append(path, b"x")
    try:
        os.link(path, link)
    except OSError:
        return False
    return os.stat(path).st_ino == os.stat(link).st_ino


def _same_size_seen(folder: Path) -> bool:
    path = folder / "rewritten"
    _append(path, b"before")
    time.sleep(_TICK_S)
    before = _stamps(path)
    time.sleep(_TICK_S)
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b"after!")
    os.close(fd)
    return _stamps(path) != before


def _ctime_own(folder: Path) -> bool:
    path = folder / "mode"
    _append(path, b"x")
    time.sleep(_TICK_S)
    before = _stamps(path)
    os.chmod(path, 0o640)
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
    time.sleep(_TICK_S)
    os.close(os.open(path, os.O_WRONLY))
    after = look()
    return ", ".join(name for name in before if before[name] != after[name]) or "nothing"


def measure(place: Path, *, forgetting: bool) -> dict[str, Answer]:
    """Return what stat tells in a folder, by fact.

    Args:
        place: where a file system is mounted.
        forgetting: let the kernel forget files, which makes the whole machine slower for a moment.
    """
    folder = place / "measured"
    folder.mkdir()
    path = folder / "kept"
    _append(path, b"x")
    found: dict[str, Answer] = {
        "own_stamp": _own_stamp(folder),
        "birth_time": statx(str(path)).birth_ns is not None,
        "reuse": _reuse(folder),
        "links_share": _links_share(folder),
        "same_size_seen": _same_size_seen(folder),
        "ctime_own": _ctime_own(folder),
    }
    if forgetting:
        before, stamps = os.stat(path).st_ino, _stamps(path)
        _forget()
        found["number_kept"] = os.stat(path).st_ino == before
        found["stamps_kept"] = _stamps(path) == stamps
    if (place / "old").exists():
        found["opening_changes"] = _opening_changes(place / "old")
    return found


def told(name: str) -> dict[str, Answer]:
    """Return what ``filesystem: NAME`` tells, by fact, as far as it says something about the fact."""
    keys = dataclasses.asdict(FilesystemSettings(**{"like": name, **FILESYSTEMS[name]}))
    found: dict[str, Answer] = {
        "own_stamp": keys["time_grain_ms"] == 0,
        "birth_time": keys["birth_time"],
        "reuse": keys["inode_reuse"] == "always",
        "links_share": keys["links_share_inode"],
        "number_kept": keys["inode_stable"],
        "stamps_kept": keys["ctime_drift_ms"] == 0,
    }
    if keys["copy_up"]:
        found["opening_changes"] = "birth, ctime"
    return found


def table(measured: Mapping[str, Mapping[str, Answer] | str]) -> str:
    """Return the document.

    Args:
        measured: facts by file system, or why there are none.
    """
    lines = [
        "# What stat tells on real file systems",
        "",
        "Made by `python -m tests.measured_filesystems`; do not edit. `!` marks what was guessed otherwise",
        "before it was measured for the first time, with the guess in brackets. `filesystem: NAME` of a",
        "scenario tells the same, as far as it has a key ([scenario.md](../docs/reference/scenario.md)).",
        "",
        f"| Linux {platform.release().partition('-')[0]} | " + " | ".join(FACTS) + " |",
        "|---" * (len(FACTS) + 1) + "|",
    ]
    for name, facts in measured.items():
        if isinstance(facts, str):
            lines.append(f"| {name} | not measured: {facts} |" + " |" * (len(FACTS) - 1))
            continue
        cells = [_cell(facts.get(fact), GUESSES[name].get(fact)) for fact in FACTS]
        lines.append(f"| {name} ({_version(name)}) | " + " | ".join(cells) + " |")
    empty = " |" * (len(FACTS) - 1)
    lines += [f"| {name} | not measured: it needs a server |{empty}" for name in NOT_MOUNTED]
    lines += ["", *(f"- `{fact}`: {question}" for fact, question in FACTS.items()), ""]
    return "\n".join(lines)


def _cell(found: Answer | None, guess: Answer | None) -> str:
    if found is None:
        return ""
    shown, guessed = (
        {True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one) for one in (found, guess)
    )
    return shown if found == guess and type(found) is type(guess) else f"{shown} ! ({guessed})"


def _version(name: str) -> str:
    """Return the version of the program that provides a file system."""
    if name not in ("mergerfs", "fuse-overlayfs"):
        return "kernel"
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = re.findall(rf"{name}\D*(\d[\d.]*)", said)
    return numbers[0] if numbers else "version unknown"


def main() -> int:
    """Measure what can be mounted, and write the table."""
    argparse.ArgumentParser(prog="measured-filesystems", description=__doc__).parse_args()
    measured: dict[str, dict[str, Answer] | str] = {}
    for name in _MOUNTS:
        try:
            with mounted(name) as place:
                measured[name] = measure(place, forgetting=True)
        except MountFailedError as error:
            measured[name] = str(error)
    TABLE.write_text(table(measured))
    print(TABLE.read_text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
