"""Time that runs ahead of what lanes do."""

from __future__ import annotations

from harness.scenario.faults.process_fault import ProcessControl, ProcessFault

__all__ = ["FAULT"]


def _befall(process: ProcessControl, duration_ns: int) -> None:
    process.advance_clock(duration_ns)


FAULT = ProcessFault(
    "ahead",
    "virtual time runs ahead before a step, as after a suspend or a clock that was set",
    "Virtual milliseconds by which time runs ahead before the step.",
    _befall,
    "time runs ahead by {note}",
    "time runs ahead",
    (1000, 7_200_000),
)
