"""Shrink a witness in an explorer process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import Any, ClassVar

import msgspec

from harness.explore.explorer import Explorer
from harness.model.code_trace import CodeTrace
from harness.model.history import History, Step
from harness.model.history_text import encode as encode_history
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.results.witness import Claim, Critical, Witness
from harness.scenario import Scenario, load_data
from harness.shrink.critical import critical_pairs
from harness.shrink.observation import observed
from harness.shrink.passes import PASSES
from harness.shrink.trial import OutOfTime, Trials
from harness.shrink.variant import Reproduction, Size, Variant, without_empty_lanes

__all__ = ["ShrinkJob", "Shrunk"]

#: Share of the time reserved for the critical pairs.
_RESERVE = 0.2
#: The fields of a size that a reader is told of, with their words; the others where no step is saved.
_COUNTED = {"steps": "steps", "switches": "switches", "ops": "operations"}
_OTHERS = {"faults": "faults", "lines": "lines"}


class Shrunk(msgspec.Struct, frozen=True):
    """The result of shrinking, so far.

    Args:
        best: the smallest variant that shows the violation; None when none does.
        before: size of the witness.
        runs: schedules that were run.
        seconds: how long it took.
        finished: whether no pass finds anything smaller.
        critical: pairs of steps whose order decides.
        why_not: why there is nothing to shrink; empty when there is.
        code: what the code of the lanes does in the best; None where that is not known.
    """

    best: Reproduction | None
    before: Size
    runs: int
    seconds: float
    finished: bool = False
    critical: tuple[Critical, ...] = ()
    why_not: str = ""
    code: CodeTrace | None = None

    @property
    def after(self) -> Size:
        """Return the size of the best."""
        return self.before if self.best is None else self.best.size

    def figures(self) -> dict[str, object]:
        """Return sizes before and after, by name, for scripts."""
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

    @property
    def label(self) -> str:
        """Return ``shrunk`` for fewer steps, ``simplified`` for as many that read easier, else nothing."""
        if self.after.steps < self.before.steps:
            return "shrunk"
        return "simplified" if self.after.story < self.before.story else ""

    def summary_line(self) -> str:
        """Return one line on how much smaller it is, for people."""
        before, after = self.before, self.after
        ran = f"{self.runs} schedules in {self.seconds:.1f} s"
        ran += "" if self.finished else "; stopped before it was done"
        if not self.label:
            return f"not shrunk: nothing smaller was found, {before.steps} steps ({ran})"
        changed = [
            f"{getattr(before, name)} to {getattr(after, name)} {words}"
            for name, words in (_COUNTED if self.label == "shrunk" else _COUNTED | _OTHERS).items()
            if getattr(before, name) != getattr(after, name)
        ]
        same = "" if self.label == "shrunk" else f", still {after.steps} steps"
        return f"{self.label} from {', '.join(changed)}{same} ({ran})"

    def witness(self, original: Witness) -> Witness:
        """Return the witness of the best.

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
            code=self.code.stored() if self.code is not None else None,
        )


class ShrinkJob(msgspec.Struct, frozen=True):
    """Shrink one witness: work for an explorer process.

    Args:
        scenario, fence, gate: to run it with.
        program, schedule: of the witness.
        kind: of its violation.
        seed, index: where it comes from.
        time_limit_s: for everything.
    """

    finds: ClassVar[Any] = Shrunk | None

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
    def of(witness: Witness, time_limit_s: float) -> ShrinkJob:
        """Return the job of shrinking a witness."""
        return ShrinkJob(
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
        """Shrink the witness, see `harness.explore.worker_pool.Work`.

        Args:
            root: where to make session directories.

        Yields:
            The result so far whenever it is smaller; None after each other run.
        """
        started = time.monotonic()
        before = Size.of(self.program, self.schedule.choices)
        variant = Variant(self.program, self.schedule.choices)
        with contextlib.ExitStack() as stack:
            trials = Trials(self._explorer(root, variant, stack), self.kind, self.seed, self.index)
            why_not = trials.begin(variant)

            def result(finished: bool = False, critical: tuple[Critical, ...] = ()) -> Shrunk:
                seconds = round(time.monotonic() - started, 3)
                return Shrunk(
                    None if why_not else trials.best,
                    before,
                    trials.runs,
                    seconds,
                    finished,
                    critical,
                    why_not,
                )

            yield result()
            if why_not:
                return
            trials.deadline = started + self.time_limit_s * (1 - _RESERVE)
            size, finished = before, True
            try:
                for best in trials.carry_out(PASSES):
                    yield result() if best.size < size else None
                    size = best.size
            except OutOfTime:
                finished = False
            small = without_empty_lanes(trials.best.variant)
            if small != trials.best.variant:
                trials.move(self._explorer(root, small, stack), small)
            trials.deadline = started + self.time_limit_s
            pairs: tuple[Critical, ...] = ()
            with contextlib.suppress(OutOfTime):
                pairs = yield from _pairs(trials)
            yield result(finished, pairs)
            # After the time limit, too: a story without lines of code leaves the reader to search for them.
            yield msgspec.structs.replace(result(finished, pairs), code=self._code(root, trials.best))

    def _code(self, root: str, best: Reproduction) -> CodeTrace | None:
        return observed(self.scenario, self.fence, root, best.program, best.choices, best.history)

    def _explorer(self, root: str, variant: Variant, stack: contextlib.ExitStack) -> Explorer:
        explorer = Explorer(self.scenario, self.fence, self.gate, root, variant.program)
        return stack.enter_context(contextlib.closing(explorer))


def _pairs(trials: Trials) -> Generator[None, None, tuple[Critical, ...]]:
    """Find the critical pairs of the best and return them; yield after each run."""
    proposals = critical_pairs(trials.best)
    variant = next(proposals, None)
    while variant is not None:
        answer = trials.ask(variant, keep=False)
        yield None
        try:
            variant = proposals.send(answer)
        except StopIteration as end:
            pairs: tuple[Critical, ...] = end.value
            return pairs
    return ()
