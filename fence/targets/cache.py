"""Where fetched targets lie, and how they get there: whole or not at all.

What is made lies in a folder of its own until it is complete, then one rename puts it in
place. Whoever was killed in between leaves a folder that the next one sweeps away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["clear", "place", "root", "workshop"]

_MAKING = "making"


def root() -> Path:
    """The folder of all targets of this user: below ``XDG_CACHE_HOME``, else ``~/.cache``."""
    said = os.environ.get("XDG_CACHE_HOME", "")
    # By the specification a relative path there is to be ignored.
    base = Path(said) if os.path.isabs(said) else Path.home() / ".cache"
    return base / "takeover-harness" / "targets"


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A new folder on the cache's file system, gone at the end; those of the dead are swept away."""
    making = root() / _MAKING
    making.mkdir(parents=True, exist_ok=True)
    _sweep(making)
    folder, lock = _claimed(making)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def place(made: Path, where: Path) -> None:
    """Put a complete folder where it belongs; when another one stands there already, that one stays.

    Args:
        made: in a `workshop`.
        where: in the same cache.
    """
    where.parent.mkdir(parents=True, exist_ok=True)
    for path in made.rglob("*"):
        _to_disk(path)
    try:
        made.rename(where)
    except OSError:
        if not where.is_dir():
            raise
    _to_disk(where.parent)


def clear(where: Path, shop: Path) -> None:
    """Take away what is damaged.

    Args:
        where: may be missing.
        shop: the `workshop` with which it goes.
    """
    with contextlib.suppress(FileNotFoundError):
        where.rename(shop / "damaged")


def _claimed(making: Path) -> tuple[Path, int]:
    """A folder and the lock on it, which says that its maker is alive."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=making))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Between the two calls a sweeper may have taken it for one of the dead's.
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
