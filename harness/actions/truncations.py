"""Rogues that cut the transcript short, and those that fill it up again."""

from __future__ import annotations

import os

from harness.actions import lines
from harness.actions.files import opened, read
from harness.actions.protocol import Action, Scene, coin, per_mille

__all__ = ["MEMBERS"]


def _truncate(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        content = read(fd)
        anywhere = scene.number("anywhere")
        kept = len(content) * scene.number("where") // 1000 if anywhere else lines.last_line_start(content)
        os.ftruncate(fd, kept)


def _regrow(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        content = read(fd)
        kept = lines.last_line_start(content)
        os.ftruncate(fd, kept)
        os.pwrite(fd, lines.change(content[kept:], 0), kept)


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
