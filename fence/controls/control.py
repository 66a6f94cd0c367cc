"""Define the attributes that every control has."""

from __future__ import annotations

from typing import ClassVar

from fence.protocol import Fence

__all__ = ["Control"]


class Control(Fence):
    """A fence with one defect; a base class that precedes the fence that the control breaks.

    Attributes:
        defect: the defect, in a sentence without its full stop.
        caught_by: kind of the violation by which the harness must catch it.
        rogue_actions_min: smallest number of rogue actions with which it can show.
        scenario: stem of the file under ``scenarios/`` in which it shows.
        original: registered name of the fence without this defect.
    """

    # No control claims to be sound, even if its original does.
    sound_under: ClassVar[tuple[str, ...]] = ()

    defect: ClassVar[str]
    caught_by: ClassVar[str]
    rogue_actions_min: ClassVar[int]
    scenario: ClassVar[str]
    original: ClassVar[str]
