"""Guided: schedules that begin as earlier ones did up to a rare event, and go on from there at random.

A flaw of several stages, such as a check that retries and fails at the third retry, is found stage by
stage: a schedule that came to the second stage is kept up to there, and the rest is drawn anew. Rarity
is learned while the search runs, as greybox fuzzers do (Lemieux, Sen: FairFuzz, ASE 2018). An event is
a step of a lane, or a step that comes after another lane's change of the same file
(`harness.strategies.events`).

Schedules learn within a *family* of consecutive numbers alone, so that each one is a function of its number.
The part that is drawn is drawn by POS. No bound is known for the chance to find a flaw.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.events import Memory, Trace
from harness.strategies.pos import Pos
from harness.strategies.strategy import Strategy

__all__ = ["Guided"]

#: Share of the schedules that keep nothing of an earlier one.
_FRESH = 0.2
#: Chance to keep one step less than up to the rare event, again and again.
_STEP_BACK = 0.6


class Guided(Strategy):
    """Keep an earlier schedule up to a rare event, take back a few steps, and draw the rest."""

    name: ClassVar[str] = "guided"
    about: ClassVar[str] = (
        "coverage-guided: repeats an earlier schedule up to a rare event, and draws the rest by POS; "
        "for flaws of several stages"
    )
    family_size: int = 128

    def __init__(self) -> None:
        self._rest = Pos()
        self._memory = Memory()
        self._trace: Trace | None = None
        self._index = -1
        self._kept: Sequence[int] = ()

    def missing(self, index: int) -> range:
        """Return the schedules of the family before this one; none if they ran last."""
        first = self.family(index).start
        is_next = index == self._index + 1 and self._trace is not None
        return range(index if is_next or index == self._index else first, index)

    def part(self, index: int) -> Strategy:
        """Take the schedule's number in; learn from the one before it, if that is of the same family."""
        if index != self._index:
            if index == self._index + 1 and self._trace is not None and index != self.family(index).start:
                self._memory.learn(self._trace)
            else:
                self._memory = Memory()
            self._index, self._trace = index, None
        return self

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw what to keep; a schedule that begins again draws the same, for it has learned nothing new."""
        self._kept = self._memory.draw(rng, _STEP_BACK) if rng.random() >= _FRESH else ()
        self._running = Trace()
        self._rest.begin(rng, lanes)

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the lane that is kept for this step; after them, and where it cannot go, the drawn one."""
        place = self._kept_place(candidates)
        if place < 0:
            place = self._rest.pick(candidates)
        self._running.add(candidates[place])
        return place

    def _kept_place(self, candidates: Sequence[Candidate]) -> int:
        at = len(self._running.lanes)
        if at >= len(self._kept):
            return -1
        return next((n for n, one in enumerate(candidates) if one.lane == self._kept[at]), -1)

    def end(self, steps: int) -> None:
        """Keep what happened for the next schedule of the family."""
        self._trace = self._running
