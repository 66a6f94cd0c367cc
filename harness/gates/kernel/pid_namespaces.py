"""PID namespaces: a process cannot see whether a process of another namespace lives.

Each process still has the machine's numbers and is told so; the gate answers
a look for another's: kill(2) says that there is none, and so does /proc.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.gates.kernel.lane import Worker
from harness.gates.kernel.process import Process, by_own_id
from harness.model.program import Program

__all__ = ["PidNamespaces"]

_PROC = b"/proc/"


class PidNamespaces:
    """The processes that each process can see, in one schedule.

    Args:
        workers: by name of their process, also those that are started later.

    Attributes:
        several: whether there is more than one.
    """

    def __init__(self, workers: Mapping[str, Worker]) -> None:
        self._workers = workers
        self._by_process: dict[str, str] = {}
        self.several = False

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        self._by_process = {lane.process: lane.pid_namespace for lane in program.lanes}
        self.several = len(set(self._by_process.values())) > 1

    def hides(self, process: Process, pid: int) -> bool:
        """Return whether a process cannot see another one.

        Args:
            process: that looks.
            pid: of the other one.
        """
        for name, worker in self._workers.items():
            if by_own_id(worker.processes(), pid) is not None:
                return self._by_process.get(name) != self._by_process.get(process.name)
        return False

    def hides_path(self, process: Process, path: bytes) -> bool:
        """Return whether a path leads to what /proc says of a process that cannot be seen."""
        if not path.startswith(_PROC):
            return False
        number = path[len(_PROC) :].partition(b"/")[0]
        return number.isdigit() and self.hides(process, int(number))
