"""The file of ``--out`` that a command writes at its end: refused before it begins, not after minutes."""

from __future__ import annotations

import os

from harness.model.errors import StoreError, UsageError
from harness.system.output_file import OutputFile

__all__ = ["output_of"]


def output_of(path: str) -> OutputFile:
    """Return the file that a path names, which nothing is written to yet.

    Raises:
        UsageError: nothing can be written there.
    """
    try:
        out = OutputFile(path)
    except StoreError as error:
        raise UsageError(f"--out {error}") from error
    folder = os.path.dirname(path) or "."
    if out.is_stream:
        return out
    if not os.path.isdir(folder):
        raise UsageError(f"--out {path}: no folder to write into; make it, or give another")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out {path}: its folder may not be written to; give another")
    return out
