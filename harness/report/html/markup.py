"""Text that cannot break out: everything is escaped but what was built here.

File names, fences and transcripts are whatever somebody made them. A string is text,
always; only a `Markup`, which `tag` makes, is more than that. What an eye does not see,
or what turns other text around, is written out as an escape.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["Markup", "cells", "join", "shown", "tag", "visible"]

#: Letters by their category, and yet nothing to be seen.
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800)),
        *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
    )
    for code in range(first, last + 1)
)
#: More marks than this on one letter reach into the lines around.
_MARKS_MAX = 2
_VOID = frozenset({"meta", "br", "circle", "line", "path", "rect"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def visible(text: str) -> str:
    """The same text, with everything that cannot be seen or that moves other text as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(seen for seen, _ in _parts(text))


def shown(text: str) -> Markup:
    """Text for a page: escapes are set apart from text that only looks like one."""
    if text.isascii() and text.isprintable():
        return Markup(html.escape(text))
    return Markup(
        "".join(
            f'<span class="u">{seen}</span>' if escaped else html.escape(seen)
            for seen, escaped in _parts(text)
        )
    )


def _parts(text: str) -> Iterable[tuple[str, bool]]:
    """Each letter as it can be shown, and whether that is an escape."""
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        if letter.isprintable() and letter not in _UNSEEN and marks <= _MARKS_MAX:
            yield letter, False
        else:
            yield letter.encode("unicode_escape", "surrogatepass").decode(), True


def tag(name: str, /, *children: str | None, **attributes: object) -> Markup:
    """One element.

    Args:
        name: of the element.
        children: text, or markup as it is; None is left out.
        attributes: ``class_`` is class, ``x_y`` is x-y; None is left out.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{told}/>")
    return Markup(f"<{name}{told}>{join(*children)}</{name}>")


def join(*parts: str | None) -> Markup:
    """One after the other; text is escaped."""
    return Markup(
        "".join(
            part if isinstance(part, Markup) else html.escape(visible(part), quote=False)
            for part in parts
            if part is not None
        )
    )


_NARROW = re.compile(r"[ -~\u00a1-\u024f\u0370-\u052f\u2010-\u2027\u2190-\u21ff]*")


def cells(text: str) -> int:
    """How many columns of a fixed-width face a visible text takes."""
    if _NARROW.fullmatch(text):
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
