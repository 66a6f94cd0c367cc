"""Define actions that overwrite bytes of the same file and keep its length, or let it grow."""

from __future__ import annotations

import os

from harness.scenario.actions import rogue_lines
from harness.scenario.actions.action import Action, Scene, per_mille
from harness.scenario.actions.file_calls import make, opened, read, read_path

__all__ = ["MEMBERS"]

_WHERE = {"where": per_mille}


def _change(scene: Scene, fd: int) -> int:
    """Change bytes in place; return the previous length of the file, or 0 when nothing was changed."""
    content = read(fd)
    place = rogue_lines.span(content, scene.number("where"))
    if place is None:
        return 0
    os.pwrite(fd, place[1], place[0])
    return len(content)


def _same_size(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        _change(scene, fd)


def _same_size_mtime_restored(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        before = os.fstat(fd)
        _change(scene, fd)
        os.utime(fd, ns=(before.st_atime_ns, before.st_mtime_ns))


def _change_earlier_and_append(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        size = _change(scene, fd)
        os.pwrite(fd, scene.line("user"), size)


def _identical_rewrite(scene: Scene) -> None:
    make(scene.path, read_path(scene.path))


def _identical_overwrite(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        os.pwrite(fd, read(fd), 0)


MEMBERS = (
    Action("same-size-rewrite", "changes bytes of a line in place", "changes", _same_size, _WHERE),
    Action(
        "same-size-rewrite-mtime-restored",
        "changes bytes of a line in place and puts mtime back",
        "changes",
        _same_size_mtime_restored,
        _WHERE,
    ),
    Action(
        "change-earlier-and-append",
        "changes bytes of a line in place, then adds a line at the end",
        "changes",
        _change_earlier_and_append,
        _WHERE,
    ),
    Action("identical-rewrite", "truncates and writes the same bytes again", "none", _identical_rewrite),
    Action("identical-overwrite", "writes the same bytes over themselves", "none", _identical_overwrite),
)
