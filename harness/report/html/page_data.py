"""What a page is made of: plain data, collected while the run goes on."""

from __future__ import annotations

import msgspec

from harness.model.history import History
from harness.oracle import Judgement, Violation
from harness.results.summary import Summary
from harness.results.witness import Critical

__all__ = ["Entry", "Example", "Finding", "Run"]


class Example(msgspec.Struct, frozen=True):
    """One violation that can be drawn.

    Args:
        history, judgement, violation: what happened, and what is wrong with it.
        critical: pairs of steps whose order decides.
        shrunk: how much smaller it is than what was found; empty where it is as found.
    """

    history: History
    judgement: Judgement
    violation: Violation
    critical: tuple[Critical, ...] = ()
    shrunk: str = ""


class Finding(msgspec.Struct, frozen=True):
    """The first violation of a kind.

    Args:
        kind: of the violation.
        schedule: lowest index that shows it.
        count: how many schedules show the kind.
        expected: whether the scenario expects it of the fence.
        detail: one sentence.
        replay: the command that shows it again; empty where no witness could be stored.
        witness: path of the witness, seen from the page; empty where there is none.
        example: what to draw; None where another one stands for it.
    """

    kind: str
    schedule: int
    count: int
    expected: bool
    detail: str
    replay: str
    witness: str
    example: Example | None = None


class Entry(msgspec.Struct, frozen=True):
    """One scenario under one fence.

    Args:
        summary: what is to be said of it.
        found: by kind, the first to show first.
        wanted: schedules that were asked for.
    """

    summary: Summary
    found: tuple[Finding, ...]
    wanted: int


class Run(msgspec.Struct, frozen=True):
    """A whole run.

    Args:
        name: of the run.
        outcome: ``as expected``, ``not as expected``, ``inconclusive`` or ``interrupted``.
        fault: what ended the run before its time; empty where nothing did.
        command: what runs all of it again.
        entries: in the order in which they were asked.
        planned: how many pairs of scenario and fence were to be asked.
        wall_s: seconds.
    """

    name: str
    outcome: str
    fault: str
    command: str
    entries: tuple[Entry, ...]
    planned: int
    wall_s: float
