"""Making a witness smaller, as work for an explorer process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator

import msgspec

from harness.explore.explorer import Explorer
from harness.model.history import History, Step
from harness.model.history import encode as encode_history
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.results.witness import Claim, Critical, Witness
from harness.scenario import Scenario, load_data
from harness.shrink.candidate import Case, Shown, Size, without_empty_lanes
from harness.shrink.critical import critical_pairs
from harness.shrink.passes import PASSES
from harness.shrink.trial import OutOfTime, Trials

__all__ = ["Shrinking", "Shrunk"]

#: Share of the time that is kept for the critical pair.
_RESERVE = 0.2


class Shrunk(msgspec.Struct, frozen=True):
    """What a witness came down to, so far.

    Args:
        best: the smallest case that shows its violation; None when nothing does.
        before: how small it was.
        runs: schedules that were run for it.
        seconds: how long it took.
        finished: whether no pass finds anything any more.
        critical: pairs of steps whose order decides.
        why_not: why there is nothing to shrink; empty when there is.
    """

    best: Shown | None
    before: Size
    runs: int
    seconds: float
    finished: bool = False
    critical: tuple[Critical, ...] = ()
    why_not: str = ""

    @property
    def after(self) -> Size:
        """How small it is now."""
        return self.before if self.best is None else self.best.size

    def figures(self) -> dict[str, object]:
        """How much smaller it is, for scripts."""
        names = ("steps", "switches", "lanes", "ops", "lines")
        return {
            **{
                name: {"before": getattr(self.before, name), "after": getattr(self.after, name)}
                for name in names
            },
            "runs": self.runs,
            "seconds": self.seconds,
            "finished": self.finished,
        }

    def told(self) -> str:
        """How much smaller it is, for people."""
        before, after = self.before, self.after
        parts = [
            f"{getattr(before, name)} to {getattr(after, name)} {words}"
            for name, words in (("steps", "steps"), ("switches", "switches"), ("ops", "operations"))
        ]
        stopped = "" if self.finished else "; stopped before it was done"
        return f"shrunk from {', '.join(parts)} ({self.runs} schedules in {self.seconds:.1f} s{stopped})"

    def witness(self, original: Witness) -> Witness:
        """What replays it.

        Args:
            original: the witness that was shrunk.
        """
        best = self.best
        assert best is not None
        violation = best.violation
        events = best.history.events[: violation.at + 1]
        header = msgspec.structs.replace(best.history.header, strategy=original.strategy)
        history = History(header, best.history.events, best.history.blobs)
        return msgspec.structs.replace(
            original,
            claim=Claim(
                violation.kind,
                sum(1 for event in events if isinstance(event, Step)),
                header.lanes[violation.lane].name if violation.lane >= 0 else "",
                violation.op,
                violation.detail,
            ),
            fence=header.fence,
            program=best.program,
            schedule=Schedule(best.choices),
            history=encode_history(history).decode(),
            critical=self.critical,
            shrunk_from=original.shrunk_from or (self.before.steps, self.before.switches),
        )


class Shrinking(msgspec.Struct, frozen=True):
    """A witness to be made smaller.

    Args:
        scenario, fence, gate: to run it with.
        program, schedule: of the witness.
        kind: of its violation.
        seed, index: where it comes from.
        time_limit_s: for everything.
    """

    scenario: Scenario
    fence: str
    gate: str
    program: Program
    schedule: Schedule
    kind: str
    seed: int
    index: int
    time_limit_s: float

    @staticmethod
    def of(witness: Witness, time_limit_s: float) -> Shrinking:
        """The work that a witness makes."""
        return Shrinking(
            load_data(witness.scenario, where="witness"),
            witness.fence,
            witness.gate,
            witness.program,
            witness.schedule,
            witness.claim.kind,
            witness.seed,
            witness.schedule_index,
            time_limit_s,
        )

    def run(self, root: str) -> Generator[Shrunk | None, None, None]:
        """Do it, see `harness.explore.worker_pool.Work`.

        Args:
            root: where to make session directories.

        Yields:
            What was reached, whenever it is less; None after a run that found nothing.
        """
        started = time.monotonic()
        before = Size.of(self.program, self.schedule.choices)
        case = Case(self.program, self.schedule.choices)
        with contextlib.ExitStack() as stack:
            lab = Trials(self._explorer(root, case, stack), self.kind, self.seed, self.index)
            why_not = lab.begin(case)

            def reached(finished: bool = False, critical: tuple[Critical, ...] = ()) -> Shrunk:
                seconds = round(time.monotonic() - started, 3)
                return Shrunk(
                    None if why_not else lab.best, before, lab.runs, seconds, finished, critical, why_not
                )

            yield reached()
            if why_not:
                return
            lab.deadline = started + self.time_limit_s * (1 - _RESERVE)
            size, finished = before, True
            try:
                for best in lab.carry_out(PASSES):
                    yield reached() if best.size < size else None
                    size = best.size
            except OutOfTime:
                finished = False
            small = without_empty_lanes(lab.best.case)
            if small != lab.best.case:
                lab.move(self._explorer(root, small, stack), small)
            lab.deadline = started + self.time_limit_s
            pairs: tuple[Critical, ...] = ()
            with contextlib.suppress(OutOfTime):
                pairs = yield from _pairs(lab)
            yield reached(finished, pairs)

    def _explorer(self, root: str, case: Case, stack: contextlib.ExitStack) -> Explorer:
        explorer = Explorer(self.scenario, self.fence, self.gate, root, case.program)
        return stack.enter_context(contextlib.closing(explorer))


def _pairs(lab: Trials) -> Generator[None, None, tuple[Critical, ...]]:
    """The critical pairs of the best; yields after each run."""
    proposals = critical_pairs(lab.best)
    case = next(proposals, None)
    while case is not None:
        answer = lab.ask(case, keep=False)
        yield None
        try:
            case = proposals.send(answer)
        except StopIteration as end:
            pairs: tuple[Critical, ...] = end.value
            return pairs
    return ()
