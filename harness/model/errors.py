"""Define the exceptions that the harness raises for callers' mistakes and for limits of the machine.

::

    HarnessError
    ├── UsageError          bad arguments, nothing ran            exit status 2
    │   ├── ScenarioError   every fault of a scenario file at once
    │   ├── FenceLoadError  a fence reference that names nothing usable
    │   ├── InvariantLoadError  the same of an invariant
    │   ├── ExtensionError  a file with roles, actions and so on that cannot be used
    │   └── GateUnavailable the machine cannot offer the gate asked for
    ├── FormatError         a stored file of the harness that cannot be read
    ├── StoreError          results could not be written           exit status 3
    ├── Shortage            a limit of the machine was met            exit status 3
    └── WorkerDied          a worker ended while it was needed        exit status 3

Exceptions are for mistakes of the caller and for the outside world; a broken invariant of the
harness itself is an ``assert``.
"""

from __future__ import annotations

import dataclasses

__all__ = [
    "ExtensionError",
    "Fault",
    "FenceLoadError",
    "FormatError",
    "GateUnavailable",
    "HarnessError",
    "InvariantLoadError",
    "ScenarioError",
    "Shortage",
    "StoreError",
    "UsageError",
    "WorkerDied",
]

_SHOWN_MAX = 50


class HarnessError(Exception):
    """Base class of everything that the harness raises on purpose."""


class UsageError(HarnessError):
    """The caller asked for something that cannot be done; nothing ran."""


class GateUnavailable(UsageError):
    """The requested gate cannot work on this machine."""


class FenceLoadError(UsageError):
    """A fence reference does not lead to a usable fence."""


class InvariantLoadError(UsageError):
    """The reference of an invariant does not lead to a function that can be used."""


class ExtensionError(UsageError):
    """A file with roles, actions and so on cannot be used, or a role of it draws what no lane can do."""


class FormatError(HarnessError):
    """A stored file (history, witness, plan) is damaged or of an unknown version."""


class StoreError(HarnessError):
    """Results could not be written; violations found so far are still reported."""


class Shortage(HarnessError):
    """A limit of the machine was met: of open files, processes or memory. It says nothing about a fence."""


class WorkerDied(HarnessError):
    """A worker process ended while the harness needed an answer from it."""


@dataclasses.dataclass(frozen=True, order=True)
class Fault:
    """One fault of a scenario file.

    Args:
        file: the file as the user named it.
        line: 1-based line.
        column: 1-based column.
        path: place in the document, e.g. ``lanes[1].rate``; empty for the document.
        message: the value found, the value expected, and how to fix it.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        return where + (f"{self.path}: {self.message}" if self.path else self.message)


class ScenarioError(UsageError):
    """Every fault of one or more scenario files, in line order; the text names the first 50."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults)
        lines = [str(fault) for fault in self.faults[:_SHOWN_MAX]]
        more = len(self.faults) - len(lines)
        if more:
            lines.append(f"and {more} more; mend these first")
        super().__init__("\n".join(lines))
