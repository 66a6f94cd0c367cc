"""Define actions that put another file over the transcript, as ``sed -i`` and most editors do."""

from __future__ import annotations

import os

from harness.scenario.actions.action import Action, Scene, coin, per_mille
from harness.scenario.actions.file_calls import make, opened, read, read_path

__all__ = ["MEMBERS"]

_OTHER = {"where": per_mille, "grow": coin}


def _other(scene: Scene, content: bytes) -> bytes:
    return scene.changed(content) + (scene.line("user") if scene.number("grow") else b"")


def _same_bytes(scene: Scene) -> None:
    make(scene.spare(), read_path(scene.path))
    os.rename(scene.spare(), scene.path)


def _other_bytes(scene: Scene) -> None:
    make(scene.spare(), _other(scene, read_path(scene.path)))
    os.rename(scene.spare(), scene.path)


def _other_bytes_mtime_copied(scene: Scene) -> None:
    with opened(scene.path, os.O_RDONLY) as fd:
        before = os.fstat(fd)
        content = read(fd)
    make(scene.spare(), _other(scene, content))
    os.utime(scene.spare(), ns=(before.st_atime_ns, before.st_mtime_ns))
    os.rename(scene.spare(), scene.path)


MEMBERS = (
    Action("replace-same-bytes", "renames a copy over it", "other_file", _same_bytes),
    Action("replace-other-bytes", "renames a changed copy over it", "changes", _other_bytes, _OTHER),
    Action(
        "replace-other-bytes-mtime-copied",
        "renames a changed copy with the old mtime over it",
        "changes",
        _other_bytes_mtime_copied,
        _OTHER,
    ),
)
