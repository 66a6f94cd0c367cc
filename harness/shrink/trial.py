"""Where cases are tried: real processes under the gate, and the oracle's word on what happened."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec

from harness.explore.explorer import Explorer
from harness.model.gate import Candidate
from harness.model.history import History
from harness.model.schedule import Choice, Schedule
from harness.oracle import Judgement, Violation, judge
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer, Pass
from harness.shrink.violation_key import violation_key
from harness.strategies.recorded import Recorded
from harness.strategies.strategy import Strategy
from harness.strategies.switches import Switches

__all__ = ["OutOfTime", "Trials"]


class OutOfTime(Exception):
    """The time for it is over."""


class Trials:
    """Runs cases one after the other and keeps the smallest that shows the violation.

    Args:
        explorer: runs them; its lanes are those of every program that is tried.
        kind: of the violation; the first one of its kind counts, as in a replay.
        seed, index: where the witness comes from.

    Attributes:
        deadline: of `time.monotonic`.
    """

    def __init__(self, explorer: Explorer, kind: str, seed: int, index: int) -> None:
        self.explorer = explorer
        self.deadline = math.inf
        self._best: Shown | None = None
        #: Cases that were run.
        self.runs = 0
        self._kind = kind
        self._sort: tuple[str, str, str] | None = None
        self._seed = seed
        self._index = index
        self._known: dict[bytes, Answer] = {}

    @property
    def best(self) -> Shown:
        """The smallest case that shows the violation."""
        assert self._best is not None, "nothing was begun"
        return self._best

    def begin(self, case: Case) -> str:
        """Run what is to be made smaller.

        Returns:
            Why it cannot be; empty when it shows the violation.
        """
        shown, judgement, _ = self._run(case)
        self._best = shown
        if shown is not None:
            self._sort = violation_key(shown.history, judgement, shown.violation)
            return ""
        return judgement.inconclusive or "it does not show the violation any more"

    def carry_out(self, passes: Iterable[Pass]) -> Iterator[Shown]:
        """Take all passes until none of them leaves less to read.

        Yields:
            The best so far, after each run.

        Raises:
            OutOfTime: the deadline has passed.
        """
        story = None
        while story != self.best.size.story:
            story = self.best.size.story
            for one in passes:
                yield from self._take(one)

    def _take(self, one: Pass) -> Iterator[Shown]:
        proposals = one(self.best)
        answer: Answer | None = None
        while True:
            try:
                case = next(proposals) if answer is None else proposals.send(answer)
            except StopIteration:
                return
            answer = self.ask(case)
            yield self.best

    def ask(self, case: Case, keep: bool = True) -> Answer:
        """Try a case, or remember what came of it.

        Args:
            case: what to try.
            keep: whether it may become the best.

        Raises:
            OutOfTime: the deadline has passed.
        """
        key = hashlib.blake2b(msgspec.msgpack.encode(case), digest_size=16).digest()
        known = self._known.get(key)
        if known is not None:
            return known
        if time.monotonic() >= self.deadline:
            raise OutOfTime
        shown, judgement, choices = self._run(case)
        conclusive = not judgement.inconclusive
        kinds = {violation.kind for violation in judgement.violations}
        same_kind = self._kind in kinds
        answer = Answer(None, shown is not None, same_kind, conclusive, conclusive and not kinds, choices)
        self._known[key] = answer
        if keep and shown is not None and shown.size < self.best.size:
            self._best = shown
            return msgspec.structs.replace(answer, better=shown)
        return answer

    def move(self, explorer: Explorer, case: Case) -> None:
        """Go on with other lanes, if the case shows the violation there, too."""
        before, self.explorer = self.explorer, explorer
        shown, _, _ = self._run(case)
        if shown is None:
            self.explorer = before
            return
        self._best = shown
        self._known.clear()

    def _run(self, case: Case) -> tuple[Shown | None, Judgement, tuple[Choice, ...]]:
        strategy = _Noting(
            Recorded(Schedule(case.choices)) if case.switches is None else Switches(case.switches)
        )
        self.runs += 1
        history, schedule, _ = self.explorer.run(case.program, strategy, self._seed, self._index)
        judgement = judge(history)
        violation = self._wanted(history, judgement)
        if violation is None:
            return None, judgement, schedule.choices
        picks = tuple(strategy.picks)
        shown = Shown(case.program, schedule.choices, picks, history, judgement, violation)
        return shown, judgement, schedule.choices

    def _wanted(self, history: History, judgement: Judgement) -> Violation | None:
        if judgement.inconclusive:
            return None
        first = next((one for one in judgement.violations if one.kind == self._kind), None)
        if first is None or self._sort is None or violation_key(history, judgement, first) == self._sort:
            return first
        return None


class _Noting(Strategy):
    """Another strategy, whose picks are written down."""

    name: ClassVar[str] = "shrink"
    about: ClassVar[str] = "writes down what another strategy picks"

    def __init__(self, inner: Strategy) -> None:
        self._inner = inner
        self.picks: list[int] = []

    def begin(self, rng: random.Random, lanes: int) -> None:
        self.picks = []
        self._inner.begin(rng, lanes)

    def pick(self, candidates: Sequence[Candidate]) -> int:
        index = self._inner.pick(candidates)
        self.picks.append(index)
        return index

    def end(self, steps: int) -> None:
        self._inner.end(steps)
