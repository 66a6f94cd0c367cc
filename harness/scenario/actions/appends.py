"""Define actions that append to the transcript (``echo line >> transcript``): whole lines and others."""

from __future__ import annotations

import os
from collections.abc import Callable

from harness.scenario.actions.action import Action, Scene
from harness.scenario.actions.file_calls import opened

__all__ = ["MEMBERS", "append"]


def append(path: str, data: bytes) -> None:
    """Open for appending, write once, close; never create the file."""
    with opened(path, os.O_WRONLY | os.O_APPEND) as fd:
        os.write(fd, data)


def _whole(kind: str) -> Callable[[Scene], None]:
    def body(scene: Scene) -> None:
        append(scene.path, scene.line(kind))

    return body


def _torn(scene: Scene) -> None:
    line = scene.line("user")
    append(scene.path, line[: len(line) // 2])


def _blank(scene: Scene) -> None:
    append(scene.path, b"\n")


def _not_json(scene: Scene) -> None:
    append(scene.path, b"this is a line of plain text\n")


MEMBERS = (
    Action("append-user", "appends a user's message", "changes", _whole("user")),
    Action("append-assistant", "appends a reply that no runner wrote", "changes", _whole("assistant")),
    Action("append-tool-result", "appends a tool's result", "changes", _whole("toolResult")),
    Action(
        "append-delivery-mirror", "appends the mirror of a delivery", "changes", _whole("delivery-mirror")
    ),
    Action("append-custom", "appends a line of custom metadata", "changes", _whole("custom")),
    Action("append-torn", "appends half a line and no newline", "changes", _torn),
    Action("append-blank", "appends an empty line", "changes", _blank),
    Action("append-not-json", "appends a line that is not JSON", "changes", _not_json),
)
