"""Runs one schedule: from its program to what the gate saw."""

from __future__ import annotations

import errno
import random

from harness.model.gate import RUN, Candidate, Gate, Outcome, Verdict
from harness.model.program import Program
from harness.model.schedule import Choice, Schedule
from harness.scenario.faults import Due, Injector
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
        What the gate saw, and the lanes that were picked, by the strategy or because their step was in a
        directory where no other lane has been.
    """
    gate.begin(program)
    strategy.begin(rng, len(program.lanes))
    injector = Injector(program)
    choices: list[Choice] = []
    all_seen = strategy.sees_own_steps
    unasked = not_asked = 0
    last = -1
    inconclusive = ""
    while candidates := gate.settle():
        if len(choices) - gate.idle_steps >= steps_max:
            inconclusive = f"not over after {steps_max} steps"
            break
        _current_first(candidates, last)
        picked = _own(candidates) if gate.has_own_steps and not all_seen and unasked < _UNASKED_MAX else None
        if picked is None:
            picked, unasked = candidates[strategy.pick(candidates)], 0
        else:
            unasked += 1
            not_asked += 1
        last = picked.lane
        choices.append(Choice(last, picked.op, picked.ordinal))
        due = injector.due(last, picked.op, picked.call, picked.path) if injector.planned else None
        gate.grant(picked, RUN if due is None else _verdict(due))
    strategy.end(len(choices) - not_asked)
    return gate.finish(inconclusive), Schedule(tuple(choices))


def _verdict(due: Due) -> Verdict:
    if due.process_fault:
        return Verdict(due.process_fault, 0, due.keep_permille, due.duration_ms * _MS)
    if due.keep_permille >= 0:
        return Verdict("short", keep_permille=due.keep_permille)
    return Verdict("fail", getattr(errno, due.error))


def _own(candidates: list[Candidate]) -> Candidate | None:
    """Return the first candidate whose step is in a directory where no other lane has been."""
    for candidate in candidates:
        if candidate.own:
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
