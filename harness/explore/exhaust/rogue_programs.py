"""All programs of a scenario's rogue up to so many actions, in the manner of ACE.

Mohan, Martinez, Ponnapalli, Raju, Chidambaram: Finding Crash-Consistency Bugs with
Bounded Black-Box Crash Testing, OSDI 2018: most bugs need few operations, so all
sequences of few operations are worth trying. The operations of the other lanes are drawn once.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import msgspec

from harness.model.errors import UsageError
from harness.model.program import LaneProgram, Op, Program
from harness.scenario import plan
from harness.scenario.actions import ACTIONS
from harness.scenario.definition import Scenario
from harness.scenario.roles import ROLES
from harness.scenario.roles.editor import EditorSettings

__all__ = ["Programs"]

_ROGUE = "editor"


class Programs:
    """Programs by number; number 0 is the one without any rogue action.

    Args:
        scenario: its first editor's actions are tried; those of the other lanes are drawn.
        seed: of the run.
        actions_max: longest sequence of actions; 0 for the drawn program alone, with
            the actions drawn for its rogues.

    Raises:
        UsageError: there is no editor to try actions with.
    """

    def __init__(self, scenario: Scenario, seed: int, actions_max: int) -> None:
        self._base = plan.draw(scenario, seed, 0)
        self._seed = seed
        self._sequences: list[tuple[str, ...]] = [()]
        self._rogue = -1
        if not actions_max:
            return
        settings = next((lane for lane in scenario.lanes if isinstance(lane, EditorSettings)), None)
        if settings is None:
            there = ", ".join(lane.role_name for lane in scenario.lanes)
            raise UsageError(
                f"scenario {scenario.name}: lanes: --rogue-actions needs a lane of the role {_ROGUE} whose "
                f"`actions` it can try; the roles here are {there}"
            )
        assert _ROGUE in ROLES
        self._rogue = next(at for at, lane in enumerate(self._base.lanes) if lane.role == _ROGUE)
        names = tuple(ACTIONS.built_in) if settings.actions == "all" else settings.actions
        for length in range(1, actions_max + 1):
            self._sequences += itertools.product(names, repeat=length)

    def __len__(self) -> int:
        return len(self._sequences)

    def label(self, number: int) -> str:
        """Return the actions of a program, in which it differs from the others."""
        return ", ".join(self._sequences[number]) or "nothing"

    def program(self, number: int) -> Program:
        """Return the program of this number."""
        if self._rogue < 0:
            return self._base
        lanes = list(self._base.lanes)
        rogue = lanes[self._rogue]
        ops = self._actions(rogue, number, self._sequences[number])
        lanes[self._rogue] = msgspec.structs.replace(rogue, ops=ops)
        return msgspec.structs.replace(self._base, lanes=tuple(lanes))

    def _actions(self, rogue: LaneProgram, number: int, names: Sequence[str]) -> tuple[Op, ...]:
        rng = random.Random(plan.program_seed(self._seed, number))
        return tuple(
            Op("action", group=at, how=name, args=ACTIONS[name].draw(rng) | {"id": f"{rogue.name}-{at}"})
            for at, name in enumerate(names, 1)
        )
