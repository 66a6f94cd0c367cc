"""Store fetched targets: each is placed as a whole or not at all.

A target is made in a folder of its own; when it is complete, one rename puts it in place. The folder of
a process that was killed in between is removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["place", "root", "staging_folder"]

_MAKING = "making"


def root() -> Path:
    """Return the folder of all targets of this user: below ``XDG_CACHE_HOME``, else ``~/.cache``."""
    output = os.environ.get("XDG_CACHE_HOME", "")
    # By the specification a relative path is to be ignored.
    base = Path(output) if os.path.isabs(output) else Path.home() / ".cache"
    return base / "takeover-harness" / "targets"


@contextlib.contextmanager
def staging_folder() -> Iterator[Path]:
    """Make a folder on the cache's file system and remove it at the end; remove those of dead processes."""
    making = root() / _MAKING
    making.mkdir(parents=True, exist_ok=True)
    _sweep(making)
    folder, lock = _claimed(making)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def place(made: Path, where: Path, is_whole: Callable[[], bool] | None = None) -> None:
    """Put a complete folder in its place.

    An existing folder stays, because another process may be reading it, unless it is damaged.

    Args:
        made: the folder, directly below a `staging_folder`.
        where: its place in the same cache.
        is_whole: tests whether an existing folder is usable; by default each is.
    """
    where.parent.mkdir(parents=True, exist_ok=True)
    for path in made.rglob("*"):
        _to_disk(path)
    with _alone(where.parent):
        if not (is_whole or where.is_dir)():
            if where.is_dir():
                where.rename(made.with_name("damaged"))
            made.rename(where)
    _to_disk(where.parent)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Exclude all other processes that place something there."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _claimed(making: Path) -> tuple[Path, int]:
    """Return a new folder and the lock on it, which shows that its maker is alive."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=making))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Between the two calls another process may have removed it as a dead one's folder.
        if folder.exists():
            return folder, lock
        os.close(lock)


def _sweep(making: Path) -> None:
    for folder in making.iterdir():
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
