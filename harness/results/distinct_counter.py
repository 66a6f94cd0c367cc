"""Counts different marks in memory that does not grow with the run.

Only the smallest marks are kept (bottom-k, Bar-Yossef et al., RANDOM 2002): the count is
exact as long as all marks fit, and an estimate after that. Each mark is kept with the lowest
schedule that showed it, so that the curve of new marks does not depend on how schedules were
dealt out.
"""

from __future__ import annotations

import msgspec

__all__ = ["MARKS_MAX", "DistinctCounter"]

MARKS_MAX = 1 << 15
_TOP = (1 << 64) - 1


class DistinctCounter(msgspec.Struct):
    """Different marks of 64 bits, each with the first schedule that showed it.

    Args:
        first: lowest index by mark.
        top: the highest mark that is kept; 2^64 - 1 as long as all are kept.
    """

    first: dict[int, int] = msgspec.field(default_factory=dict)
    top: int = _TOP

    def add(self, mark: int, index: int) -> None:
        """Add the mark of a schedule."""
        if mark <= self.top:
            known = self.first.get(mark)
            if known is None or index < known:
                self.first[mark] = index
                if len(self.first) > 2 * MARKS_MAX:
                    self._shorten()

    def merge(self, other: DistinctCounter) -> None:
        """Add the marks of another counter."""
        if other.top < self.top:
            self.top = other.top
            self.first = {mark: index for mark, index in self.first.items() if mark <= self.top}
        for mark, index in other.first.items():
            self.add(mark, index)

    def _shorten(self) -> None:
        self.top, self.first = self._lowest()

    def _lowest(self) -> tuple[int, dict[int, int]]:
        """Return the highest mark that counts, and the marks up to it.

        They do not depend on how schedules were dealt out to counters.
        """
        if len(self.first) <= MARKS_MAX:
            return self.top, self.first
        kept = sorted(self.first)[: MARKS_MAX + 1]
        beyond = kept.pop()
        return beyond - 1, {mark: self.first[mark] for mark in kept}

    @property
    def exact(self) -> bool:
        """Return whether the counts are exact."""
        return self._lowest()[0] == _TOP

    def count(self, before: int | None = None) -> int:
        """Return how many different marks there were.

        Args:
            before: among the schedules below this index; None for all.
        """
        top, marks = self._lowest()
        found = sum(1 for index in marks.values() if before is None or index < before)
        return found if top == _TOP else round(found * (_TOP + 1) / (top + 1))

    def curve(self, schedules: int) -> list[tuple[int, int]]:
        """Return numbers of schedules, each twice the one before, with the different marks they showed."""
        points = []
        at = 1
        while at < schedules:
            points.append((at, self.count(at)))
            at *= 2
        return [*points, (schedules, self.count())] if schedules else []
