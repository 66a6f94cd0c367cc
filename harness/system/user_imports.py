"""Lets the modules of a user import each other, also where others have their names.

The file of a fence may import the files beside it, and two fences of one run may each have another
``helper.py`` beside them. A user may also have a package that is called like one of ours, or like one that
is installed. So the modules of a user that are reached through a file are imported as parts of a package
that stands for their folder, under a name that no other folder has; those in the working directory are,
where a module of the same name comes before them. Imports in the user's modules, and only these, lead
there: `builtins.__import__` and `importlib.import_module` are replaced before the first of them is imported.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from takeover_harness.own_packages import NAMES, ROOT

__all__ = ["folder_of", "import_dotted", "package_for", "plain"]

_PREFIX = "_user_"
_plain_import = builtins.__import__
_plain_import_module = importlib.import_module
#: Folders in use, by the name of the package that stands for each.
_folders: dict[str, str] = {}


def _working_directory() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it is gone
        return ""


#: Where this process was started. A worker goes to its session directory, and must not look around there.
_here = _working_directory()
#: Where modules are not the user's, although it may be below the working directory.
_installed = (
    os.path.dirname(os.__file__),
    *(entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")),
    *(os.path.join(ROOT, name) for name in (*NAMES, "takeover_harness")),
)


def package_for(folder: str) -> str:
    """Return the name of the package that stands for a folder; make it if need be.

    The same folder has the same name in every process; it shows in the names of exceptions in histories.

    Args:
        folder: real path.
    """
    name = f"{_PREFIX}{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    if name not in _folders:
        _folders[name] = folder
        package = ModuleType(name, f"Stands for {folder}.")
        package.__path__ = [folder]
        sys.modules[name] = package
        _replace_imports()
    return name


def _replace_imports() -> None:
    builtins.__import__ = _import
    importlib.import_module = _import_module


def folder_of(file: str) -> tuple[str, str]:
    """Return the folder from which a file is imported, and its dotted name there.

    A file in a package is imported from the folder of the outermost package.

    Args:
        file: real path, ends in ``.py``.
    """
    folder, name = os.path.split(file.removesuffix(".py"))
    if "." in name:
        return folder, name.replace(".", "_")
    while os.path.isfile(os.path.join(folder, "__init__.py")) and os.path.basename(folder).isidentifier():
        folder, last = os.path.split(folder)
        name = f"{last}.{name}"
    return folder, name.removesuffix(".__init__")


def plain(text: str) -> str:
    """Return a message without the names of the packages that stand for folders."""
    for name in _folders:
        text = text.replace(f"{name}.", "")
    return text


def import_dotted(name: str) -> ModuleType:
    """Import a module that the user names: one of the user's, also where ours or another has its name."""
    _replace_imports()
    return _plain_import_module(_users(name) or name)


def _users(name: str, wanted: Sequence[str] = ()) -> str:
    """Return under which name to import a module of the user that another one hides; empty if none does.

    Args:
        name: absolute.
        wanted: what is imported from it.
    """
    top = name.partition(".")[0]
    hidden = top in NAMES or _place(_spec(top)) != _place(_spec(top, _here))
    path = [os.path.realpath(entry) for entry in sys.path if os.path.isabs(entry)]
    places = [_here, *path] if top in NAMES else [_here]
    for folder in dict.fromkeys(places) if hidden and _here else ():
        if not _is_ours(folder, top) and _has(folder, name, wanted):
            return f"{package_for(folder)}.{name}"
    return ""


def _is_ours(folder: str, top: str) -> bool:
    """Return whether a folder's module of this name is the one that a plain import gives."""
    place = _place(_spec(top, folder))
    return not place or place == _place(_spec(top))


def _spec(top: str, folder: str | None = None) -> ModuleSpec | None:
    """Return the spec of a module in a folder; that of a plain import where none is given."""
    if folder is not None:
        return PathFinder.find_spec(top, [folder])
    module = sys.modules.get(top)
    try:
        return importlib.util.find_spec(top) if module is None else module.__spec__
    except ValueError:
        return None


def _place(spec: ModuleSpec | None) -> str:
    """Return the file of a module, or the first folder of a package without one; empty where it has none."""
    if spec is None:
        return ""
    if spec.origin is not None:
        # "built-in" and "frozen" are no files, and looking for them would be a step of a lane.
        return os.path.realpath(spec.origin) if spec.has_location else spec.origin
    return next((os.path.realpath(one) for one in spec.submodule_search_locations or ()), "")


def _has(folder: str, name: str, wanted: Sequence[str]) -> bool:
    """Return whether an import of a name in the user's code leads into a folder; executes nothing."""
    top, *parts = name.split(".")
    spec = PathFinder.find_spec(top, [folder])
    if spec is None:
        return False
    # A folder without `__init__.py` may hold anything, and gives way to a module of that name.
    if spec.origin is not None and top not in NAMES:
        return True
    dotted = top
    for part in parts:
        dotted = f"{dotted}.{part}"
        spec = _inside(spec, dotted)
        if spec is None:
            return False
    found = spec.origin is not None or any(_inside(spec, f"{name}.{one}") for one in wanted)
    return found or _spec(top) is None


def _inside(package: ModuleSpec, name: str) -> ModuleSpec | None:
    """Return the spec of a module in a package; None where it has none of that name."""
    where = package.submodule_search_locations
    return None if where is None else PathFinder.find_spec(name, list(where))


# Imports in the user's modules


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    target = "" if level or globals is None else _target(name, globals, tuple(fromlist or ()))
    if not target:
        return _plain_import(name, globals, locals, fromlist or (), level)
    if fromlist:
        return _plain_import(target, globals, locals, fromlist, 0)
    _plain_import_module(target)
    return sys.modules[target.removesuffix(name) + name.partition(".")[0]]


def _import_module(name: str, package: str | None = None) -> ModuleType:
    target = "" if name.startswith(".") else _target(name, sys._getframe(1).f_globals, ())
    return _plain_import_module(target or name, package)


def _target(name: str, importer: Mapping[str, Any], wanted: Sequence[str]) -> str:
    """Return under which name a module is to be imported; empty for that which it has.

    Args:
        name: absolute.
        importer: globals of the module with the import.
        wanted: what is imported from it.
    """
    own = importer.get("__name__")
    if not isinstance(own, str):
        return ""
    package = own.partition(".")[0]
    if package not in _folders and not _is_users(importer.get("__file__")):
        return ""
    return _looked_up(name, package if package in _folders else "", tuple(wanted), len(sys.path))


@functools.cache
def _looked_up(name: str, package: str, wanted: tuple[str, ...], _path: int) -> str:
    if package and _has(_folders[package], name, wanted):
        return f"{package}.{name}"
    return _users(name, wanted)


@functools.cache
def _is_users(file: object) -> bool:
    """Return whether a module that was imported under its own name is in the working directory."""
    if not isinstance(file, str):
        return False
    # No call on files: this is asked in a lane, too, where each would be a step.
    return _is_below(file, _here) and not any(_is_below(file, folder) for folder in _installed)


def _is_below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(os.path.join(folder, ""))
