"""Run a schedule once more to see what the code of its lanes does: lines, output, exceptions, stacks."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from harness.explore.explorer import Explorer
from harness.model.code_trace import CodeTrace
from harness.model.history import History
from harness.model.program import Program
from harness.model.schedule import Choice, Schedule
from harness.scenario import Scenario
from harness.strategies.recorded import Recorded

__all__ = ["observed"]


def observed(
    scenario: Scenario,
    fence: str,
    root: str,
    program: Program,
    choices: Sequence[Choice],
    history: History,
) -> CodeTrace | None:
    """Return what the code of the lanes does in a schedule.

    Args:
        scenario, fence: to run it with, under the kernel gate.
        root: where to make the session directory.
        program, choices: what to run.
        history: what came of it before.

    Returns:
        The trace; None where something else came of the schedule this time.
    """
    header = history.header
    with contextlib.closing(Explorer(scenario, fence, "kernel", root, program, traces_code=True)) as explorer:
        strategy = Recorded(Schedule(tuple(choices)))
        again, _, outcome = explorer.run(program, strategy, header.seed, header.schedule)
    return outcome.code if again.events == history.events else None
