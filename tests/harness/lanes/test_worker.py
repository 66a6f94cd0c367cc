"""Test the work that is done once, in the process that forks the workers."""

from __future__ import annotations

import gc

from harness.lanes import clock_patches, worker


def test_prepare_freezes_objects_and_finds_every_clock() -> None:
    before = gc.get_freeze_count()
    try:
        worker.prepare()
        assert gc.get_freeze_count() > before
        known = clock_patches._found.places
        clock_patches.find_clocks()
        assert known and clock_patches._found.places is known
    finally:
        gc.unfreeze()
