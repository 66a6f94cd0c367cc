"""Define actions that truncate the transcript, and actions that then restore its length."""

from __future__ import annotations

import os

from harness.scenario.actions import rogue_lines
from harness.scenario.actions.action import Action, Scene, coin, per_mille
from harness.scenario.actions.file_calls import opened, read

__all__ = ["MEMBERS"]


def _truncate(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        content = read(fd)
        anywhere = scene.number("anywhere")
        kept = (
            len(content) * scene.number("where") // 1000 if anywhere else rogue_lines.last_line_start(content)
        )
        os.ftruncate(fd, kept)


def _regrow(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        content = read(fd)
        kept = rogue_lines.last_line_start(content)
        os.ftruncate(fd, kept)
        os.pwrite(fd, rogue_lines.change(content[kept:], 0), kept)


def _restore(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        content = read(fd)
        kept = len(content) * scene.number("where") // 1000
        os.ftruncate(fd, kept)
        os.pwrite(fd, content[kept:], kept)


MEMBERS = (
    Action(
        "truncate",
        "drops the last line, or cuts the file anywhere",
        "changes",
        _truncate,
        {"anywhere": coin, "where": per_mille},
    ),
    Action("truncate-regrow", "drops the last line and writes another of its size", "changes", _regrow),
    Action(
        "truncate-restore",
        "cuts the file and writes the same bytes back",
        "none",
        _restore,
        {"where": per_mille},
    ),
)
