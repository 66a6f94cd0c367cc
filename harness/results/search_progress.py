"""Progress of a search: the schedules that are left, and the statistics of those that were run.

The schedules of an explorer are kept as ranges of their numbers, so that those that are left can
be dealt out anew to any number of explorers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from harness.results.stats import Stats
from harness.strategies.families import pieces
from harness.strategies.strategy import Strategy

__all__ = ["Progress", "Saver", "Share", "deal"]

#: Progress is saved at most so often, and takes at most this share of the time.
_EVERY_S, _COST = 0.5, 0.02


class Progress(msgspec.Struct, tag="progress"):
    """The state of a search that can go on from here.

    Args:
        round_first: number of the first schedule of the current round.
        strategy: name for that round, with the shares of a portfolio.
        left: schedules of that round that have not been run, each ``(start, stop, step)``.
        stats: statistics of all schedules that have been run.
        wall_s: seconds so far.
    """

    round_first: int
    strategy: str
    left: tuple[tuple[int, int, int], ...]
    stats: Stats
    wall_s: float

    @property
    def ranges(self) -> tuple[range, ...]:
        """Schedules of the round that are left."""
        return tuple(range(*one) for one in self.left)


class Share:
    """One explorer's part of a round.

    Args:
        ranges: numbers of its schedules, in the order in which it runs them.
    """

    def __init__(self, ranges: Sequence[range]) -> None:
        self.ranges = tuple(ranges)
        self.done = 0

    @property
    def left(self) -> list[range]:
        """Schedules that it has not run."""
        found, skip = [], self.done
        for one in self.ranges:
            if skip < len(one):
                found.append(one[skip:])
            skip = max(0, skip - len(one))
        return found

    @property
    def next(self) -> int:
        """Number of the schedule that it runs next; higher than any when it has run all."""
        left = self.left
        return left[0].start if left else sys.maxsize


def deal(left: Iterable[range], count: int, strategy: Strategy | None = None) -> list[Share]:
    """Deal schedules out, one to each explorer in turn, and families whole.

    Args:
        left: their numbers.
        count: of explorers.
        strategy: that runs them; None for one without families.
    """
    dealt: list[list[range]] = [[] for _ in range(count)]
    before = 0
    for one in left:
        for piece, whole in [(one, False)] if strategy is None else pieces(one, strategy):
            if whole:
                # To the explorer that has the fewest so far.
                min(dealt, key=_count).append(piece)
                continue
            for number, ranges in enumerate(dealt):
                part = piece[(number - before) % count :: count]
                if part:
                    ranges.append(part)
            before += len(piece)
    return [Share(ranges) for ranges in dealt]


def _count(ranges: Iterable[range]) -> int:
    return sum(map(len, ranges))


class Saver:
    """Saves progress from time to time.

    Args:
        save: stores the progress; its cost decides how often it is called.
        progress: returns the progress to store.
    """

    def __init__(self, save: Callable[[Progress], None], progress: Callable[[], Progress]) -> None:
        self._save = save
        self._progress = progress
        self._due = 0.0

    def now(self) -> None:
        """Save the progress."""
        began = time.monotonic()
        self._save(self._progress())
        ended = time.monotonic()
        self._due = ended + max(_EVERY_S, (ended - began) / _COST)

    def if_due(self) -> None:
        """Save the progress, unless it was saved a moment ago."""
        if time.monotonic() >= self._due:
            self.now()
