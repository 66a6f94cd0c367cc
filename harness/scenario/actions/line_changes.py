"""Define actions that a comparison of lines, of text or of a part of the bytes does not see.

Each leaves something equal: the set of the lines, all bytes but the first or the last, the text that can
be decoded, or the words of a line that a reader accepts.
"""

from __future__ import annotations

import os

from harness.scenario.actions.action import Action, Scene, coin, per_mille
from harness.scenario.actions.appends import append
from harness.scenario.actions.file_calls import opened, read, read_path

__all__ = ["MEMBERS"]

_WHERE = {"where": per_mille}
#: Bytes that stand in no text in UTF-8.
_NO_TEXT = b"\xff\xfe\xc0"


def _lines(content: bytes) -> list[bytes]:
    """Return the whole lines, each with its newline."""
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


def _swap_lines(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        lines = _lines(read(fd))
        if len(lines) > 1:
            first = scene.number("where") * (len(lines) - 1) // 1000
            os.pwrite(fd, lines[first + 1] + lines[first], sum(map(len, lines[:first])))


def _change_first_byte(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        if content := read(fd):
            os.pwrite(fd, _other(content[:1]), 0)


def _change_last_byte(scene: Scene) -> None:
    with opened(scene.path, os.O_RDWR) as fd:
        if content := read(fd):
            os.pwrite(fd, _other(content[-1:]), len(content) - 1)


def _other(byte: bytes) -> bytes:
    return b"\t" if byte == b" " else b" "


def _repeat_line(scene: Scene) -> None:
    lines = _lines(read_path(scene.path))
    if lines:
        append(scene.path, lines[scene.number("where") * len(lines) // 1000])


def _not_utf8(scene: Scene) -> None:
    text = b'"words'
    line = scene.line("user").replace(text, text + _NO_TEXT)
    append(scene.path, _NO_TEXT if scene.number("alone") else line)


def _quoting(scene: Scene) -> None:
    append(scene.path, scene.line("quoting"))


MEMBERS = (
    Action("swap-lines", "exchanges two neighbouring lines in place", "changes", _swap_lines, _WHERE),
    Action("change-first-byte", "changes the first byte and no other", "changes", _change_first_byte),
    Action("change-last-byte", "changes the last byte and no other", "changes", _change_last_byte),
    Action("repeat-line", "appends one of its lines once more", "changes", _repeat_line, _WHERE),
    Action(
        "append-not-utf8",
        "appends bytes that are no UTF-8, alone or in a line",
        "changes",
        _not_utf8,
        {"alone": coin},
    ),
    Action(
        "append-quoting",
        "appends a user's message that quotes a reply and a delivery mirror",
        "changes",
        _quoting,
    ),
)
