"""Explorers that outlive their job: with them the workers, which the next one would have to start again.

A round of a run, the next seed of a control and the next repetition of a benchmark ask for the
same scenario under the same fence. A schedule begins from nothing, whoever ran before it, and with
new workers where some are not fit for it any more, so it is all the same to a history how old they
are. One explorer a gate is kept, as long as nobody asks for another scenario or fence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from fence.protocol import Fence
from harness.explore.explorer import Explorer
from harness.scenario.definition import Scenario
from harness.scenario.fence_reference import resolve

__all__ = ["dismiss", "pids", "standing"]


class _Kept(msgspec.Struct, frozen=True):
    """An explorer, and what it can be asked.

    Args:
        scenario: what it runs.
        reference: of the fence, as it stands in histories; two may lead to the same.
        fence: the class itself: what a reference leads to may have changed.
        root: where its session directory is.
        explorer: who waits.
    """

    scenario: Scenario
    reference: str
    fence: type[Fence]
    root: str
    explorer: Explorer


#: By gate.
_kept: dict[str, _Kept] = {}


@contextlib.contextmanager
def standing(
    scenario: Scenario, fence: str, gate: str, root: str, *, keep: bool = True
) -> Iterator[Explorer]:
    """An explorer whose workers stand, kept for the next one if all goes well.

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


def pids() -> set[int]:
    """Workers that wait."""
    return {pid for kept in _kept.values() for pid in kept.explorer.gate.pids().values()}


def dismiss() -> None:
    """Stop those workers, too."""
    while _kept:
        _kept.popitem()[1].explorer.close()
