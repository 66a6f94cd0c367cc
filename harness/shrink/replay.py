"""Run a witness's program under its schedule again and compare with the record.

Where the fence has changed, the schedule is translated to the fence's new steps (see
`harness.results.schedule_rebase`) and run again. Where it does not show the violation, its
neighbours are run, since a window may have moved by a step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, ClassVar

import msgspec

from harness import gates
from harness.explore.explorer import Explorer
from harness.explore.worker_pool import perform
from harness.model.code_trace import CodeTrace
from harness.model.errors import GateUnavailable
from harness.model.history import History, Step, steps_of
from harness.model.history_text import decode, encode
from harness.model.program import Program
from harness.model.schedule import Choice, Schedule
from harness.oracle import Judgement, Violation, judge, subkind_of
from harness.results.schedule_rebase import Difference, first_difference, labels_of, neighbours, translated
from harness.results.witness import Witness
from harness.scenario import Scenario, load_data
from harness.scenario.fence_reference import check
from harness.strategies.recorded import Recorded

__all__ = ["Replayed", "Rerun", "RerunJob", "replay"]

#: Limit on translations of a schedule to the steps of another fence.
_ROUNDS = 4
#: Limit on neighbouring schedules.
_NEIGHBOURS = 60


class Rerun(msgspec.Struct, frozen=True):
    """The result of running a witness again.

    Args:
        history: of the schedule that shows the violation, if any does.
        diverged: whether the schedule could not be followed as recorded.
        followed: recorded choices that were taken.
        asked: neighbouring schedules that were run besides.
        neighbour: which of them shows the violation; empty when the schedule itself does,
            or none.
        plain: what happened under the schedule itself, where a neighbour shows it.
        judgement: of `history`; the explorer made it, which has the user's invariants loaded.
        code: what the code of the lanes did; None where that was not wanted.
        stuck: where a lane stood that did not stop; empty where all did.
    """

    history: History
    diverged: bool
    followed: int
    asked: int = 0
    neighbour: str = ""
    plain: History | None = None
    judgement: Judgement = Judgement()
    code: CodeTrace | None = None
    stuck: str = ""

    def shows(self, kind: str) -> bool:
        """Return whether it proves a violation of that kind; some are proved where the truth is not known."""
        return any(one.kind == kind for one in self.judgement.violations)

    def steps(self) -> list[Step]:
        """Return every step, in order."""
        return [event for event in self.history.events if isinstance(event, Step)]


class RerunJob(msgspec.Struct, frozen=True):
    """Run one witness again: work for an explorer process.

    Args:
        scenario, fence, gate: to run it with.
        program, schedule: of the witness.
        kind: of its violation.
        seed, index: where it comes from.
        recorded: what the steps of its operations were; empty when that is not known.
        traces_code: whether to tell what the code of the lanes did.
    """

    finds: ClassVar[Any] = Rerun | None

    scenario: Scenario
    fence: str
    gate: str
    program: Program
    schedule: Schedule
    kind: str
    seed: int
    index: int
    recorded: dict[tuple[int, int], list[str]]
    traces_code: bool = False

    @staticmethod
    def of(
        witness: Witness,
        fence: str | None = None,
        scenario: Scenario | None = None,
        traces_code: bool = False,
    ) -> RerunJob:
        """Return the job of running a witness again.

        Args:
            witness: what to run.
            fence: another fence than the recorded one.
            scenario: another scenario than the recorded one.
            traces_code: whether to tell what the code of the lanes did.
        """
        history = decode(witness.history.encode(), "witness")
        whole = steps_of(history.events) == len(witness.schedule.choices)
        return RerunJob(
            scenario or load_data(witness.scenario, where="witness"),
            fence or witness.fence,
            witness.gate,
            witness.program,
            witness.schedule,
            witness.claim.kind,
            witness.seed,
            witness.schedule_index,
            labels_of(history) if whole else {},
            traces_code,
        )

    def run(self, root: str) -> Generator[Rerun | None, None, None]:
        """Run the schedule, its translations and its neighbours until the violation shows.

        Args:
            root: where to make the session directory.

        Yields:
            None after each run; the result at the end.
        """
        explorer = Explorer(self.scenario, self.fence, self.gate, root, self.program, self.traces_code)
        with contextlib.closing(explorer):
            choices = self.schedule.choices
            reruns = []
            for _ in range(_ROUNDS):
                rerun = self._run_once(explorer, choices)
                reruns.append((rerun, choices))
                yield None
                if not rerun.diverged or rerun.judgement.inconclusive:
                    break
                now = translated(self.schedule.choices, self.recorded, labels_of(rerun.history))
                if now == choices:
                    break
                choices = now
            for rerun, _ in reversed(reruns):
                if rerun.shows(self.kind):
                    yield rerun
                    return
            last = reruns[-1][0]
            if self.gate == "free" or last.judgement.inconclusive:
                yield last
                return
            yield (yield from self._run_neighbours(explorer, last, choices))

    def _run_neighbours(
        self, explorer: Explorer, last: Rerun, choices: tuple[Choice, ...]
    ) -> Generator[None, None, Rerun]:
        """Run the neighbours of a schedule until one shows the violation; return the result."""
        asked = 0
        for at, shift, other in neighbours(choices):
            if asked == _NEIGHBOURS:
                break
            asked += 1
            rerun = self._run_once(explorer, other)
            yield None
            if rerun.shows(self.kind):
                way = "later" if shift > 0 else "earlier"
                neighbour = f"where the switch at step {at} comes {abs(shift)} {way}"
                return msgspec.structs.replace(
                    last,
                    history=rerun.history,
                    judgement=rerun.judgement,
                    code=rerun.code,
                    asked=asked,
                    neighbour=neighbour,
                    plain=last.history,
                )
        return msgspec.structs.replace(last, asked=asked)

    def _run_once(self, explorer: Explorer, choices: tuple[Choice, ...]) -> Rerun:
        strategy = Recorded(Schedule(choices))
        history, _, outcome = explorer.run(self.program, strategy, self.seed, self.index)
        diverged = strategy.diverged is not None
        return Rerun(
            history,
            diverged,
            strategy.followed,
            judgement=judge(history),
            code=outcome.code,
            stuck=outcome.stuck,
        )


class Replayed(msgspec.Struct, frozen=True):
    """A replay compared with the record.

    Args:
        history: what happened this time.
        judgement: what the oracle says of it.
        violation: the first of the witness's kind; None when there is none any more.
        shows: ``as recorded``, ``elsewhere`` (in another operation, as another kind of its
            kind, or only under a neighbouring schedule), or ``no``.
        same_step: whether it was complete after as many steps as recorded.
        same_history: whether nothing at all differs from the record.
        difference: where the replay differs from the record first.
        followed, recorded: choices that were taken as recorded, and all that were recorded.
        asked: neighbouring schedules that were run besides.
        neighbour: the one that shows the violation; empty when it is not a neighbour.
        code: what the code of the lanes did; None where that is not known.
        stuck: where a lane stood that did not stop; empty where all did.
    """

    history: History
    judgement: Judgement
    violation: Violation | None
    shows: str
    same_step: bool
    same_history: bool
    difference: Difference | None
    followed: int
    recorded: int
    asked: int
    neighbour: str
    code: CodeTrace | None = None
    stuck: str = ""

    @staticmethod
    def of(witness: Witness, rerun: Rerun) -> Replayed:
        """Compare a rerun with its witness and return the comparison."""
        history, claim, judgement = rerun.history, witness.claim, rerun.judgement
        found = next((v for v in judgement.violations if v.kind == claim.kind), None)
        recorded = decode(witness.history.encode(), "witness")
        # Records of before these fields were kept lack them; they follow from program and scenario.
        header = msgspec.structs.replace(
            history.header,
            strategy=witness.strategy,
            lines=recorded.header.lines,
            lock_timeout_ms=recorded.header.lock_timeout_ms,
            step_ms=recorded.header.step_ms,
        )
        return Replayed(
            history,
            judgement,
            found,
            _shows(witness, recorded, rerun, judgement, found),
            found is not None and steps_of(history.events[: found.at + 1]) == claim.step,
            encode(History(header, history.events, history.blobs)).decode() == witness.history,
            first_difference(recorded, rerun.plain or history),
            rerun.followed,
            len(witness.schedule.choices),
            rerun.asked,
            rerun.neighbour,
            rerun.code,
            rerun.stuck,
        )


def _shows(
    witness: Witness, recorded: History, rerun: Rerun, judgement: Judgement, found: Violation | None
) -> str:
    if found is None:
        return "no"
    if found.kind == "invariant":
        # Its function need not be loaded here: the claim names the lane that broke it.
        lane = recorded.header.lanes[found.lane].name
        alike = (lane, found.op) == (witness.claim.lane, witness.claim.op)
        return "as recorded" if alike and not rerun.neighbour else "elsewhere"
    # No function of the user's need be loaded here for a claim of another kind.
    before = judge(recorded, invariants=())
    claimed = next((v for v in before.violations if v.kind == witness.claim.kind), None)
    alike = (
        claimed is not None
        and (found.lane, found.op) == (claimed.lane, claimed.op)
        and subkind_of(judgement, found) == subkind_of(before, claimed)
    )
    return "as recorded" if alike and not rerun.neighbour else "elsewhere"


def replay(witness: Witness, fence: str | None = None, root: str | None = None) -> Replayed:
    """Run a witness again and return the comparison with the record.

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
    work = RerunJob.of(witness, fence, traces_code=True)
    check(work.fence)
    with contextlib.closing(perform(work, root)) as findings:
        rerun = next(found for found in findings if isinstance(found, Rerun))
    return Replayed.of(witness, rerun)
