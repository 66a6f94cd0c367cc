"""Do it again: run a witness's program under its schedule and compare."""

from __future__ import annotations

import os

import msgspec

from harness import gates
from harness.errors import GateUnavailable
from harness.explorer import Explorer, ticking
from harness.history import History, Step, encode
from harness.oracle import Judgement, Violation, judge
from harness.scenario import load_data
from harness.strategies.replay import Replay
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


def replay(witness: Witness, fence: str | None = None, root: str | None = None) -> Replayed:
    """Run a witness again.

    Args:
        witness: what to run.
        fence: another fence than the recorded one.
        root: where to make the session directory.

    Raises:
        GateUnavailable: the witness needs the kernel gate and this machine has none.
    """
    why = gates.unavailable(witness.gate)
    if why:
        raise GateUnavailable(f"the witness was found under the {witness.gate} gate: {why}")
    scenario = load_data(witness.scenario, where="witness")
    # The explorer's ways, for one schedule: one core, and ticks that end blocking waits.
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    strategy = Replay(witness.schedule)
    try:
        with ticking():
            explorer = Explorer(scenario, fence or witness.fence, witness.gate, root)
            try:
                history, _, _ = explorer.run(
                    witness.program, strategy, witness.seed, witness.schedule_index
                )
            finally:
                explorer.close()
    finally:
        os.sched_setaffinity(0, cores)
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
        _told(strategy, history),
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
