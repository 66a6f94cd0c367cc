"""Passes in the order in which they are taken, again and again until none finds anything."""

from __future__ import annotations

from typing import Final

from harness.shrink.passes.drop_bystanders import bystanders
from harness.shrink.passes.earlier_window import earlier
from harness.shrink.passes.fewer_faults import faults
from harness.shrink.passes.fewer_groups import groups
from harness.shrink.passes.fewer_lanes import lanes
from harness.shrink.passes.fewer_lines import entries
from harness.shrink.passes.fewer_operations import operations
from harness.shrink.passes.fewer_switches import switches
from harness.shrink.passes.merge_blocks import merges
from harness.shrink.passes.pull_up import pulled
from harness.shrink.passes.reorder import afresh
from harness.shrink.passes.shorter_transcript import initial
from harness.shrink.passes.shorter_waits import waits
from harness.shrink.shrink_pass import Pass

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
