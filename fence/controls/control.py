"""What every control says about itself."""

from __future__ import annotations

from typing import ClassVar

from fence.protocol import Fence

__all__ = ["Control"]


class Control(Fence):
    """A fence with one defect; stands before the fence that it breaks among the bases.

    Attributes:
        defect: what is broken, in a sentence without its full stop.
        caught_by: kind of the violation by which the harness must catch it.
        rogue_actions_min: actions of rogues without which nothing can show.
        scenario: stem of the file under ``scenarios/`` in which it shows.
        original: registered name of the fence that is right in this one point.
    """

    # No control claims to be right, whatever its original does.
    sound_under: ClassVar[tuple[str, ...]] = ()

    defect: ClassVar[str]
    caught_by: ClassVar[str]
    rogue_actions_min: ClassVar[int]
    scenario: ClassVar[str]
    original: ClassVar[str]
