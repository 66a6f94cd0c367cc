"""Settings of a project: ``[tool.takeover-harness]`` in the pyproject.toml of the working directory.

They take the place of options of `run` and `matrix` that were not given; an option that was given holds.
Only the working directory is looked at: a file in a folder above may be another user's.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from harness.cli.argument_types import EXPLORERS_MAX, at_least, least, positive, rate
from harness.cli.output import remark
from harness.model.errors import UsageError
from harness.system.bounded_read import content

__all__ = ["KEYS", "with_settings"]

_FILE = "pyproject.toml"
_TABLE = "tool.takeover-harness"
_BYTES_MAX = 1 << 20
#: The reader of TOML takes time and memory with the square of a name's parts.
_PARTS_MAX, _SHOWN_MAX = 100, 50
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_DEEP = re.compile(rf"^[ \t]*\[*[ \t]*(?:{_PART}\.[ \t]*){{{_PARTS_MAX}}}", re.MULTILINE)
#: A text without a match has no such table: neither as `tool.takeover-harness` nor in a table `tool`.
_MAY_HAVE_TABLE = re.compile(
    r"""tool["']?\s*\.\s*["']?takeover-harness"""
    r"""|^[ \t]*(?:\[\s*["']?tool["']?\s*\]|["']?tool["']?\s*=)"""
    # A key may be spelt with escapes.
    r"""|\\[uU]""",
    re.MULTILINE,
)


class _Key(NamedTuple):
    """A setting.

    Args:
        option: name of the argument whose place it takes.
        what: what its value is, for messages.
        kinds: types of TOML that it may have.
        read: checks its text as that of an option; returns the value.
    """

    option: str
    what: str
    kinds: tuple[type, ...]
    read: Callable[[str], Any] = str


def _choice(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"expected {' or '.join(names)}, got {text!r}")
        return text

    return read


_TEXT, _TEXTS, _FLAG, _WHOLE = (str,), (list,), (bool,), (int,)
KEYS = {
    "scenarios": _Key("scenarios", "a list of files, folders and names", _TEXTS),
    "fences": _Key("fence", "a list of references", _TEXTS),
    "invariants": _Key("invariant", "a list of references", _TEXTS),
    "gate": _Key("gate", "a text", _TEXT, _choice("kernel", "free")),
    "strategy": _Key("strategy", "a text", _TEXT),
    "schedules": _Key("schedules", "a whole number", _WHOLE, at_least(1)),
    "confidence": _Key("confidence", "a number", (float,), rate),
    "min-schedules": _Key("min_schedules", "a whole number or a text such as '50%'", (int, str), least),
    "seed": _Key("seed", "a whole number", _WHOLE, at_least(0)),
    "time-limit-s": _Key("time_limit_s", "a number", (int, float), positive),
    "explorers": _Key("explorers", "a whole number", _WHOLE, at_least(1, EXPLORERS_MAX)),
    "shrink-limit-s": _Key("shrink_limit_s", "a number", (int, float), positive),
    "no-shrink": _Key("no_shrink", "true or false", _FLAG, lambda text: text == "True"),
    "require-confinement": _Key("require_confinement", "true or false", _FLAG, lambda text: text == "True"),
    "session-root": _Key("session_root", "a text", _TEXT),
    "junit": _Key("junit", "a text", _TEXT),
}
#: Options that stand in place of each other: one that was given leaves no room for the other.
_EITHER = ("schedules", "confidence")


def with_settings(given: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments of a command with the project's settings where none were given.

    Raises:
        UsageError: the file cannot be used; names all that is wrong with the settings.
    """
    settings = _settings()
    arguments = vars(given).copy()
    used = []
    for name, value in settings.items():
        option = KEYS[name].option
        taken = option in _EITHER and any(getattr(given, one) is not None for one in _EITHER)
        # None, or no scenario: it was not given. A command without the option has no use for it.
        if option in arguments and arguments[option] in (None, []) and not taken:
            arguments[option] = value
            used.append(name)
    if used:
        remark(f"{_FILE}: [{_TABLE}] sets {', '.join(used)}")
    return argparse.Namespace(**arguments)


def _settings() -> dict[str, Any]:
    """Return the settings by name, checked; nothing where there are none."""
    try:
        text = content(_FILE, _BYTES_MAX).decode()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{_FILE}: cannot be read: {error.strerror}; make it readable") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{_FILE}: byte {error.start} is not UTF-8; TOML is") from error
    if not _MAY_HAVE_TABLE.search(text):
        # The reader of TOML takes longer than all other arguments.
        return {}
    deep = _DEEP.search(text)
    if deep:
        line = text.count("\n", 0, deep.end()) + 1
        raise UsageError(f"{_FILE}:{line}: a name has more than {_PARTS_MAX} parts; shorten it")
    import tomllib

    try:
        tool = tomllib.loads(text).get("tool", {})
    # ValueError: also a number of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{_FILE}: is not TOML: {error}; mend it") from error
    table = tool.get("takeover-harness", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(
            f"{_FILE}: {_TABLE}: must be a table; write [{_TABLE}] and a setting a line below it"
        )
    return _checked(table, text)


def _checked(table: dict[str, Any], text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    faults: list[str] = []
    for number, (name, value) in enumerate(table.items()):
        if len(faults) == _SHOWN_MAX:
            # To find out what is wrong, and in which line, takes longer than to read the file.
            faults.append(f"{_FILE}: {len(table) - number} settings were not looked at; mend these first")
            break
        try:
            values[name] = _value(name, value)
        except argparse.ArgumentTypeError as error:
            faults.append(f"{_FILE}{_line(text, name)}: {_TABLE}.{name}: {error}")
    both = [name for name in _EITHER if name in values]
    if len(both) == len(_EITHER):
        faults.append(f"{_FILE}{_line(text, both[1])}: {_TABLE}.{both[1]}: not with {both[0]}; leave one out")
    if faults:
        raise UsageError("\n".join(faults))
    return values


def _value(name: str, value: Any) -> Any:
    key = KEYS.get(name)
    if key is None:
        import difflib

        close = difflib.get_close_matches(name.replace("_", "-"), KEYS, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise argparse.ArgumentTypeError(f"unknown; {hint}expected one of {', '.join(KEYS)}")
    # A bool is an int for Python, and none for TOML.
    fits = isinstance(value, key.kinds) and (isinstance(value, bool) == (key.kinds == _FLAG))
    if fits and isinstance(value, list):
        fits = all(isinstance(one, str) for one in value)
    if not fits:
        raise argparse.ArgumentTypeError(f"must be {key.what} (got {_shown(value)})")
    return value if isinstance(value, list) else key.read(str(value))


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except RecursionError:
        return f"a {type(value).__name__} nested too deep to be shown"


def _line(text: str, name: str) -> str:
    """Return the line in which a setting stands, as ``:12``; empty where it is not found."""
    quoted = re.escape(name)
    below = re.search(rf"^[ \t]*\[\s*{re.escape(_TABLE)}\s*\]", text, re.MULTILINE)
    found = (
        re.search(rf"^[ \t]*[\"']?{quoted}[\"']?\s*=", text[below.start() :], re.MULTILINE) if below else None
    )
    return f":{text.count(chr(10), 0, below.start() + found.end()) + 1}" if below and found else ""
