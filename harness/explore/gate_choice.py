"""The gate of an explorer, by its name."""

from __future__ import annotations

from harness.gates.kernel.gate import WALL_LIMIT_S, KernelGate
from harness.gates.limits import wall_limit_s
from harness.lanes import worker
from harness.model.debug_spec import DebugSpec
from harness.model.gate import Gate
from harness.system.private_directories import PrivateDirectories

__all__ = ["limit_s", "make_gate"]


def limit_s(gate: str) -> float:
    """Return how many real seconds a gate waits for what hangs."""
    if gate == "kernel":
        return wall_limit_s(WALL_LIMIT_S)
    from harness.gates.free.gate import DEADLINE_S

    return wall_limit_s(DEADLINE_S)


def make_gate(
    name: str, directory: str, private: PrivateDirectories, traces_code: bool, debug: DebugSpec | None
) -> Gate:
    """Return a gate that is not started.

    Args:
        name: of the gate.
        directory: of the session.
        private: directories of programs.
        traces_code: whether outcomes say what the code of the lanes did.
        debug: where lanes stop for a debugger; None for nowhere.
    """
    # Each is imported where it is asked for: an explorer has one, and it is the kernel's mostly.
    if debug is not None:
        from harness.gates.kernel.debug_gate import DebugGate

        return DebugGate(directory, worker.main, private, debug)
    if name == "kernel" and traces_code:
        from harness.gates.kernel.observed_gate import ObservedGate

        return ObservedGate(directory, worker.main, limit_s(name), private)
    if name == "kernel":
        return KernelGate(directory, worker.main, limit_s(name), private)
    assert name == "free", name
    from harness.gates.free.gate import FreeGate

    return FreeGate(directory, worker.main_free, limit_s(name))
