"""Process faults: they happen to a lane, or to its process, in place of a step.

The record says everything that differs by fault: the key of a scenario, what a gate does, how a
story tells it, and whether the shrinker can make it shorter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

__all__ = ["ProcessControl", "ProcessFault"]


class ProcessControl(Protocol):
    """Means of a gate against a lane that is about to take a step, and against its process.

    Times are virtual nanoseconds from now on.
    """

    def end(self) -> None:
        """Kill the process with all its lanes; the history has a step ``kill``, under any name of the fault.

        Where the fault cuts the lane's write short, its first bytes are written before.
        """

    def hold_process(self, duration_ns: int) -> None:
        """Let no lane of the process take a step for a while."""

    def hold_lane(self, duration_ns: int) -> None:
        """Let this lane alone take no step for a while."""

    def advance_clock(self, duration_ns: int) -> None:
        """Let virtual time run ahead for all lanes."""


@dataclasses.dataclass(frozen=True)
class ProcessFault:
    """One process fault.

    Args:
        name: as steps of a history have it; small letters, digits and underscores.
        about: one line for ``list faults``.
        doc: what the key of a scenario means.
        befall: lets it happen, once for each step that it is due at; a duration in nanoseconds.
        told: in a story; may have ``{process}`` and ``{note}``, which says how long and before which call.
        brief: in a diagram, in a word or two.
        samples: values of its key that `fuzz` draws from; the first is the simplest.
        lasts: whether it has a duration. Then its key is the name with ``_ms``, and the shrinker
            brings the duration down; otherwise its key is the name, and its value true.
        repeats: whether it happens again at each such step of the operation after the first.
        calls_only: whether only steps that are about a file count, and neither thinking nor sleeping.
        cuts: whether it may come in the midst of a write that is cut short.
    """

    name: str
    about: str
    doc: str
    befall: Callable[[ProcessControl, int], None]
    told: str
    brief: str
    samples: tuple[int | bool, ...]
    lasts: bool = True
    repeats: bool = False
    calls_only: bool = False
    cuts: bool = False

    @property
    def key(self) -> str:
        """As a scenario's fault has it."""
        return f"{self.name}_ms" if self.lasts else self.name
