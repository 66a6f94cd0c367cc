"""The witnesses that a scenario has collected: files in a folder beside it, kept under version control.

A folder's name is the scenario's with ``.witnesses``. What it holds is run again before
each search: a mistake that was mended must not come back.
"""

from __future__ import annotations

import hashlib
import os
import re

import msgspec

from harness.model.errors import StoreError
from harness.results.store import write_whole
from harness.results.witness import Witness, encode, read

__all__ = ["folder_of", "keep", "known"]

_SUFFIX = ".witnesses"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX = 120


def folder_of(scenario_file: str) -> str:
    """Where the witnesses of a scenario file are kept, whether there are any or not."""
    return os.path.splitext(scenario_file)[0] + _SUFFIX


def known(scenario_file: str) -> list[tuple[str, Witness]]:
    """Path and content of every witness, in the order of their names.

    Raises:
        FormatError: one of them cannot be read.
    """
    folder = folder_of(scenario_file)
    if not os.path.isdir(folder):
        return []
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    return [(path, read(path)) for path in paths]


def keep(scenario_file: str, witness: Witness) -> str:
    """Add a witness; the same one again changes nothing.

    Returns:
        Its path.

    Raises:
        StoreError: it could not be written.
    """
    folder = folder_of(scenario_file)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made: {error.strerror}; make it writable") from error
    content = msgspec.msgpack.encode((witness.program, witness.schedule))
    mark = hashlib.blake2b(content, digest_size=4).hexdigest()
    name = _UNSAFE.sub("_", f"{witness.claim.kind}.{witness.fence}")[:_NAME_MAX]
    path = os.path.join(folder, f"{name}.{mark}.json")
    write_whole(path, encode(witness))
    return path
