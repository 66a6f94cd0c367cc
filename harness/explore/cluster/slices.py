"""The schedules of a round, cut into slices: those that wait, those that run, and those that are given up.

Each schedule is in exactly one place, so a slice that is lost with its machine is run again, and one whose
result came late counts once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from harness.strategies.families import whole_until
from harness.strategies.strategy import Strategy

__all__ = ["ATTEMPTS_MAX", "Slices"]

#: A slice that was lost so often is given up: the machines may have died of it.
ATTEMPTS_MAX = 3
#: Schedules of the first slices of a search, whose speed is not known.
_FIRST = 16
_LEAST = 4
#: A slice has at most this share of what is left for a seat, so that all end at about the same time.
_SHARE = 0.5
#: Weight of the last slice in the speed that is expected of the next one.
_NEW = 0.3


class Slices:
    """The slices of one round.

    Args:
        left: schedules of the round that are to be run.
        slice_s: how long a slice should take.
        strategy: that runs them; no slice ends within one of its families. None for one without any.

    Attributes:
        rate: schedules a second of one seat; 0 as long as it is not known.
        unrun: schedules that were given up.
    """

    def __init__(self, left: Iterable[range], slice_s: float, strategy: Strategy | None = None) -> None:
        self._strategy = strategy
        self._waiting = deque(one for one in left if one)
        #: Those that were lost, to be run again as they were, with the times that they were begun.
        self._again: deque[tuple[range, int]] = deque()
        self._running: dict[str, tuple[range, int]] = {}
        self._slice_s = slice_s
        self.rate = 0.0
        self.unrun: list[range] = []

    @property
    def waiting(self) -> bool:
        """Whether there is a slice to be begun."""
        return bool(self._waiting or self._again)

    @property
    def running(self) -> dict[str, range]:
        """The slices that run, by name."""
        return {name: numbers for name, (numbers, _) in self._running.items()}

    def begin(self, name: str, seats: int) -> range | None:
        """Return the numbers of the next slice, which runs from now on; None where there is none.

        Args:
            name: of the slice.
            seats: how many slices can run at a time.
        """
        if self._again:
            numbers, times = self._again.popleft()
            self._running[name] = numbers, times + 1
            return numbers
        if not self._waiting:
            return None
        left = sum(map(len, self._waiting))
        wanted = round(self.rate * self._slice_s) if self.rate else _FIRST
        wanted = max(_LEAST, min(wanted, round(left * _SHARE / seats)))
        whole = self._waiting.popleft()
        if self._strategy is not None:
            wanted = whole_until(whole, wanted, self._strategy)
        numbers, rest = whole[:wanted], whole[wanted:]
        if rest:
            self._waiting.appendleft(rest)
        self._running[name] = numbers, 1
        return numbers

    def end(self, name: str, left: Iterable[range], again: bool) -> range | None:
        """End a slice, and return its numbers; None where it does not run any more.

        Args:
            name: of the slice.
            left: of its schedules, those that were not run.
            again: whether they wait again; else they are given up.
        """
        found = self._running.pop(name, None)
        if found is None:
            return None
        if again:
            self._waiting.extendleft(reversed([one for one in left if one]))
        else:
            self.unrun += [one for one in left if one]
        return found[0]

    def lose(self, name: str) -> bool:
        """Note that a slice was lost with its machine; return whether it is run again, and not given up."""
        numbers, times = self._running.pop(name)
        if times >= ATTEMPTS_MAX:
            self.unrun.append(numbers)
            return False
        self._again.append((numbers, times))
        return True

    def note_speed(self, rate: float) -> None:
        """Note how many schedules a second a seat has run."""
        self.rate = rate if not self.rate else (1 - _NEW) * self.rate + _NEW * rate

    def drop_above(self, number: int) -> None:
        """Give up the schedules that wait and are above a number; -1 for all."""
        waiting = list(self._waiting)
        self._waiting.clear()
        for one in waiting:
            stop = max(one.start, min(one.stop, number + 1))
            kept = range(one.start, stop, one.step)
            self._waiting += [kept] if kept else []
            self.unrun += [one[len(kept) :]] if len(kept) < len(one) else []
        for numbers, times in [*self._again]:
            if numbers.start > number:
                self._again.remove((numbers, times))
                self.unrun.append(numbers)

    def left(self) -> Iterator[range]:
        """Yield all schedules that have not been run."""
        yield from self._waiting
        yield from (one for one, _ in self._again)
        yield from (one for one, _ in self._running.values())
        yield from self.unrun
