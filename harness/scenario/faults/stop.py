"""SIGSTOP of a lane's process, and SIGCONT later."""

from __future__ import annotations

from harness.scenario.faults.process_fault import ProcessControl, ProcessFault

__all__ = ["FAULT"]


def _befall(process: ProcessControl, duration_ns: int) -> None:
    process.hold_process(duration_ns)


FAULT = ProcessFault(
    "stop",
    "SIGSTOP of the lane's process before a step, and SIGCONT so much virtual time later",
    "Virtual milliseconds for which the lane's process is stopped before the step, as by SIGSTOP.",
    _befall,
    "process {process} stopped for {note}",
    "stopped",
    (300, 70_000),
)
