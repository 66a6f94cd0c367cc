"""How many steps each lane still has before it, as far as that can be known beforehand.

Strategies that spread themselves evenly over schedules have to know how long each
lane will go on. `harness.explore.calibration` makes a forecast for a program; a `Remaining`
follows one schedule and corrects it as lanes come to their next operations, so that
an operation that turns out short or long is wrong for its own length only.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Sequence

from harness.model.gate import Candidate
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT

__all__ = ["Forecast", "Remaining"]

Lengths = Sequence[Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Expected number of steps by lane and operation.

    Args:
        steps: all of them, thinking and sleeping included.
        visible: those that another lane could tell (not `harness.strategies.racing_pairs.is_inert`).
        transcript: those about the transcript (see `harness.strategies.racing_pairs.subject`).
        lock: those about its write lock.
    """

    steps: Lengths
    visible: Lengths
    transcript: Lengths
    lock: Lengths

    def about(self, subjects: Collection[str]) -> Lengths:
        """Steps about any of some subjects."""
        chosen = [
            lengths
            for name, lengths in ((TRANSCRIPT, self.transcript), (LOCK, self.lock))
            if name in subjects
        ]
        return [[sum(op) for op in zip(*lanes, strict=True)] for lanes in zip(*chosen, strict=True)]


class Remaining:
    """Steps of one class that each lane still has.

    Args:
        lengths: by lane and operation; None when nothing is known, then each lane
            always has one.
    """

    def __init__(self, lengths: Lengths | None) -> None:
        self._lengths = lengths
        if lengths is not None:
            #: By lane: what comes after operation i, at place i + 1.
            self._after = [[*itertools.accumulate(reversed(lane), initial=0.0)][::-1] for lane in lengths]
        self.begin()

    def begin(self) -> None:
        """A schedule begins."""
        count = 0 if self._lengths is None else len(self._lengths)
        self._op = [-1] * count
        self._done = [0] * count

    @property
    def known(self) -> bool:
        """Whether there is anything to go by."""
        return self._lengths is not None

    def left(self, lane: int) -> float:
        """What the lane still has; never less than 0, and a lane that has some left may show 0."""
        if self._lengths is None:
            return 1.0
        op = self._op[lane]
        after = self._after[lane]
        if op < 0:
            return after[0]
        if op >= len(self._lengths[lane]):
            return 0.0
        return after[op + 1] + max(0.0, self._lengths[lane][op] - self._done[lane])

    def total(self) -> float:
        """What all lanes have together."""
        return 0.0 if self._lengths is None else sum(self.left(lane) for lane in range(len(self._lengths)))

    def stands(self, candidate: Candidate) -> None:
        """The lane is about to take a step of this operation: earlier ones are over."""
        if self._lengths is not None and candidate.op > self._op[candidate.lane]:
            self._op[candidate.lane] = candidate.op
            self._done[candidate.lane] = 0

    def took(self, candidate: Candidate) -> None:
        """The lane takes a step of this class."""
        if self._lengths is not None:
            self.stands(candidate)
            self._done[candidate.lane] += 1
