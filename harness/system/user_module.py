"""Import a module that the user names by its dotted name or its file."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from types import ModuleType

from harness.system.source_files import USERS, owner_of, short
from harness.system.user_imports import folder_of, import_dotted, package_for, plain

__all__ = ["ModuleLoadError", "import_user_module"]


class ModuleLoadError(Exception):
    """The module does not exist, or importing it failed; the text says which."""


def import_user_module(where: str) -> ModuleType:
    """Import a module, a file at most once.

    Args:
        where: ``path/file.py`` or ``package.module``.

    Raises:
        ModuleLoadError: there is no such file, or importing it failed.
    """
    try:
        return _from_file(where) if where.endswith(".py") else import_dotted(where)
    except (Exception, SystemExit) as error:  # a user's module may raise anything while it is imported
        if isinstance(error, ModuleLoadError):
            raise
        raise ModuleLoadError(f"importing {where} failed{plain(_told(error))}") from error


def _told(error: BaseException) -> str:
    """Return where an import failed, that line, and the error, on one line."""
    if isinstance(error, SyntaxError) and error.filename:
        file, line, function, source = error.filename, error.lineno or 0, "", (error.text or "").strip()
        what = f"{type(error).__name__}: {error.msg}"
    else:
        file, line, function, source = _raised_at(error)
        what = " ".join("".join(traceback.format_exception_only(error)).split("\n")).strip()
    if not file:
        return f": {what}"
    at = f"{short(file)}:{line} {function}".rstrip(" ")
    return f" at {at}: {what}" + (f" (the line is: {source})" if source else "")


def _raised_at(error: BaseException) -> tuple[str, int, str, str]:
    """Return the user's innermost line of an exception: file, line, function, text; empty for none."""
    found = ("", 0, "", "")
    for frame in traceback.extract_tb(error.__traceback__):
        if owner_of(frame.filename) == USERS:
            name = "" if frame.name == "<module>" else frame.name
            found = frame.filename, frame.lineno or 0, name, frame.line or ""
    return found


def _near(path: str) -> str:
    """Return a hint at a file beside the missing one, or at the folder from which its path is taken."""
    import difflib

    folder = os.path.dirname(path)
    try:
        there = [name for name in os.listdir(folder or os.curdir) if name.endswith(".py")]
    except OSError:
        there = []
    close = difflib.get_close_matches(os.path.basename(path), there, 1)
    if close:
        return f"; did you mean {os.path.join(folder, close[0])}?"
    return "" if os.path.isabs(path) else f"; the path is taken from the working directory, {os.getcwd()}"


def _from_file(path: str) -> ModuleType:
    real = os.path.realpath(path)
    if not os.path.isfile(real):
        raise ModuleLoadError(f"no file {path}{_near(path)}")
    folder, dotted = folder_of(real)
    name = f"{package_for(folder)}.{dotted}"
    parent, _, last = name.rpartition(".")
    # A package comes before what is in it, and may import that.
    importlib.import_module(parent)
    if name in sys.modules:
        return sys.modules[name]
    # By its file: a folder of the same name beside it would come first.
    spec = importlib.util.spec_from_file_location(name, real)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(sys.modules[parent], last, module)
    return module
