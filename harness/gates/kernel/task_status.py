"""The states of a task: a lane, or a thread of a process that a worker started."""

from __future__ import annotations

from typing import Final

__all__ = ["Status"]


class Status:
    """States of a task. Plain strings: members of an Enum cost a look-up each time before Python 3.12."""

    MOVING: Final = "was let go and has not stopped yet"
    FILE: Final = "stands before a file call"
    THINK: Final = "waits for its model"
    SLEEP: Final = "sleeps in virtual time"
    TIMER: Final = "has a timer that ends"
    FLOCK: Final = "waits for an flock"
    ASLEEP: Final = "sleeps in the kernel"
    TURN: Final = "waits for its turn at an adapter"
    DONE: Final = "has no more operations"
    DEAD: Final = "its process is gone"
