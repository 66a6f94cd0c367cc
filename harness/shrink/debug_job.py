"""Run the schedule of a witness once, for a user who looks at it: traced, or in a debugger."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, ClassVar

import msgspec

from harness.explore.explorer import Explorer
from harness.model.debug_spec import DebugSpec
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.oracle import judge
from harness.results.witness import Witness
from harness.scenario import Scenario, load_data
from harness.shrink.replay import Rerun
from harness.strategies.recorded import Recorded

__all__ = ["DebugJob"]


class DebugJob(msgspec.Struct, frozen=True):
    """Run one schedule under the kernel gate: work for an explorer process.

    Args:
        scenario, fence: to run it with.
        program, schedule: of the witness.
        seed, index: where it comes from.
        debug: where lanes stop; None for nowhere.
    """

    finds: ClassVar[Any] = Rerun

    scenario: Scenario
    fence: str
    program: Program
    schedule: Schedule
    seed: int
    index: int
    debug: DebugSpec | None = None

    @staticmethod
    def of(witness: Witness, fence: str | None, debug: DebugSpec | None = None) -> DebugJob:
        """Return the job of running a witness.

        Args:
            witness: what to run.
            fence: another fence than the recorded one.
            debug: where lanes stop.
        """
        return DebugJob(
            load_data(witness.scenario, where="witness"),
            fence or witness.fence,
            witness.program,
            witness.schedule,
            witness.seed,
            witness.schedule_index,
            debug,
        )

    def run(self, root: str) -> Generator[Rerun, None, None]:
        """Run the schedule, see `harness.explore.worker_pool.Work`.

        Args:
            root: where to make session directories.

        Yields:
            The result.
        """
        explorer = Explorer(
            self.scenario, self.fence, "kernel", root, self.program, traces_code=True, debug=self.debug
        )
        with contextlib.closing(explorer):
            strategy = Recorded(self.schedule)
            history, _, outcome = explorer.run(self.program, strategy, self.seed, self.index)
            yield Rerun(
                history,
                strategy.diverged is not None,
                strategy.followed,
                judgement=judge(history),
                code=outcome.code,
                stuck=outcome.stuck,
            )
