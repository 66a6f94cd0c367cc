"""The user's files that go along to other machines, and what has to be there already.

A fence, an invariant or an extension of a file below the working directory is sent along: that file, and
the Python files beside it that it imports. All else has to be there: installed packages, files outside the
working directory, ``node_modules``. A digest of the files that each reference names tells whether they are
the same.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from fence import FENCES
from fence.registry import outside_modules
from harness.explore.code_digest import fence_digest, files_of
from harness.explore.search_task import SearchTask
from harness.model.errors import UsageError
from harness.oracle.invariants import INVARIANTS
from harness.system.bounded_read import content

__all__ = ["Shipment", "lay_out", "present", "shipment_of"]

_BYTES_MAX = 16 << 20
_NODE_MODULES = "node_modules"
_SCRIPTS = (".js", ".mjs", ".cjs", ".ts", ".mts")
_PACKAGE = "__init__.py"
_EXTENSION = "EXTENSION"


class Shipment(msgspec.Struct, frozen=True):
    """The files that go along.

    Args:
        fences: that are no part of the harness.
        references: those, and invariants and extensions that are none either, each with the digest of its
            files.
        files: content by path below the working directory.
        in_place: why the files are of no use elsewhere; empty where they are.
    """

    fences: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    files: dict[str, bytes] = {}
    in_place: str = ""


def shipment_of(tasks: Sequence[SearchTask]) -> Shipment:
    """Return what other machines need to run some tasks.

    Raises:
        UsageError: a file cannot be read, or all are too large to be sent.
    """
    fences = [task.fence for task in tasks if task.fence not in FENCES]
    checks = [one.check for task in tasks for one in task.scenario.invariants]
    # Their records are in the registries here, and get there by the file or the package.
    extensions = [f"{file}:{_EXTENSION}" for task in tasks for file in task.scenario.extensions]
    packages = [f"{module}:{_EXTENSION}" for module in outside_modules()]
    named = [*fences, *(name for name in checks if name not in INVARIANTS), *extensions, *packages]
    references = tuple((name, fence_digest(name)) for name in dict.fromkeys(named))
    paths = dict.fromkeys(path for name, _ in references for path in _below(files_of(name)))
    every = dict.fromkeys(one for path in paths for one in (path, *_imported(path)))
    files: dict[str, bytes] = {}
    size = 0
    for path in every:
        try:
            files[path] = content(path, _BYTES_MAX)
        except OSError as error:
            raise UsageError(f"{path}: cannot be sent along: {error.strerror or error}") from error
        size += len(files[path])
    if size > _BYTES_MAX:
        raise UsageError(
            f"--cluster: the fences' files have {size} bytes, at most {_BYTES_MAX} are sent along; "
            "install them as a package on every machine, and name them package.module:Class"
        )
    scripts = [path for path in every if path.endswith(_SCRIPTS)]
    modules = next(filter(None, map(_modules_beside, scripts)), "")
    why = f"{modules} lies beside {scripts[0]} and is not sent along" if modules else ""
    return Shipment(tuple(dict.fromkeys(fences)), references, files, why)


def lay_out(files: dict[str, bytes], where: str) -> None:
    """Write files that were sent along below a directory.

    Raises:
        OSError: one of them cannot be written.
        ValueError: one of them would lie outside.
    """
    for name, data in files.items():
        if not _is_below(name):
            raise ValueError(f"{name}: not below the working directory")
        path = os.path.join(where, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def present(files: dict[str, bytes]) -> bool:
    """Return whether all of some files are below this working directory, with the same content."""
    return all(_content(path) == data for path, data in files.items())


def _content(path: str) -> bytes | None:
    try:
        return content(path, _BYTES_MAX)
    except OSError:
        return None


def _below(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths that lead to below the working directory, in their plain form."""
    for path in paths:
        if path and not os.path.isabs(path) and _is_below(path):
            yield os.path.normpath(path)


def _is_below(path: str) -> bool:
    plain = os.path.normpath(path)
    return not os.path.isabs(plain) and plain.split(os.sep)[0] not in ("..", ".")


def _imported(path: str) -> list[str]:
    """Return the Python files beside a file that it imports, directly or not."""
    if not path.endswith(".py"):
        return []
    folder = os.path.dirname(path)
    if os.path.isfile(os.path.join(folder, _PACKAGE)):
        return [one for one in _package(_top(folder)) if one != path]
    found: dict[str, None] = {path: None}
    waiting = [path]
    while waiting:
        for name in _names(waiting.pop()):
            module = os.path.join(folder, f"{name}.py")
            inside = os.path.join(folder, name)
            more = [module] if os.path.isfile(module) else []
            if os.path.isfile(os.path.join(inside, _PACKAGE)):
                more = list(_package(inside))
            new = [one for one in more if one not in found]
            found.update(dict.fromkeys(new))
            waiting += new
    return list(found)[1:]


def _top(folder: str) -> str:
    """Return the folder of the outermost package."""
    above = os.path.dirname(folder)
    while above and os.path.isfile(os.path.join(above, _PACKAGE)):
        folder, above = above, os.path.dirname(above)
    return folder


def _package(folder: str) -> Iterator[str]:
    for where, _, names in os.walk(folder):
        yield from (os.path.join(where, name) for name in sorted(names) if name.endswith(".py"))


def _names(path: str) -> set[str]:
    """Return the first names of the modules that a Python file imports; none where it cannot be read."""
    data = _content(path)
    try:
        tree = ast.parse(data or b"")
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _modules_beside(path: str) -> str:
    """Return the folder of Node's packages that a script in this place finds; empty where there is none."""
    folder = os.path.dirname(path)
    while True:
        found = os.path.join(folder, _NODE_MODULES)
        if os.path.isdir(found):
            return found
        if not folder:
            return ""
        folder = os.path.dirname(folder)
