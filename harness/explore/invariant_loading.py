"""Load the invariants that a scenario and a fence name."""

from __future__ import annotations

from typing import Any

from harness.oracle.invariant_reference import load_invariant, register
from harness.scenario import Scenario

__all__ = ["load_invariants"]


def load_invariants(scenario: Scenario, fence: type[Any]) -> tuple[str, ...]:
    """Load the invariants of a scenario and those of a fence; return their names.

    Raises:
        InvariantLoadError: one of them cannot be loaded.
    """
    names = [load_invariant(one.check, one.each_step) for one in scenario.invariants]
    for one in getattr(fence, "invariant", ()):
        names.append(register(one.__name__, one) if callable(one) else load_invariant(one))
    return tuple(dict.fromkeys(names))
