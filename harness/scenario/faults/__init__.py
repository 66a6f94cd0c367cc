"""What goes wrong: calls that fail or are cut short, process faults of a process, and when it is their turn.

Which operations are hit is drawn by `harness.scenario.plan` and stands in the program. Here a
call that is about to be let go is compared with it; a gate carries the verdict out.
"""

from __future__ import annotations

from harness.scenario.faults.injector import Due, Injector
from harness.scenario.faults.names import (
    CALLS,
    CUTTABLE,
    ERRORS,
    FAILING,
    FILES,
    INTERRUPTIBLE,
    KINDS,
    CallName,
    ErrorName,
    FileName,
)

__all__ = [
    "CALLS",
    "CUTTABLE",
    "ERRORS",
    "FAILING",
    "FILES",
    "INTERRUPTIBLE",
    "KINDS",
    "CallName",
    "Due",
    "ErrorName",
    "FileName",
    "Injector",
]
