"""What is done once, in the process that forks the workers."""

from __future__ import annotations

import gc

from harness.lanes import clock_patches, worker


def test_preparing_leaves_nothing_for_the_collector_nor_any_clock_to_be_found() -> None:
    before = gc.get_freeze_count()
    try:
        worker.prepare()
        assert gc.get_freeze_count() > before
        known = clock_patches._found.places
        clock_patches.find_clocks()
        assert known and clock_patches._found.places is known
    finally:
        gc.unfreeze()
