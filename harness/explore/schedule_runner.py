"""Runs one schedule: from its program to what the gate saw."""

from __future__ import annotations

import errno
import random

from harness.model.gate import Candidate, Gate, Outcome, Verdict
from harness.model.program import Program
from harness.model.schedule import Choice, Schedule
from harness.scenario.faults import Due, Injector
from harness.strategies import blamed
from harness.strategies.strategy import Strategy

__all__ = ["run_schedule"]

_MS = 1_000_000
#: A lane that never comes out of its own directory must not keep the others waiting for good.
_UNASKED_MAX = 1000


def run_schedule(
    gate: Gate, program: Program, strategy: Strategy, rng: random.Random, steps_max: int
) -> tuple[Outcome, Schedule]:
    """Run a program under a gate to its end, in the order that a strategy picks.

    Args:
        gate: started.
        program: what the lanes do.
        strategy: picks the lane that steps next.
        rng: seeded for this schedule alone.
        steps_max: after so many steps the schedule is inconclusive. Those of lanes that wait for a lock while
            no other lane can go are not counted.

    Returns:
        The gate's observation, and the lanes that were picked, by the strategy or because their step was in a
        directory where no other lane has been.
    """
    gate.begin(program)
    with blamed(strategy):
        strategy.begin(rng, len(program.lanes))
    injector = Injector(program)
    choices: list[Choice] = []
    own = _OwnSteps(not strategy.sees_own_steps)
    last = -1
    inconclusive = ""
    while candidates := gate.settle():
        if len(choices) >= steps_max and len(choices) - gate.idle_steps >= steps_max:
            inconclusive = f"not over after {steps_max} steps, the steps_max of its scenario"
            break
        if candidates[0].lane != last:
            _current_first(candidates, last)
        if not gate.has_own_steps or (picked := own.pick(candidates, len(choices))) is None:
            try:
                picked = candidates[strategy.pick(candidates)]
            except Exception as error:  # of a strategy from outside; ours does not
                with blamed(strategy):
                    raise error
        last = picked.lane
        choices.append(Choice(last, picked.op, picked.ordinal))
        if injector.planned and (due := injector.due(last, picked.op, picked.call, picked.path)):
            gate.grant(picked, _verdict(due))
        else:
            gate.grant(picked)
    with blamed(strategy):
        strategy.end(len(choices) - own.taken)
    return gate.finish(inconclusive), Schedule(tuple(choices))


def _verdict(due: Due) -> Verdict:
    if due.process_fault:
        return Verdict(due.process_fault, 0, due.keep_permille, due.duration_ms * _MS)
    if due.keep_permille >= 0:
        return Verdict("short", keep_permille=due.keep_permille)
    return Verdict("fail", getattr(errno, due.error))


class _OwnSteps:
    """Picks steps in a directory where no other lane has been, without asking the strategy.

    Args:
        wanted: whether to do that at all.

    Attributes:
        taken: how many it has picked.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._in_a_row = 0
        self._next = -1
        self.taken = 0

    def pick(self, candidates: list[Candidate], step: int) -> Candidate | None:
        """Return the first such candidate; None to ask the strategy.

        Args:
            candidates: that can step next.
            step: how many steps there were before.
        """
        if step != self._next:
            self._in_a_row = 0
        if not self._wanted or self._in_a_row == _UNASKED_MAX:
            return None
        for candidate in candidates:
            if candidate.own:
                self._next = step + 1
                self._in_a_row += 1
                self.taken += 1
                return candidate
        return None


def _current_first(candidates: list[Candidate], last: int) -> None:
    """Move the lane that stepped last to the front, so that choice 0 is never a switch."""
    for index, candidate in enumerate(candidates):
        if candidate.lane == last:
            if index:
                del candidates[index]
                candidates.insert(0, candidate)
            return
