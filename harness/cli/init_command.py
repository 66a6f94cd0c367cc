"""``init``: write a folder to start from: a fence, scenarios, tests, a CI file."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from harness.cli.called_as import command
from harness.cli.output import emit
from harness.cli.status import OK
from harness.model.errors import StoreError, UsageError
from harness.system.output_file import write_whole
from harness.system.shipped import shipped

__all__ = ["FENCES", "main"]

#: The reference of a starting folder's fence, by language.
FENCES = {"python": "my_fence.py:MyFence", "node": "exec:node my_fence.mjs"}
_FURTHER = {"python": (), "node": ("examples/node/host.mjs",)}


def main(arguments: argparse.Namespace) -> int:
    """Write the files, or none where one of them is there already; see `harness.cli` for the exit status."""
    files = _files(arguments.language, arguments.install or _origin())
    paths = {os.path.join(arguments.folder, name): content for name, content in files.items()}
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        raise UsageError(f"{', '.join(there)}: there already, and nothing was written; give another folder")
    _write(arguments.folder, paths)
    for path in paths:
        emit(path)
    emit(f"\nnext: cd {shlex.quote(arguments.folder)} && {command()} run")
    return OK


def _write(folder: str, contents: Mapping[str, bytes]) -> None:
    """Write all files, or leave nothing of them.

    Raises:
        UsageError: one cannot be written.
    """
    made: list[str] = []
    try:
        for path, content in contents.items():
            for parent in _missing(os.path.dirname(path)):
                os.mkdir(parent)
                made.append(parent)
            made.append(path)
            write_whole(path, content)
    except (OSError, ValueError, StoreError) as error:
        _remove(made)
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{folder}: cannot be written: {why}; give another folder") from error
    except BaseException:
        _remove(made)
        raise


def _missing(folder: str) -> list[str]:
    """Return the folders on the way to a folder, and itself, that are not there; the outermost first."""
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing[::-1]


def _remove(made: Sequence[str]) -> None:
    for path in reversed(made):
        with contextlib.suppress(OSError):
            (os.rmdir if os.path.isdir(path) else os.unlink)(path)


def _files(language: str, install: str) -> dict[str, bytes]:
    """Return the content of each file by its path in the folder."""
    found = {}
    for part in ("common", language):
        top = shipped(os.path.join("examples", "starter", part))
        for folder, _, names in os.walk(top):
            # pip compiles what it installs.
            for name in () if os.path.basename(folder) == "__pycache__" else names:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, top)] = _content(path)
    for further in _FURTHER[language]:
        found[os.path.basename(further)] = _content(shipped(further))
    return {name: _filled(found[name], FENCES[language], install) for name in sorted(found)}


def _filled(content: bytes, fence: str, install: str) -> bytes:
    return content.replace(b"@FENCE@", fence.encode()).replace(b"@INSTALL@", install.encode())


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _origin() -> str:
    """Return what pip was told to install, where that is an address that another machine can use.

    pip writes it down in ``direct_url.json`` (PEP 610); a file of this machine says nothing to another.
    """
    try:
        text = distribution("takeover-harness").read_text("direct_url.json")
    except PackageNotFoundError:
        text = None
    found: dict[str, Any] = json.loads(text) if text else {}
    url, vcs = str(found.get("url", "")), found.get("vcs_info", {})
    if not url.startswith(("https://", "ssh://")) or not vcs:
        return ""
    return f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'main')}"
