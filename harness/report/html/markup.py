"""Build HTML in which no text can break out: everything is escaped except markup built here.

File names, messages of fences and transcripts may contain anything. A string is always text; only a
`Markup`, which `tag` makes, is more than that. Characters that are invisible or that reorder other text
are written as escapes.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["Markup", "cells", "join", "shown", "tag", "visible"]

#: Printable by their category, but invisible.
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800)),
        *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
    )
    for code in range(first, last + 1)
)
#: More marks than this on one letter reach into the lines around it.
_MARKS_MAX = 2
_VOID = frozenset({"meta", "br", "input", "circle", "line", "path", "rect"})


class Markup(str):
    """Text that is already markup."""

    __slots__ = ()


def visible(text: str) -> str:
    """Return the text with escapes for characters that are invisible or that reorder other text."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(seen for seen, _ in _parts(text))


def shown(text: str) -> Markup:
    """Return the text as markup, in which real escapes look different from text that resembles one."""
    if text.isascii() and text.isprintable():
        return Markup(html.escape(text))
    return Markup(
        "".join(
            f'<span class="u">{seen}</span>' if escaped else html.escape(seen)
            for seen, escaped in _parts(text)
        )
    )


def _parts(text: str) -> Iterable[tuple[str, bool]]:
    """Yield each letter as it can be shown, and whether that is an escape."""
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        if letter.isprintable() and letter not in _UNSEEN and marks <= _MARKS_MAX:
            yield letter, False
        else:
            yield letter.encode("unicode_escape", "surrogatepass").decode(), True


def tag(name: str, /, *children: str | None, **attributes: object) -> Markup:
    """Return one element.

    Args:
        name: name of the element.
        children: text, which is escaped, or markup; None is left out.
        attributes: ``class_`` is class, ``x_y`` is x-y; None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*parts: str | None) -> Markup:
    """Return the parts one after the other; text is escaped."""
    return Markup(
        "".join(
            part if isinstance(part, Markup) else html.escape(visible(part), quote=False)
            for part in parts
            if part is not None
        )
    )


_NARROW = re.compile(r"[ -~\u00a1-\u024f\u0370-\u052f\u2010-\u2027\u2190-\u21ff]*")


def cells(text: str) -> int:
    """Return the number of columns that a visible text takes in a fixed-width face."""
    if _NARROW.fullmatch(text):
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
