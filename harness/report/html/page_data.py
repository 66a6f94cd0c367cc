"""Hold the data of a page, collected while the run goes on."""

from __future__ import annotations

import msgspec

from harness.model.code_trace import CodeTrace
from harness.model.history import History
from harness.oracle import Judgement, Violation
from harness.results.summary import Summary
from harness.results.witness import Critical

__all__ = ["Entry", "Example", "Finding", "Run"]


class Example(msgspec.Struct, frozen=True):
    """A violation that can be drawn.

    Args:
        history, judgement, violation: the history, its judgement, and the violation in it.
        critical: pairs of steps whose order decides.
        shrunk: how much smaller it is than the violation that was found; empty if it was not shrunk.
        code: what the code of the lanes did; None where that is not known.
    """

    history: History
    judgement: Judgement
    violation: Violation
    critical: tuple[Critical, ...] = ()
    shrunk: str = ""
    code: CodeTrace | None = None


class Finding(msgspec.Struct, frozen=True):
    """The first violation of a kind.

    Args:
        kind: kind of the violation.
        schedule: lowest index of a schedule that shows it.
        count: number of schedules that show the kind.
        expected: whether the scenario expects it of the fence, or it is information.
        information: whether it is about a policy that the fence does not claim.
        detail: one sentence.
        replay: the command that replays it; empty if no witness could be stored.
        witness: path of the witness, relative to the page; empty if there is none.
        example: the violation to draw; None if another one is drawn in its place.
    """

    kind: str
    schedule: int
    count: int
    expected: bool
    information: bool
    detail: str
    replay: str
    witness: str
    example: Example | None = None


class Entry(msgspec.Struct, frozen=True):
    """One scenario under one fence.

    Args:
        summary: the figures.
        found: the first violation of each kind, in the order of their schedules.
        wanted: number of schedules that were asked for.
    """

    summary: Summary
    found: tuple[Finding, ...]
    wanted: int


class Run(msgspec.Struct, frozen=True):
    """A whole run.

    Args:
        name: name of the run.
        outcome: ``as expected``, ``not as expected``, ``inconclusive`` or ``interrupted``.
        fault: why the run ended early; empty if it did not.
        command: the command that repeats the run.
        entries: results in the order in which they were asked for.
        planned: number of pairs of scenario and fence that were asked for.
        wall_s: duration in seconds.
        program: how the user calls the harness, in front of a subcommand.
    """

    name: str
    outcome: str
    fault: str
    command: str
    entries: tuple[Entry, ...]
    planned: int
    wall_s: float
    program: str
