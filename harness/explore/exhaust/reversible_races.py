"""Finds the steps of one execution that could have come in the other order.

Happens-before is the order within a lane and that between conflicting steps. Two
steps are in a *race* when they conflict and nothing between them orders them already.
Abdulla, Aronis, Jonsson, Sagonas: Optimal Dynamic Partial Order Reduction, POPL 2014.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.model.access_set import AccessSet, conflict

__all__ = ["Trace"]


class Trace:
    """Steps in the order in which they were taken, with their happens-before.

    Args:
        lanes: lane of each step.
        access_sets: of each step.
        count: number of lanes.
    """

    def __init__(self, lanes: Sequence[int], access_sets: Sequence[AccessSet], count: int) -> None:
        self.lanes = lanes
        self._access_sets = access_sets
        #: For each step and lane, the last step of that lane that happens before it or is it.
        self._clocks: list[list[int]] = []
        #: The same without the step itself and the steps that it conflicts with.
        self._bases: list[list[int]] = []
        self._races: list[tuple[int, int]] = []
        last: list[list[int] | None] = [None] * count
        for late, lane in enumerate(lanes):
            base = last[lane]
            clock = [-1] * count if base is None else list(base)
            self._bases.append(list(clock))
            for early in range(late - 1, -1, -1):
                other = lanes[early]
                if early > clock[other] and other != lane and conflict(access_sets[early], access_sets[late]):
                    self._races.append((early, late))
                    clock = [max(pair) for pair in zip(clock, self._clocks[early], strict=True)]
            clock[lane] = late
            self._clocks.append(clock)
            last[lane] = clock

    def races(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs (early, late) of steps that could have come the other way round."""
        yield from self._races

    def waited(self, early: int, late: int) -> bool:
        """Return whether `late` waited for something that `early` released, and so had to come after it."""
        return not self._access_sets[late].waits.isdisjoint(self._access_sets[early].frees)

    def earlier(self, early: int, late: int) -> int | None:
        """Return the last step of the same lane before `early` that `late` conflicts with; None for none.

        Used where the later step's lane could not move before `early`, because it waited
        for a lock. Then the order of the two acquisitions can be reversed.
        """
        lane = self.lanes[early]
        for step in range(early - 1, self._bases[late][lane], -1):
            if self.lanes[step] == lane and conflict(self._access_sets[step], self._access_sets[late]):
                return step
        return None

    def initials(self, early: int, late: int) -> list[int]:
        """Return the lanes that may go instead of `early` so that `late` comes before it.

        Returns:
            Lanes whose first step after `early` depends on nothing there, among the steps
            that do not happen after `early`, and `late`; the lane of `late` first if it is one.
        """
        rest = [step for step in range(early + 1, late) if not self._before(early, step)]
        rest.append(late)
        found: list[int] = []
        seen: set[int] = set()
        for place, step in enumerate(rest):
            lane = self.lanes[step]
            if lane in seen:
                continue
            seen.add(lane)
            if not any(self._before(other, step) for other in rest[:place]):
                found.append(lane)
        wanted = self.lanes[late]
        if wanted in found:
            found.remove(wanted)
            found.insert(0, wanted)
        return found

    def _before(self, early: int, late: int) -> bool:
        return self._clocks[late][self.lanes[early]] >= early
