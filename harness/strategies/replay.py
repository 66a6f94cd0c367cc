"""Replay: follow a recorded schedule, and say where it could not be followed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.gates.protocol import Candidate
from harness.schedule import Choice, Schedule

__all__ = ["Replay"]


class Replay:
    """Picks what the record says.

    Where the recorded lane cannot go, or is at another step than recorded, the
    first such place is kept in `diverged`; the replay goes on with the nearest
    thing: the recorded lane if it can go, else the next recorded lane that can.

    Args:
        schedule: what to follow.
    """

    name: ClassVar[str] = "replay"
    about: ClassVar[str] = "follows the schedule of a witness"

    def __init__(self, schedule: Schedule) -> None:
        self._choices = schedule.choices
        self._at = 0
        #: (step, what was recorded, what was there instead), or None.
        self.diverged: tuple[int, Choice | None, str] | None = None
        self._step = 0

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start from the first choice."""
        self._at = self._step = 0
        self.diverged = None

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """The recorded lane, or the nearest thing to it."""
        step, self._step = self._step, self._step + 1
        if self._at >= len(self._choices):
            self._note(step, None, candidates)
            return 0
        choice = self._choices[self._at]
        for index, candidate in enumerate(candidates):
            if candidate.lane == choice.lane:
                if (candidate.op, candidate.ordinal) != (choice.op, choice.ordinal):
                    self._note(step, choice, candidates)
                self._at += 1
                return index
        self._note(step, choice, candidates)
        return self._resume(candidates)

    def _resume(self, candidates: Sequence[Candidate]) -> int:
        lanes = {candidate.lane: index for index, candidate in enumerate(candidates)}
        for later in range(self._at, len(self._choices)):
            index = lanes.get(self._choices[later].lane)
            if index is not None:
                self._at = later + 1
                return index
        return 0

    def _note(self, step: int, choice: Choice | None, candidates: Sequence[Candidate]) -> None:
        if self.diverged is None:
            there = ", ".join(f"lane {c.lane} op {c.op}.{c.ordinal} {c.call} {c.path}" for c in candidates)
            self.diverged = (step, choice, there)

    def end(self, steps: int) -> None:
        """Steps that were recorded and never came are a difference, too."""
        if self.diverged is None and self._at < len(self._choices):
            self.diverged = (steps, self._choices[self._at], "the schedule was over")
