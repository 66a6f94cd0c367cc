"""Passes in the order in which they are taken, again and again until none finds anything."""

from __future__ import annotations

from typing import Final

from harness.shrink.passes.afresh import afresh
from harness.shrink.passes.bystanders import bystanders
from harness.shrink.passes.earlier import earlier
from harness.shrink.passes.entries import entries
from harness.shrink.passes.faults import faults
from harness.shrink.passes.groups import groups
from harness.shrink.passes.initial import initial
from harness.shrink.passes.lanes import lanes
from harness.shrink.passes.merges import merges
from harness.shrink.passes.operations import operations
from harness.shrink.passes.pulled import pulled
from harness.shrink.passes.switches import switches
from harness.shrink.passes.waits import waits
from harness.shrink.protocol import Pass

__all__ = ["PASSES"]

PASSES: Final[tuple[Pass, ...]] = (
    bystanders,
    lanes,
    switches,
    groups,
    operations,
    faults,
    entries,
    initial,
    waits,
    merges,
    earlier,
    pulled,
    afresh,
)
