"""SIGKILL of a lane's process."""

from __future__ import annotations

from harness.scenario.faults.process_fault import ProcessControl, ProcessFault

__all__ = ["FAULT"]


def _befall(process: ProcessControl, duration_ns: int) -> None:
    del duration_ns
    process.end()


FAULT = ProcessFault(
    "kill",
    "SIGKILL of the lane's process before a step: all its lanes end, lock files stay",
    "Whether the lane's process is killed instead of taking the step (SIGKILL).",
    _befall,
    "process {process} killed {note}",
    "killed",
    (True,),
    lasts=False,
    cuts=True,
)
