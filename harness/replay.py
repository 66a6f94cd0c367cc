"""Do it again: run a witness's program under its schedule and compare."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import cast

import msgspec

from harness import gates
from harness.errors import GateUnavailable
from harness.explorer import Explorer
from harness.fences import check
from harness.history import History, Step, encode
from harness.oracle import Judgement, Violation, judge
from harness.program import Program
from harness.scenario import Scenario, load_data
from harness.schedule import Schedule
from harness.strategies.replay import Replay
from harness.team import perform
from harness.witness import Witness

__all__ = ["Replayed", "replay"]


class Replayed(msgspec.Struct, frozen=True):
    """What a replay showed.

    Args:
        history: what happened this time.
        judgement: what the oracle says of it.
        violation: the first of the witness's kind; None when there is none any more.
        same_step: whether it was complete after as many steps as recorded.
        same_history: whether nothing at all differs from the record.
        diverged: where the schedule could not be followed first; empty when it could.
    """

    history: History
    judgement: Judgement
    violation: Violation | None
    same_step: bool
    same_history: bool
    diverged: str


class _Rerun(msgspec.Struct, frozen=True):
    """One program under one schedule, as work for an explorer process."""

    scenario: Scenario
    fence: str
    gate: str
    program: Program
    schedule: Schedule
    seed: int
    index: int

    def run(self, root: str) -> Generator[tuple[History, str], None, None]:
        """Yields what happened, and where the schedule could not be followed."""
        strategy = Replay(self.schedule)
        with contextlib.closing(Explorer(self.scenario, self.fence, self.gate, root)) as explorer:
            history, _, _ = explorer.run(self.program, strategy, self.seed, self.index)
        yield history, _told(strategy, history)


def replay(witness: Witness, fence: str | None = None, root: str | None = None) -> Replayed:
    """Run a witness again.

    Args:
        witness: what to run.
        fence: another fence than the recorded one.
        root: where to make the session directory.

    Raises:
        GateUnavailable: the witness needs the kernel gate and this machine has none.
        FenceLoadError: the fence cannot be loaded (any more).
        HarnessError: the explorer process broke.
    """
    why = gates.unavailable(witness.gate)
    if why:
        raise GateUnavailable(f"the witness was found under the {witness.gate} gate: {why}")
    scenario = load_data(witness.scenario, where="witness")
    work = _Rerun(
        scenario,
        fence or witness.fence,
        witness.gate,
        witness.program,
        witness.schedule,
        witness.seed,
        witness.schedule_index,
    )
    check(work.fence)
    history, diverged = cast("tuple[History, str]", next(perform(work, root)))
    judgement = judge(history)
    violation = next((v for v in judgement.violations if v.kind == witness.claim.kind), None)
    header = msgspec.structs.replace(history.header, strategy=witness.strategy)
    same = encode(History(header, history.events, history.blobs)).decode() == witness.history
    return Replayed(
        history,
        judgement,
        violation,
        violation is not None and _steps_to(history, violation) == witness.claim.step,
        same,
        diverged,
    )


def _steps_to(history: History, violation: Violation) -> int:
    return sum(1 for event in history.events[: violation.at + 1] if isinstance(event, Step))


def _told(strategy: Replay, history: History) -> str:
    if strategy.diverged is None:
        return ""
    step, choice, there = strategy.diverged
    if choice is None:
        return f"step {step}: the record is over, but lanes can go on: {there}"
    lane = history.header.lanes[choice.lane].name
    return f"step {step}: recorded {lane} op {choice.op}.{choice.ordinal}, there is {there}"
