"""The rounds of a search, and what is left of one.

The shares of a portfolio follow from whole rounds before, so schedules are dealt out round by round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from harness.explore.search_task import Result, SearchTask
from harness.results.schedule_ranges import joined
from harness.results.search_progress import Progress
from harness.results.stats import Stats

__all__ = ["Round", "rounds"]


class Round(NamedTuple):
    """The part of a round that is left.

    Args:
        first: its first schedule.
        left: schedules that have not been run.
        strategy: name, with the shares of a portfolio.
    """

    first: int
    left: Sequence[range]
    strategy: str

    def progress(self, left: Callable[[], Iterable[range]], stats: Stats, started: float) -> Progress:
        """Return what a later run needs to go on from here.

        Args:
            left: returns the schedules of the round that have not been run.
            stats: of all schedules so far.
            started: when the search was, on the monotonic clock, in seconds.
        """
        parts = tuple((part.start, part.stop, part.step) for part in joined(left()))
        return Progress(self.first, self.strategy, parts, stats, time.monotonic() - started)


def rounds(task: SearchTask, result: Result, since: Progress | None) -> Iterator[Round]:
    """Yield the rounds that are left.

    The shares of a round follow from whole rounds before it, so there is none after an incomplete one.
    """
    before = 0
    for indices in task.rounds():
        if since is not None and indices.start == since.round_first:
            yield Round(indices.start, since.ranges, since.strategy)
        elif since is None or indices.start > since.round_first:
            if result.stats.schedules < before:
                return
            yield Round(indices.start, (indices,), task.strategy_after(result.stats))
        before += indices.stop - indices.start
