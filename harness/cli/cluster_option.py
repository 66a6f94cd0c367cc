"""``--cluster``: which coordinator a command has, and what of a run cannot be spread over machines."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.output import remark
from harness.explore.coordinator import Coordinator
from harness.model.errors import UsageError

if TYPE_CHECKING:
    from harness.explore.search_task import SearchTask

__all__ = ["admit", "coordinator_for"]


def coordinator_for(arguments: argparse.Namespace) -> Coordinator:
    """Return the coordinator of a search: of this machine, or of the cluster that is asked for.

    Raises:
        UsageError: there is no such cluster, or what it takes is not installed.
    """
    if arguments.cluster is None:
        explorers = arguments.explorers or len(os.sched_getaffinity(0))
        return Coordinator(explorers, arguments.session_root)
    # Dask is imported for `--cluster` alone.
    from harness.explore.cluster.coordinator import ClusterCoordinator
    from harness.explore.cluster.scheduler import check

    check(arguments.cluster)
    return ClusterCoordinator(arguments.cluster, arguments.session_root, remark)


def admit(
    coordinator: Coordinator, arguments: argparse.Namespace, gate: str, searches: Sequence[SearchTask]
) -> None:
    """See that the machines of a cluster can run some searches; on this machine there is nothing to see.

    Args:
        coordinator: of `coordinator_for`.
        arguments: of the command.
        gate: name of the gate.
        searches: what will be asked.

    Raises:
        UsageError: they cannot; the message names each machine and why.
    """
    if arguments.cluster is None:
        return
    from harness.explore.cluster.coordinator import ClusterCoordinator
    from harness.explore.cluster.shipping import shipment_of
    from harness.explore.search_task import ExhaustiveTask

    assert isinstance(coordinator, ClusterCoordinator)
    where = f"--cluster {arguments.cluster}"
    for search in searches:
        if isinstance(search, ExhaustiveTask):
            raise UsageError(
                f"{where}: --strategy exhaustive searches a tree that grows while it is searched; "
                "run it on one machine"
            )
        if search.scenario.filesystem.inode_reuse == "real":
            raise UsageError(
                f"{where}: scenario {search.scenario.name}: filesystem.inode_reuse: real differs from one "
                "machine to another; run it on one, or take always or never"
            )
    shipment = shipment_of(searches)
    if shipment.in_place:
        remark(f"--cluster: {shipment.in_place}; it has to be on every machine")
    confined = bool(getattr(arguments, "require_confinement", False))
    coordinator.admit(gate, confined, shipment)
