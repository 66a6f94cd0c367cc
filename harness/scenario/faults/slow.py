"""A slow disk: file calls of one operation take their time."""

from __future__ import annotations

from harness.scenario.faults.process_fault import ProcessControl, ProcessFault

__all__ = ["FAULT"]


def _befall(process: ProcessControl, duration_ns: int) -> None:
    process.hold_lane(duration_ns)


FAULT = ProcessFault(
    "slow",
    "a slow disk: each file call of an operation takes so much virtual time",
    "Virtual milliseconds that each of these file calls of the operation takes, from the nth on.",
    _befall,
    "slow disk: {note}",
    "slow disk",
    (5, 300),
    repeats=True,
    calls_only=True,
)
