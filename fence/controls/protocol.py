"""What every control says about itself."""

from __future__ import annotations

from typing import ClassVar

from fence.pr84046 import Pr84046Fence

__all__ = ["Control"]


class Control(Pr84046Fence):
    """PR #84046 with one guard left out.

    Attributes:
        defect: the guard that is missing.
        caught_by: kind of the violation by which the harness must catch it.
    """

    defect: ClassVar[str]
    caught_by: ClassVar[str]
