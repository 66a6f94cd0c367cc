"""The share of a run's time limit that each task gets."""

from __future__ import annotations

import time

import msgspec

from harness.explore.search_task import SearchTask

__all__ = ["TimeBudget"]

#: A task gets at least so much, and the last ones none: explorers and workers have to start.
_SHARE_MIN_S = 1.0
#: For a task that is begun just before the end; 0 would be no limit.
_LEAST_S = 0.001
#: Share of a task's time that is kept for shrinking.
_SHRINK_SHARE = 0.1


class TimeBudget:
    """Divides the time of a run among its tasks.

    Args:
        limit_s: for the whole run, from now on; 0 for no limit.
        shrink_limit_s: the most that is kept for shrinking, of each task's time.
    """

    def __init__(self, limit_s: float, shrink_limit_s: float) -> None:
        #: Of `time.monotonic`; None where there is no limit.
        self.deadline = time.monotonic() + limit_s if limit_s else None
        self._shrink_limit_s = shrink_limit_s

    @property
    def over(self) -> bool:
        """Return whether no time is left."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def limited(self, task: SearchTask, tasks_left: int) -> SearchTask:
        """Return the task with its share of the time that is left, if the time is limited.

        Args:
            task: that is begun now.
            tasks_left: how many share the time, with this one.
        """
        if self.deadline is None:
            return task
        left_s = max(_LEAST_S, self.deadline - time.monotonic())
        share_s = min(left_s, max(_SHARE_MIN_S, left_s / tasks_left))
        share_s -= min(self._shrink_limit_s, share_s * _SHRINK_SHARE)
        return msgspec.structs.replace(task, time_limit_s=share_s)
