"""Replay: follow a recorded schedule, catch up where it does not fit, and say where that was first."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.model.schedule import Choice, Schedule
from harness.strategies.strategy import Strategy

__all__ = ["Replay"]


class Replay(Strategy):
    """Picks what the record says, by (lane, operation, ordinal).

    Where program or fence are no longer those of the record, it resynchronises: a
    lane that is not as far as recorded takes the steps that the record does not know,
    until it is; a recorded step that never came, or whose lane cannot go, is left out,
    and its lane makes up for it when it is named next. When the record is over, nobody
    is preferred.

    Args:
        schedule: what to follow.
    """

    name: ClassVar[str] = "replay"
    about: ClassVar[str] = "follows the schedule of a witness"

    def __init__(self, schedule: Schedule) -> None:
        self._choices = schedule.choices
        self._at = self._step = 0
        #: Recorded choices that were taken as recorded.
        self.followed = 0
        #: (step, what was recorded, what was there instead) where it did not fit first, or None.
        self.diverged: tuple[int, Choice | None, str] | None = None

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start from the first choice."""
        self._at = self._step = self.followed = 0
        self.diverged = None

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """The recorded lane, or the nearest thing to it."""
        step, self._step = self._step, self._step + 1
        where = {candidate.lane: index for index, candidate in enumerate(candidates)}
        while self._at < len(self._choices):
            choice = self._choices[self._at]
            index = where.get(choice.lane)
            if index is not None:
                there, recorded = _place(candidates[index]), (choice.op, choice.ordinal)
                if there == recorded:
                    self._at += 1
                    self.followed += 1
                    return index
                if there < recorded:
                    self._note(step, choice, candidates)
                    return index
            self._note(step, choice, candidates)
            self._at += 1
        self._note(step, None, candidates)
        return 0

    def _note(self, step: int, choice: Choice | None, candidates: Sequence[Candidate]) -> None:
        if self.diverged is None:
            there = ", ".join(f"lane {c.lane} op {c.op}.{c.ordinal} {c.call} {c.path}" for c in candidates)
            self.diverged = (step, choice, there)

    def end(self, steps: int) -> None:
        """Steps that were recorded and never came are a difference, too."""
        if self.diverged is None and self._at < len(self._choices):
            self.diverged = (steps, self._choices[self._at], "the schedule was over")


def _place(candidate: Candidate) -> tuple[int, int]:
    return candidate.op, candidate.ordinal
