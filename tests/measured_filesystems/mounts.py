"""Mounts file systems for a while, on an image or on a tmpfs. Needs root."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.measured_filesystems.facts import LOWER_FILE, PAUSE_S, Mounted

__all__ = ["KERNEL", "MOUNTABLE", "SERVED", "MountFailedError", "can_mount", "mounted", "provider"]

_IMAGE_BYTES: Final = 400 << 20
#: A program's output without the folder, whose name is another one each time.
_FOLDER: Final = re.compile(r"\S*/filesystem-\S+: ")
KERNEL: Final = "kernel"


class MountFailedError(Exception):
    """A file system that cannot be mounted here, and why."""


@contextlib.contextmanager
def mounted(name: str) -> Iterator[Mounted]:
    """Mount a file system for a while.

    Raises:
        MountFailedError: it cannot be mounted here.
    """
    with tempfile.TemporaryDirectory(prefix="filesystem-") as folder:
        room = Path(folder)
        for place in _places(room):
            place.mkdir()
        try:
            yield _MOUNTS[name](room)
        finally:
            for place in _places(room):
                if os.path.ismount(place):
                    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def can_mount(name: str) -> bool:
    """Return whether a file system can be mounted here."""
    if os.geteuid():
        return False
    try:
        with mounted(name):
            return True
    except MountFailedError:
        return False


def provider(name: str) -> str:
    """Return what provides a file system: the kernel, or a program's version."""
    if name not in ("mergerfs", "fuse-overlayfs"):
        return KERNEL
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = re.findall(rf"{name}\D*(\d[\d.]*)", said)
    return numbers[0] if numbers else "version unknown"


def _places(room: Path) -> tuple[Path, Path]:
    """Return where a file system is mounted, and where the one below it."""
    return room / "mount", room / "below"


def _call(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MountFailedError(f"{command[0]} is not there") from error
    if done.returncode:
        said = (done.stderr.strip() or f"status {done.returncode}").splitlines()[0]
        raise MountFailedError(_FOLDER.sub("", said).rstrip("."))


def _mount_image(kind: str, place: Path, *make: str) -> None:
    image = place.parent / "image"
    image.touch()
    os.truncate(image, _IMAGE_BYTES)
    _call(*make, str(image))
    _call("mount", "-t", kind, "-o", "loop", str(image), str(place))


def _image(kind: str, *make: str) -> Callable[[Path], Mounted]:
    def mount(room: Path) -> Mounted:
        place, _ = _places(room)
        _mount_image(kind, place, *make)
        return Mounted(place)

    return mount


def _mount_tmpfs(place: Path) -> None:
    _call("mount", "-t", "tmpfs", "tmpfs", str(place))


def _tmpfs(room: Path) -> Mounted:
    place, _ = _places(room)
    _mount_tmpfs(place)
    return Mounted(place)


def _layered(*mount: str) -> Callable[[Path], Mounted]:
    """Return what mounts an overlay of folders in a tmpfs, with one file in the lower layer."""

    def layers(room: Path) -> Mounted:
        place, below = _places(room)
        _mount_tmpfs(below)
        for name in ("lower", "upper", "work"):
            (below / name).mkdir()
        (below / "lower" / LOWER_FILE).write_bytes(b"old")
        time.sleep(PAUSE_S)
        options = f"lowerdir={below}/lower,upperdir={below}/upper,workdir={below}/work"
        _call(*mount, "-o", options, *(("overlay",) if mount[0] == "mount" else ()), str(place))
        return Mounted(place)

    return layers


def _mergerfs(room: Path) -> Mounted:
    place, below = _places(room)
    _mount_tmpfs(below)
    for folder in (below / "1", below / "2"):
        folder.mkdir()
    _call("mergerfs", "-o", "minfreespace=0", f"{below}/1:{below}/2", str(place))
    return Mounted(place)


def _nfs(room: Path) -> Mounted:
    """Serve an ext4 by the kernel's server, and mount it as a client of the same machine."""
    place, below = _places(room)
    _mount_image("ext4", below, "mkfs.ext4", "-q", "-F")
    state = Path("/var/lib/nfs")
    state.mkdir(parents=True, exist_ok=True)
    for name in ("etab", "rmtab"):
        (state / name).touch()
    Path("/etc/exports").touch()
    _call("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
    _call("exportfs", "-o", "rw,no_root_squash,no_subtree_check,insecure,fsid=0", f"127.0.0.1:{below}")
    _call("rpc.nfsd", "--no-nfs-version", "3", "--grace-time", "10", "1")
    _call("rpc.mountd", "--no-nfs-version", "3")
    options = "vers=4.2,addr=127.0.0.1,clientaddr=127.0.0.1"
    # Without mount.nfs, which is a package of its own and does no more than find these addresses.
    _call("mount", "-i", "-t", "nfs4", "-o", options, "127.0.0.1:/", str(place))
    return Mounted(place, below)


_MOUNTS: Final[dict[str, Callable[[Path], Mounted]]] = {
    "ext4": _image("ext4", "mkfs.ext4", "-q", "-F"),
    "ext4-128": _image("ext4", "mkfs.ext4", "-q", "-F", "-I", "128"),
    "xfs": _image("xfs", "mkfs.xfs", "-q", "-f"),
    "btrfs": _image("btrfs", "mkfs.btrfs", "-q", "-f"),
    "vfat": _image("vfat", "mkfs.vfat"),
    "tmpfs": _tmpfs,
    "overlay": _layered("mount", "-t", "overlay"),
    "fuse-overlayfs": _layered("fuse-overlayfs"),
    "mergerfs": _mergerfs,
    "nfs": _nfs,
}
#: Needs a server, which is started in a virtual machine alone.
SERVED: Final = ("nfs",)
#: File systems that can be tried on any machine.
MOUNTABLE: Final = tuple(name for name in _MOUNTS if name not in SERVED)
