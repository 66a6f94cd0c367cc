"""The command by which the user called the harness, so that what is printed can be called in the same way."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.machinery import PathFinder

from takeover_harness.own_packages import ROOT

__all__ = ["PLAIN", "command", "program"]

PLAIN = "python -m harness"
_SCRIPT = "takeover-harness"


def program() -> str:
    """Return the command in words, as help and messages show it."""
    if os.path.basename(sys.argv[0]) == _SCRIPT:
        return _SCRIPT
    if sys.argv[0].endswith(os.path.join("takeover_harness", "__main__.py")):
        return "python -m takeover_harness"
    return PLAIN


def command() -> str:
    """Return the command for a shell, with the interpreter or the script that the user called."""
    said = program()
    if said == _SCRIPT:
        import shutil

        found = shutil.which(_SCRIPT)
        known = found is not None and os.path.realpath(found) == os.path.realpath(sys.argv[0])
        return _SCRIPT if known else shlex.quote(os.path.abspath(sys.argv[0]))
    python = shlex.quote(sys.orig_argv[0] if sys.orig_argv else "python")
    # A package of the user's called `harness` is what `python -m harness` would run here.
    hidden = said != PLAIN or _has_another(os.curdir)
    return f"{python} -m {'takeover_harness' if hidden else 'harness'}"


def _has_another(folder: str) -> bool:
    spec = PathFinder.find_spec("harness", [os.path.abspath(folder)])
    if spec is None or spec.origin is None:
        return False
    return os.path.realpath(spec.origin) != os.path.realpath(os.path.join(ROOT, "harness", "__init__.py"))
