"""Follow a recorded schedule, and note the first step at which it does not fit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.model.schedule import Choice, Schedule
from harness.strategies.strategy import Strategy

__all__ = ["Recorded"]


class Recorded(Strategy):
    """Choose the recorded step, by (lane, operation, ordinal).

    If the program or the fence differ from those of the record, it resynchronises. A lane that is not
    as far as recorded takes steps that the record does not have, until it is. A recorded step that
    does not come, or whose lane cannot go, is skipped, and its lane catches up at its next recorded
    step. After the end of the record, the choice is always 0: no switch.

    Args:
        schedule: the record.

    Attributes:
        followed: number of recorded choices that were taken as recorded.
        diverged: the first difference, as (step, recorded choice, candidates in words); None without
            one.
    """

    name: ClassVar[str] = "replay"
    about: ClassVar[str] = "follows the schedule of a witness"
    sees_own_steps: ClassVar[bool] = True

    def __init__(self, schedule: Schedule) -> None:
        self._choices = schedule.choices
        self._at = self._step = 0
        self.followed = 0
        self.diverged: tuple[int, Choice | None, str] | None = None

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start with the first recorded choice."""
        self._at = self._step = self.followed = 0
        self.diverged = None

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the recorded lane, or the lane that resynchronises the schedule."""
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
                    self._note_difference(step, choice, candidates)
                    return index
            self._note_difference(step, choice, candidates)
            self._at += 1
        self._note_difference(step, None, candidates)
        return 0

    def _note_difference(self, step: int, choice: Choice | None, candidates: Sequence[Candidate]) -> None:
        if self.diverged is None:
            there = ", ".join(f"lane {c.lane} op {c.op}.{c.ordinal} {c.call} {c.path}" for c in candidates)
            self.diverged = (step, choice, there)

    def end(self, steps: int) -> None:
        """Count recorded steps that did not come as a difference, too."""
        if self.diverged is None and self._at < len(self._choices):
            self.diverged = (steps, self._choices[self._at], "the schedule was over")


def _place(candidate: Candidate) -> tuple[int, int]:
    return candidate.op, candidate.ordinal
