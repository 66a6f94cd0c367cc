"""Define actions that change the transcript by stores into a shared mapping.

The first store into a clean page marks the file as modified. A store into a dirty page changes bytes
but no time stamp.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from harness.scenario.actions import rogue_lines
from harness.scenario.actions.action import Action, Scene, per_mille
from harness.scenario.actions.file_calls import opened, read
from harness.scenario.actions.libc import SharedMapping

__all__ = ["MEMBERS"]

_WHERE = {"where": per_mille}


def _map(scene: Scene, store: Callable[[SharedMapping, bytes, int, bytes], None]) -> None:
    """Open, read and map the file; call `store` with mapping, content, offset and new bytes."""
    with opened(scene.path, os.O_RDWR) as fd:
        content = read(fd)
        place = rogue_lines.span(content, scene.number("where"))
        if place is not None:
            with SharedMapping(fd, len(content)) as mapping:
                store(mapping, content, *place)


def _clean(scene: Scene) -> None:
    def store(mapping: SharedMapping, _content: bytes, offset: int, data: bytes) -> None:
        mapping.store(offset, data)
        mapping.sync()

    _map(scene, store)


def _dirty(scene: Scene) -> None:
    def store(mapping: SharedMapping, content: bytes, offset: int, data: bytes) -> None:
        mapping.store(offset, content[offset : offset + len(data)])
        # A fence's baseline may fall between these two calls, after the page fault changed the time stamp.
        os.stat(scene.path)
        os.stat(scene.path)
        mapping.store(offset, data)

    _map(scene, store)


MEMBERS = (
    Action(
        "mmap-store-clean", "changes bytes through a shared mapping and syncs it", "changes", _clean, _WHERE
    ),
    Action(
        "mmap-store-dirty",
        "stores the bytes that a mapped page has, later other bytes: mtime stays",
        "changes",
        _dirty,
        _WHERE,
    ),
)
