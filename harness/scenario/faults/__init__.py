"""Faults: calls that fail or are cut short, process faults, and the moments at which they strike.

Which operations are hit is drawn by `harness.scenario.plan` and stands in the program. Here a
call that is about to be let go is compared with it; a gate carries the verdict out. A new process
fault is a file here and a line in `registry`.
"""

from __future__ import annotations

from harness.scenario.faults.errors import (
    ERRORS,
    ERRORS_OF_CALL,
    OF_NAMES,
    ErrorName,
    errors_of,
    recorded_name,
)
from harness.scenario.faults.injector import Due, Injector
from harness.scenario.faults.names import (
    CALL_FAULTS,
    CALLS,
    CUTTABLE,
    FAILING,
    FILES,
    INTERRUPTIBLE,
    LOCKING,
    MAKING,
    CallName,
    FileName,
)
from harness.scenario.faults.process_fault import ProcessControl, ProcessFault
from harness.scenario.faults.registry import PROCESS_FAULTS, kinds, process_fault

__all__ = [
    "CALLS",
    "CALL_FAULTS",
    "CUTTABLE",
    "ERRORS",
    "ERRORS_OF_CALL",
    "FAILING",
    "FILES",
    "INTERRUPTIBLE",
    "LOCKING",
    "MAKING",
    "OF_NAMES",
    "PROCESS_FAULTS",
    "CallName",
    "Due",
    "ErrorName",
    "FileName",
    "Injector",
    "ProcessControl",
    "ProcessFault",
    "errors_of",
    "kinds",
    "process_fault",
    "recorded_name",
]
