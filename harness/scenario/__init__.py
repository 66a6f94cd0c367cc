"""Read scenario files.

Explorers need only `definition`, which is imported at once. The functions below need a YAML reader and
a validator, which are imported when one of the functions is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from harness.scenario.definition import (
    KINDS,
    Expectation,
    FaultSettings,
    FilesystemSettings,
    Kind,
    Scenario,
    TranscriptSettings,
    dump,
)

if TYPE_CHECKING:
    from harness.scenario.json_schema import schema
    from harness.scenario.loader import load, load_all, load_data

__all__ = [
    "KINDS",
    "Expectation",
    "FaultSettings",
    "FilesystemSettings",
    "Kind",
    "Scenario",
    "TranscriptSettings",
    "dump",
    "load",
    "load_all",
    "load_data",
    "schema",
]

_LATE = {
    "load": "harness.scenario.loader",
    "load_all": "harness.scenario.loader",
    "load_data": "harness.scenario.loader",
    "schema": "harness.scenario.json_schema",
}


def __getattr__(name: str) -> object:
    """Import a module when one of its functions is first used (PEP 562)."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
