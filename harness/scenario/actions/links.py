"""Define actions that reach the transcript by another name: hard links and a symbolic link."""

from __future__ import annotations

import os

from harness.scenario.actions.action import Action, Scene, per_mille
from harness.scenario.actions.appends import append
from harness.scenario.actions.file_calls import make, read_path

__all__ = ["MEMBERS"]


def _hardlink_touch(scene: Scene) -> None:
    os.link(scene.path, scene.aside())
    os.unlink(scene.aside())


def _hardlink_write(scene: Scene) -> None:
    os.link(scene.path, scene.aside())
    append(scene.aside(), scene.line("user"))
    os.unlink(scene.aside())


def _symlink_swap(scene: Scene) -> None:
    copy = scene.spare("copy")
    make(copy, scene.changed(read_path(scene.path)))
    os.rename(scene.path, scene.aside())
    os.symlink(os.path.basename(copy), scene.path)


MEMBERS = (
    Action("hardlink-touch", "makes a hard link and removes it", "none", _hardlink_touch),
    Action("hardlink-write", "appends a line through a hard link", "changes", _hardlink_write),
    Action(
        "symlink-swap",
        "moves it aside and puts a symlink to a changed copy in its place",
        "changes",
        _symlink_swap,
        {"where": per_mille},
        ("copy", "aside"),
    ),
)
