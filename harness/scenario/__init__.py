"""Scenario files: what is in one, and how it is read.

`model` is all that explorers need and is imported at once. The functions below
pull in a YAML reader and a validator, and only when one of them is asked for.
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
    """Import the loader when one of its functions is asked for (PEP 562)."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
