"""Gates by name, and whether this machine can offer them."""

from __future__ import annotations

__all__ = ["GATES", "unavailable"]

#: Name and what it is for.
GATES = {
    "kernel": "stops each lane before every file call by seccomp user notification (Linux); exact",
    "free": "stops no lane: pauses by seed, a time for each call, and overlapping calls count as racing",
}


def unavailable(name: str) -> str:
    """Return why this machine cannot offer a gate; empty when it can.

    Args:
        name: of the gate, or ``programs`` for what the kernel gate needs to follow them.
    """
    if name not in ("kernel", "programs"):
        return ""
    from harness.gates.kernel.availability import probe, probe_programs

    return probe() or (probe_programs() if name == "programs" else "")
