"""Reactions that a handler may have to a pending system call.

The four reactions are values: a handler makes no system call for the tracee, and `notifications`
applies what it returns.
"""

from __future__ import annotations

from typing import Final

import msgspec

from harness.gates.kernel.process import Status

__all__ = ["CONTINUE", "STOP_AT_FILE", "Answer", "Continue", "Inconclusive", "Reaction", "Stop"]


class Continue(msgspec.Struct, frozen=True):
    """Let the kernel run the call."""


class Answer(msgspec.Struct, frozen=True):
    """Return from the call in the kernel's place.

    Args:
        value: what the call returns.
        error: a negative errno; 0 for success.
    """

    value: int = 0
    error: int = 0


class Stop(msgspec.Struct, frozen=True):
    """Leave the task stopped before the call until a step is granted to it.

    Args:
        status: a constant of `Status`.
        wake_ns: for `Status.SLEEP`, the virtual time at which the call returns.
    """

    status: str
    wake_ns: int = 0


class Inconclusive(msgspec.Struct, frozen=True):
    """Note that the effects of this schedule are not known, then react otherwise.

    Args:
        reason: why they are not known.
        then: the reaction to the call.
    """

    reason: str
    then: Continue | Answer | Stop


Reaction = Continue | Answer | Stop | Inconclusive

CONTINUE: Final = Continue()
#: The usual stop, made once: a step costs some 30 microseconds.
STOP_AT_FILE: Final = Stop(Status.FILE)
