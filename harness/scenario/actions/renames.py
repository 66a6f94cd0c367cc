"""Define actions that rename the transcript: away and back, over and back, exchanged.

Most of them restore the file that they began with: only a look in between, or ctime, shows the change.
"""

from __future__ import annotations

import os

from harness.scenario.actions import rogue_lines
from harness.scenario.actions.action import Action, Scene, per_mille
from harness.scenario.actions.file_calls import make, opened, read, read_path
from harness.scenario.actions.libc import exchange

__all__ = ["MEMBERS"]


def _over(scene: Scene) -> None:
    """Keep the original under another name and rename a new file over it."""
    os.link(scene.path, scene.aside())
    make(scene.spare(), scene.line("user"))
    os.rename(scene.spare(), scene.path)


def _over_twice(scene: Scene) -> None:
    _over(scene)
    os.rename(scene.aside(), scene.path)


def _over_twice_changed(scene: Scene) -> None:
    _over(scene)
    with opened(scene.aside(), os.O_RDWR) as fd:
        place = rogue_lines.span(read(fd), scene.number("where"))
        if place is not None:
            os.pwrite(fd, place[1], place[0])
    os.rename(scene.aside(), scene.path)


def _away_and_back(scene: Scene) -> None:
    os.rename(scene.path, scene.aside())
    os.rename(scene.aside(), scene.path)


def _away_decoy_back(scene: Scene) -> None:
    os.rename(scene.path, scene.aside())
    make(scene.path, scene.line("user"))
    os.rename(scene.aside(), scene.path)


def _rotate(scene: Scene) -> None:
    os.rename(scene.path, scene.aside())
    make(scene.path, b"")


def _exchange(scene: Scene) -> None:
    make(scene.spare(), scene.changed(read_path(scene.path)))
    exchange(scene.path, scene.spare())
    os.unlink(scene.spare())


def _exchange_and_back(scene: Scene) -> None:
    make(scene.spare(), scene.line("user"))
    exchange(scene.path, scene.spare())
    exchange(scene.path, scene.spare())
    os.unlink(scene.spare())


MEMBERS = (
    Action("rename-over-twice", "renames another file over it, then the original back", "none", _over_twice),
    Action(
        "rename-over-twice-changed",
        "the same, and the original is edited while it is away",
        "changes",
        _over_twice_changed,
        {"where": per_mille},
    ),
    Action("rename-away-and-back", "renames it away and back", "none", _away_and_back),
    Action("rename-away-decoy-back", "renames it away and back over a decoy", "none", _away_decoy_back),
    Action(
        "rotate", "moves it aside and puts an empty file in its place", "changes", _rotate, leaves=("aside",)
    ),
    Action(
        "exchange",
        "exchanges it with a changed copy in one call (RENAME_EXCHANGE)",
        "changes",
        _exchange,
        {"where": per_mille},
    ),
    Action("exchange-and-back", "exchanges it with another file and back", "none", _exchange_and_back),
)
