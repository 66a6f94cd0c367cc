"""What goes wrong: calls that fail or are cut short, process faults, and when it is their turn.

Which operations are hit is drawn by `harness.scenario.plan` and stands in the program. Here a
call that is about to be let go is compared with it; a gate carries the verdict out. A new process
fault is a file here and a line in `registry`.
"""

from __future__ import annotations

from harness.scenario.faults.injector import Due, Injector
from harness.scenario.faults.names import (
    CALL_FAULTS,
    CALLS,
    CUTTABLE,
    ERRORS,
    FAILING,
    FILES,
    INTERRUPTIBLE,
    CallName,
    ErrorName,
    FileName,
)
from harness.scenario.faults.process_fault import ProcessControl, ProcessFault
from harness.scenario.faults.registry import PROCESS_FAULTS, kinds, process_fault

__all__ = [
    "CALLS",
    "CALL_FAULTS",
    "CUTTABLE",
    "ERRORS",
    "FAILING",
    "FILES",
    "INTERRUPTIBLE",
    "PROCESS_FAULTS",
    "CallName",
    "Due",
    "ErrorName",
    "FileName",
    "Injector",
    "ProcessControl",
    "ProcessFault",
    "kinds",
    "process_fault",
]
