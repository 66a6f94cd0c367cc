"""List the passes in the order in which they run, again and again until none finds anything."""

from __future__ import annotations

from typing import Final

from harness.shrink.passes.drop_bystanders import drop_bystanders
from harness.shrink.passes.earlier_window import earlier_window
from harness.shrink.passes.fewer_faults import fewer_faults
from harness.shrink.passes.fewer_groups import fewer_groups
from harness.shrink.passes.fewer_lanes import fewer_lanes
from harness.shrink.passes.fewer_lines import fewer_lines
from harness.shrink.passes.fewer_operations import fewer_operations
from harness.shrink.passes.fewer_switches import fewer_switches
from harness.shrink.passes.merge_blocks import merge_blocks
from harness.shrink.passes.pull_up import pull_up
from harness.shrink.passes.reorder import reorder
from harness.shrink.passes.shorter_transcript import shorter_transcript
from harness.shrink.passes.shorter_waits import shorter_waits
from harness.shrink.shrink_pass import Pass

__all__ = ["PASSES"]

PASSES: Final[tuple[Pass, ...]] = (
    drop_bystanders,
    fewer_lanes,
    fewer_switches,
    fewer_groups,
    fewer_operations,
    fewer_faults,
    fewer_lines,
    shorter_transcript,
    shorter_waits,
    merge_blocks,
    earlier_window,
    pull_up,
    reorder,
)
