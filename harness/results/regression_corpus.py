"""The witnesses kept for a scenario: files in a folder beside it, under version control.

The folder has the scenario's name with ``.witnesses``. Its witnesses are run again before
each search, so that a mended mistake cannot come back unseen.
"""

from __future__ import annotations

import hashlib
import os
import re

import msgspec

from harness.model.errors import StoreError
from harness.results.witness import Witness, encode, read
from harness.system.output_file import write_whole

__all__ = ["folder_of", "keep", "known"]

_SUFFIX = ".witnesses"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX = 120


def folder_of(scenario_file: str) -> str:
    """Return the folder for the witnesses of a scenario file; it need not exist."""
    return os.path.splitext(scenario_file)[0] + _SUFFIX


def known(scenario_file: str) -> list[tuple[str, Witness]]:
    """Return path and content of every witness, in the order of their names.

    Raises:
        FormatError: one of them cannot be read.
    """
    folder = folder_of(scenario_file)
    if not os.path.isdir(folder):
        return []
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    return [(path, read(path)) for path in paths]


def keep(scenario_file: str, witness: Witness) -> str:
    """Add a witness, unless it is there already.

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
