"""Finds the scenario files that the user named: files, folders of ``*.yaml``, scenarios of the harness."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from harness.cli.output import remark
from harness.model.errors import UsageError
from harness.system.shipped import is_installed, shipped

__all__ = ["check_keepable", "located", "own_folder", "scenario_files", "shipped_names"]

#: More than a folder of scenarios has; a whole disk has more.
_FOLDERS_MAX = 10_000
#: A fence may be written in these; no scenario is.
_CODE = (".py", ".js", ".mjs", ".cjs", ".ts", ".mts")


def own_folder() -> str:
    """Return the folder of the scenarios that come with the harness, as short as it can be said."""
    return _short(shipped("scenarios"))


def _short(path: str) -> str:
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else near


def shipped_names() -> dict[str, str]:
    """Return the files of the scenarios that come with the harness, by name, as ``quickstart``."""
    folder = shipped("scenarios")
    paths = scenario_files([folder]) if os.path.isdir(folder) else []
    return {os.path.splitext(os.path.relpath(path, folder))[0]: path for path in paths}


def located(names: Sequence[str]) -> list[str]:
    """Return the files and folders that the user named, with those of the harness for their names.

    A file in the working directory comes before one that comes with the harness; a remark says so.

    Raises:
        UsageError: there is neither.
    """
    return [_located(name) for name in names]


def _located(name: str) -> str:
    own = _of_the_harness(name)
    if os.path.lexists(name):
        if own and not os.path.samefile(own, name):
            what = "folder" if os.path.isdir(name) else "file"
            remark(f"{name}: the {what} here is used; the harness has scenarios of that name, too: {own}")
        return name
    if own:
        return own
    if name and os.path.basename(name) == name and "." not in name:
        import difflib

        close = difflib.get_close_matches(name, shipped_names(), 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(
            f"{name}: no file or folder here, and no scenario of the harness; {hint}give SCENARIO.yaml, "
            "or a name of `python -m harness list scenarios`"
        )
    return name


def _of_the_harness(name: str) -> str:
    """Return the file or the folder of the harness's scenarios of this name; empty where there is none."""
    parts = name.split("/")
    if not all(parts) or {os.curdir, os.pardir} & set(parts):
        return ""
    path = shipped(os.path.join("scenarios", name))
    return next((_short(one) for one in (f"{path}.yaml", path) if os.path.exists(one)), "")


def check_keepable(files: Sequence[str]) -> None:
    """Check that witnesses may be written beside the scenarios.

    Raises:
        UsageError: one comes with an installed harness, which is no place for a user's files.
    """
    for file in files:
        if is_installed(file):
            raise UsageError(
                f"--keep: {file} comes with the harness, and witnesses are kept beside their scenario; "
                "copy it to a folder of yours and run the copy"
            )


def scenario_files(names: Sequence[str]) -> list[str]:
    """Return the files to load; a folder stands for the files in it, in the order of their names.

    Raises:
        UsageError: a folder has no scenario or too many folders, a file is code and no scenario, or a
            file name cannot be printed.
    """
    files: list[str] = []
    for name in names:
        if not os.path.isdir(name):
            if name.endswith(_CODE):
                raise UsageError(
                    f"{name}: is code, expected a scenario (*.yaml); a fence is given by --fence"
                )
            files.append(name)
            continue
        found = sorted(_inside(name))
        for path in found:
            if not path.isprintable():
                raise UsageError(f"{path!r}: a file name that cannot be printed; rename it")
        if not found:
            raise UsageError(f"{name}: no scenario (*.yaml) in this folder")
        files += found
    return list(dict.fromkeys(files))


def _inside(name: str) -> Iterator[str]:
    """Yield the scenario files in a folder and the folders in it."""
    for number, (folder, _, files) in enumerate(os.walk(name)):
        if number == _FOLDERS_MAX:
            raise UsageError(f"{name}: has more than {_FOLDERS_MAX} folders; name the one with the scenarios")
        yield from (os.path.join(folder, file) for file in files if file.endswith((".yaml", ".yml")))
