"""Statistics that an explorer sends, in batches, and the moment at which a batch is due.

The loop over the schedules is in `harness.explore.explorer`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.results.stats import Stats

__all__ = ["StatsBatcher"]

#: Between two batches; the first ones come sooner.
_BATCH_S = 0.1
_PEAK_EVERY_S = 2.0


class StatsBatcher:
    """Collects the statistics of schedules in batches.

    The first batch is due after the first schedule, the next ones when twice the time has
    passed, later ones every tenth of a second: an explorer that hangs and is killed loses at
    most a tenth of a second and at most half of its work.

    Args:
        each: whether a batch says of each schedule what it shows, see `Stats.each`.
        peak_bytes: measures the most memory that was used; asked every two seconds.

    Attributes:
        stats: the batch that is being collected.
    """

    def __init__(self, each: bool, peak_bytes: Callable[[], dict[str, int]]) -> None:
        self._each = each
        self._peak_bytes = peak_bytes
        self.stats = self._empty()
        self._began = self._due = time.monotonic()
        self._peak_due = self._began + _BATCH_S

    def _empty(self) -> Stats:
        return Stats(each={} if self._each else None)

    def due(self) -> bool:
        """Return whether the batch should be sent now."""
        return time.monotonic() >= self._due

    def flush_in_turn(self) -> Stats:
        """Return the batch that was due, and let the next one be due after the usual time."""
        now = time.monotonic()
        if now >= self._peak_due:
            self.stats.peak_bytes = self._peak_bytes()
            self._peak_due = now + _PEAK_EVERY_S
        self._due = now + min(_BATCH_S, now - self._began)
        return self.flush()

    def flush(self) -> Stats:
        """Return the batch as it is and begin an empty one."""
        batch, self.stats = self.stats, self._empty()
        return batch

    def flush_last(self, workers: dict[str, dict[str, int]]) -> Stats:
        """Return the last batch, with what the worker processes use and the most memory that was used."""
        self.stats.workers = workers
        self.stats.peak_bytes = self._peak_bytes()
        return self.flush()
