"""``run``: search scenarios for schedules that break a fence."""

from __future__ import annotations

import argparse

from harness.cli.cluster_option import coordinator_for
from harness.cli.resume import completed
from harness.cli.settings import with_settings
from harness.model.errors import UsageError

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Run every scenario against every fence; see `harness.cli` for the exit status."""
    resumed = arguments.resume is not None
    if resumed and arguments.force:
        raise UsageError("--force: given with --resume, which goes on with the run of its folder; give one")
    # A resumed run has the options that it was started with.
    arguments = completed(arguments if resumed else with_settings(arguments), arguments.resume)
    with coordinator_for(arguments) as coordinator:
        # The first explorer starts while the rest is imported, and scenarios are read.
        coordinator.start_ahead()
        from harness.cli.run_search import search

        status = search(arguments, coordinator, resumed)
    return status
