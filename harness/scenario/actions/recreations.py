"""Define actions that unlink the transcript, and actions that then make a new file under its name.

On ext4 the next new file gets the inode number of an unlinked file; on tmpfs and btrfs no file gets
it again.
"""

from __future__ import annotations

import os

from harness.scenario.actions.action import Action, Scene, per_mille
from harness.scenario.actions.file_calls import make, opened, read, read_path

__all__ = ["MEMBERS"]

_ATTEMPTS_MAX = 8


def _delete(scene: Scene) -> None:
    os.unlink(scene.path)


def _same_bytes(scene: Scene) -> None:
    content = read_path(scene.path)
    os.unlink(scene.path)
    make(scene.path, content)


def _other_bytes(scene: Scene) -> None:
    content = read_path(scene.path)
    os.unlink(scene.path)
    make(scene.path, scene.changed(content))


def _other_bytes_same_inode(scene: Scene) -> None:
    with opened(scene.path, os.O_RDONLY) as fd:
        inode = os.fstat(fd).st_ino
        content = scene.changed(read(fd))
    os.unlink(scene.path)
    # A spare file with another number stays until the end, so that the number is not assigned again.
    spares: list[str] = []
    found = False
    while not found:
        spares.append(scene.spare(f"spare{len(spares)}"))
        with opened(spares[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL) as fd:
            found = os.fstat(fd).st_ino == inode or len(spares) == _ATTEMPTS_MAX
            if found:
                os.write(fd, content)
    os.rename(spares.pop(), scene.path)
    for spare in spares:
        os.unlink(spare)


MEMBERS = (
    Action("delete", "unlinks the transcript", "changes", _delete),
    Action(
        "recreate-same-bytes", "unlinks it and makes it again with the same bytes", "other_file", _same_bytes
    ),
    Action(
        "recreate-other-bytes",
        "unlinks it and makes it again with other bytes of the same size",
        "changes",
        _other_bytes,
        {"where": per_mille},
    ),
    Action(
        "recreate-other-bytes-same-inode",
        f"the same, in up to {_ATTEMPTS_MAX} attempts to get the old inode number",
        "changes",
        _other_bytes_same_inode,
        {"where": per_mille},
    ),
)
