"""Load a file of the user's with roles, actions and so on into this process.

Each process that needs its members loads it: the command, and the explorers, whose workers have it by
their fork. A command tries it in a child first, for a module may do anything while it is imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterable
from typing import Any

from fence.registry import Origin, Registry, note_files
from harness.extensions.extension import Extension
from harness.model.errors import ExtensionError, UsageError
from harness.scenario.extension_files import ExtensionFile, loaded, note_loaded
from harness.scenario.roles import ROLES
from harness.system.source_files import USERS, owner_of
from harness.system.trial_import import tried
from harness.system.user_module import ModuleLoadError, import_user_module

__all__ = ["load_extension", "load_extensions", "tried_extension"]

_NAME = "EXTENSION"


def load_extensions(references: Iterable[str]) -> None:
    """Load files, each at most once in a process.

    Raises:
        ExtensionError: one cannot be used.
    """
    for reference in references:
        load_extension(reference)


def tried_extension(reference: str) -> None:
    """Load a file after a child process could load it.

    Raises:
        ExtensionError: it cannot be used.
    """
    with contextlib.suppress(ExtensionError):
        loaded(reference)
        return
    wrong = tried(lambda: _load_and_check(reference), reference, UsageError)
    if wrong:
        raise ExtensionError(wrong)
    # Its output must not stand among the results.
    with contextlib.redirect_stdout(sys.stderr):
        load_extension(reference)


def _load_and_check(reference: str) -> None:
    """Load a file and make what needs a validator, which takes long to come up."""
    from pydantic import TypeAdapter

    before = set(ROLES.outside)
    load_extension(reference)
    for name in set(ROLES.outside) - before:
        try:
            TypeAdapter(ROLES[name].settings)
        except Exception as error:  # of the validator, or of the user's own code
            told = str(error).partition("\n")[0]
            raise ExtensionError(
                f"{reference}: the role {name!r}: its settings cannot be read from a scenario: {told}; "
                "annotate them as docs/extending.md has it"
            ) from error


def load_extension(reference: str) -> None:
    """Load a file, at most once in a process.

    Args:
        reference: ``path/file.py``, from the working directory.

    Raises:
        ExtensionError: it cannot be used.
    """
    with contextlib.suppress(ExtensionError):
        loaded(reference)
        return
    if not reference.endswith(".py"):
        raise ExtensionError(
            f"{reference}: expected a file, path/file.py, from the working directory; a package adds its "
            "members by entry points (docs/extending.md)"
        )
    digest = _digest(reference)
    before = set(sys.modules)
    try:
        module = import_user_module(reference)
    except ModuleLoadError as error:
        raise ExtensionError(f"{reference}: {error}") from error
    found = getattr(module, _NAME, None)
    if not isinstance(found, Extension):
        what = f"has no {_NAME}" if found is None else f"its {_NAME} is a {type(found).__name__}"
        raise ExtensionError(
            f"{reference}: {what}; write `{_NAME} = Extension(roles=[...])`, see docs/your-runtime.md"
        )
    path = os.path.realpath(reference)
    _add(found, Origin(reference, path))
    note_files([path, *_users_files(set(sys.modules) - before)])
    note_loaded(ExtensionFile(path, digest))


def _add(extension: Extension, origin: Origin) -> None:
    """Add all members, or none."""
    added: list[tuple[Registry[Any], str]] = []
    try:
        for registry, name, member in extension.members():
            registry.add(name, member, origin)
            added.append((registry, name))
    except (ValueError, UsageError) as error:
        for registry, name in added:
            registry.remove(name)
        text = str(error)
        raise ExtensionError(text if text.startswith(origin.text) else f"{origin.text}: {text}") from error


def _digest(reference: str) -> str:
    try:
        with open(reference, "rb") as file:
            return hashlib.blake2b(file.read(), digest_size=8).hexdigest()
    except OSError as error:
        raise ExtensionError(
            f"{reference}: {error.strerror}; the path is taken from the working directory, {os.getcwd()}"
        ) from error


def _users_files(names: Iterable[str]) -> list[str]:
    """Return the files of those modules that are the user's, of those that the file imports."""
    files = (getattr(sys.modules.get(name), "__file__", None) for name in names)
    return [file for file in files if file and owner_of(file) == USERS]
