"""Check that the stored progress of a search leaves out none of the schedules that were asked for."""

from __future__ import annotations

import itertools
import math

from harness.explore.search_task import SearchTask
from harness.model.errors import UsageError
from harness.results.search_progress import Progress
from harness.strategies import make
from harness.strategies.portfolio import Portfolio

__all__ = ["wrong_with"]

#: So many ranges are compared pair by pair; a run has at most one for each explorer and resumed run.
_COMPARED_MAX = 512


def wrong_with(progress: Progress, task: SearchTask) -> str:
    """Return why a search cannot go on from there; empty if it can.

    Args:
        progress: as it was stored.
        task: what is asked for.
    """
    if not task.resumable:
        return "of a search that keeps no progress"
    current, before = None, 0
    for one in task.rounds():
        if one.start == progress.round_first:
            current = one
            break
        before += one.stop - one.start
    if current is None:
        return f"no round begins with schedule {progress.round_first}"
    for start, stop, step in progress.left:
        if step < 1 or start >= stop or start < current.start:
            return f"range {start}, {stop}, {step} is not of the schedules {current.start} to {current.stop}"
        if start + (stop - start - 1) // step * step >= current.stop:
            return f"range {start}, {stop}, {step} ends behind schedule {current.stop}"
    left = sum((stop - start - 1) // step + 1 for start, stop, step in progress.left)
    done = before + current.stop - current.start - left
    if progress.stats.schedules != done:
        return f"says that {progress.stats.schedules} schedules were run, and leaves {left} of {current.stop}"
    if len(progress.left) <= _COMPARED_MAX and any(
        _meet(*pair) for pair in itertools.combinations(progress.left, 2)
    ):
        return "names a schedule twice that is left, so another is missing"
    if min(progress.stats.distinct.top, progress.stats.classes.top) < 0:
        return "counts marks below 0"
    if not 0 <= progress.wall_s < math.inf:
        return f"says that it took {progress.wall_s} s"
    return _wrong_with_strategy(progress.strategy, task)


def _wrong_with_strategy(strategy: str, task: SearchTask) -> str:
    learnt = task.strategy == Portfolio.name and strategy.startswith(f"{Portfolio.name}:")
    if strategy == task.strategy:
        return ""
    if not learnt:
        return f"strategy {strategy} in place of {task.strategy}"
    try:
        make(strategy)
    except UsageError as error:
        return str(error)
    return ""


def _meet(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Return whether two ranges have a number in common (Chinese remainder theorem)."""
    (start, stop, step), (start_2, stop_2, step_2) = one, other
    common = math.gcd(step, step_2)
    if (start_2 - start) % common:
        return False
    turns = step_2 // common
    first = start + (start_2 - start) // common * pow(step // common, -1, turns) % turns * step
    period = step * turns
    lowest = max(start, start_2)
    first += -(-(lowest - first) // period) * period if first < lowest else 0
    return first < min(stop, stop_2)
