"""The keys that are typed at a terminal: how a scenario names them, and what the terminal sends.

A text stands for itself, with special keys in angle brackets: ``ZZ``, ``:wq<Enter>``, ``<C-x><C-s>``. The
codes of all keys of one text arrive at once. ``<100ms>`` alone is no key: so much virtual time passes before
the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, get_args

__all__ = ["TERMS", "Term", "pause", "pause_ms", "sent", "wrong_with"]

#: Kinds of terminal, by their names in terminfo.
Term = Literal["xterm", "linux", "dumb"]
TERMS: Final = get_args(Term)

_PIECE = re.compile(r"<([^<>]*)>|([^<])|(<)", re.DOTALL)
_PAUSE = re.compile(r"<([0-9]{1,8})ms>")
_PAUSE_MS_MAX: Final = 86_400_000
#: The kernel keeps so many bytes that arrive at once, and drops the rest.
_BYTES_MAX: Final = 4095
_ESCAPE: Final = b"\x1b"
_PLAIN: Final = {
    "enter": b"\r",
    "tab": b"\t",
    "esc": _ESCAPE,
    "space": b" ",
    "bs": b"\x7f",
    "lt": b"<",
    "s-tab": b"\x1b[Z",
    "insert": b"\x1b[2~",
    "del": b"\x1b[3~",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
}
#: Keys that send another sequence once the program has switched the terminal to application mode.
_CURSOR: Final = {"up": b"A", "down": b"B", "right": b"C", "left": b"D", "home": b"H", "end": b"F"}
#: On the Linux console these send the same in both modes.
_LINUX_CURSOR: Final = {"home": b"\x1b[1~", "end": b"\x1b[4~"}
_FUNCTIONS: Final = dict(
    zip(
        [f"f{number}" for number in range(1, 13)],
        [b"\x1bOP", b"\x1bOQ", b"\x1bOR", b"\x1bOS"]
        + [b"\x1b[%d~" % code for code in (15, 17, 18, 19, 20, 21, 23, 24)],
        strict=True,
    )
)
_LINUX_FUNCTIONS: Final = {f"f{number}": b"\x1b[[%c" % (64 + number) for number in range(1, 6)}
_NAMES: Final = (
    "<Enter> <Tab> <S-Tab> <Esc> <Space> <BS> <Del> <Insert> <Up> <Down> <Left> <Right> <Home> <End> "
    "<PageUp> <PageDown> <F1> to <F12>, <C-x> for Ctrl, <M-x> for Alt, <lt> for a <, and <100ms> for a pause"
)


def wrong_with(text: str) -> str:
    """Return what is wrong with a text of keys, and what to do; empty for nothing."""
    if not text:
        return "no key; write one, or remove the item"
    if pause_ms(text) is not None:
        return ""
    for name, letter, _ in _PIECE.findall(text):
        if _PAUSE.fullmatch(f"<{name}>"):
            return f"the pause <{name}> stands among keys; make it an item of its own, of at most a day"
        if not letter and _special(name, "xterm", application=False) is None:
            shown = f"<{name}>" if name else "<"
            return f"{shown!r} is no key; known are {_NAMES}"
    length = len(sent(text, "xterm", application=False))
    if length > _BYTES_MAX:
        most = f"a terminal takes at most {_BYTES_MAX}"
        return f"{length} bytes arrive at once, {most}; make several items of it"
    return ""


def pause_ms(text: str) -> int | None:
    """Return the virtual milliseconds of an item that is a pause; None for keys."""
    found = _PAUSE.fullmatch(text)
    if found is None or int(found[1]) > _PAUSE_MS_MAX:
        return None
    return int(found[1])


def pause(ms: int) -> str:
    """Return the item that is a pause of so many virtual milliseconds."""
    return f"<{ms}ms>"


def sent(text: str, term: str, *, application: bool) -> bytes:
    """Return the bytes that a terminal sends for the keys of a text.

    Args:
        text: for which `wrong_with` finds nothing, and that is no pause.
        term: one of `TERMS`.
        application: the program has switched the cursor keys to application mode.
    """
    return b"".join(_pieces(text, term, application))


def _pieces(text: str, term: str, application: bool) -> Iterator[bytes]:
    found: Sequence[tuple[str, str, str]] = _PIECE.findall(text)
    for name, letter, _ in found:
        if letter:
            yield b"\r" if letter == "\n" else letter.encode()
            continue
        special = _special(name, term, application)
        assert special is not None, text
        yield special


def _special(name: str, term: str, application: bool) -> bytes | None:
    """Return what a key in angle brackets sends; None for none."""
    low = name.lower()
    if low in _CURSOR:
        if term == "linux" and low in _LINUX_CURSOR:
            return _LINUX_CURSOR[low]
        return (b"\x1bO" if application else b"\x1b[") + _CURSOR[low]
    if term == "linux" and low in _LINUX_FUNCTIONS:
        return _LINUX_FUNCTIONS[low]
    if (low in _PLAIN) or (low in _FUNCTIONS):
        return _PLAIN.get(low) or _FUNCTIONS[low]
    modifier, _, rest = name.partition("-")
    if modifier in ("C", "c"):
        return _control(rest)
    if modifier in ("M", "m", "A", "a") and rest:
        key = rest.encode() if len(rest) == 1 else _special(rest, term, application)
        return None if key is None else _ESCAPE + key
    return None


def _control(letter: str) -> bytes | None:
    if letter.lower() == "space":
        return b"\0"
    if letter == "?":
        return b"\x7f"
    if len(letter) != 1 or not "@" <= letter.upper() <= "_":
        return None
    return bytes([ord(letter.upper()) & 0x1F])
