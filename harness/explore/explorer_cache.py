"""Keeps explorers after their work item, and so the worker processes that the next one can use again.

The next round of a run, the next seed of a control and the next repetition of a benchmark use the same
scenario and the same fence. A schedule begins from nothing, and with new workers where some are not fit
for it any more; so a history does not depend on the age of the workers. One explorer a gate is kept until
another scenario or fence is asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from fence.protocol import Fence
from harness.explore.explorer import Explorer
from harness.scenario.definition import Scenario
from harness.scenario.fence_reference import resolve

__all__ = ["cached_explorer", "cached_pids", "close_all"]


class _Kept(msgspec.Struct, frozen=True):
    """An explorer that waits, and the work that it can do.

    Args:
        scenario: what it runs.
        reference: of the fence, as it stands in histories; two may lead to the same fence.
        fence: the class itself, because a reference may lead to another class by now.
        root: where its session directory is.
        explorer: started.
    """

    scenario: Scenario
    reference: str
    fence: type[Fence]
    root: str
    explorer: Explorer


#: By gate.
_kept: dict[str, _Kept] = {}


@contextlib.contextmanager
def cached_explorer(
    scenario: Scenario, fence: str, gate: str, root: str, *, keep: bool = True
) -> Iterator[Explorer]:
    """Yield a started explorer, and keep it for the next caller unless an error ends the work.

    Args:
        scenario: what to run.
        fence: reference.
        gate: name.
        root: where to make the session directory.
        keep: whether to keep it.

    Raises:
        HarnessError: it cannot be started.
    """
    wanted = resolve(fence)
    for name, kept in list(_kept.items()):
        alike = (kept.scenario, kept.reference, kept.fence) == (scenario, fence, wanted)
        if not alike or (name == gate and kept.root != root):
            _kept.pop(name).explorer.close()
    found = _kept.pop(gate, None)
    explorer = Explorer(scenario, fence, gate, root) if found is None else found.explorer
    well = False
    try:
        yield explorer
        well = True
    except GeneratorExit:
        # Called off between two schedules.
        well = True
        raise
    finally:
        if well and keep:
            _kept[gate] = _Kept(scenario, fence, wanted, root, explorer)
        else:
            explorer.close()


def cached_pids() -> set[int]:
    """Return the process ids of the workers that wait."""
    return {pid for kept in _kept.values() for pid in kept.explorer.gate.pids().values()}


def close_all() -> None:
    """Stop the workers that wait."""
    while _kept:
        _kept.popitem()[1].explorer.close()
