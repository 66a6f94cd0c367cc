"""Run variants on real processes under the gate and judge their histories."""

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
from harness.shrink.shrink_pass import Answer, Pass
from harness.shrink.variant import Reproduction, Variant
from harness.shrink.violation_key import violation_key
from harness.strategies.recorded import Recorded
from harness.strategies.strategy import Strategy
from harness.strategies.switches import Switches

__all__ = ["OutOfTime", "Trials"]


class OutOfTime(Exception):
    """The deadline has passed."""


class Trials:
    """Runs variants one after the other and keeps the smallest that shows the violation.

    Args:
        explorer: runs them; its lanes are those of every program that is tried.
        kind: of the violation; the first one of its kind counts, as in a replay.
        seed, index: of the schedule that the witness was found in.

    Attributes:
        deadline: of `time.monotonic`.
    """

    def __init__(self, explorer: Explorer, kind: str, seed: int, index: int) -> None:
        self.explorer = explorer
        self.deadline = math.inf
        self._best: Reproduction | None = None
        #: Cases that were run.
        self.runs = 0
        self._kind = kind
        self._key: tuple[str, str, str] | None = None
        self._seed = seed
        self._index = index
        self._known: dict[bytes, Answer] = {}

    @property
    def best(self) -> Reproduction:
        """Return the smallest variant that shows the violation."""
        assert self._best is not None, "nothing was begun"
        return self._best

    def begin(self, variant: Variant) -> str:
        """Run the variant to shrink.

        Returns:
            Why it cannot be shrunk; empty when it shows the violation.
        """
        found, judgement, _ = self._run(variant)
        self._best = found
        if found is not None:
            self._key = violation_key(found.history, judgement, found.violation)
            return ""
        return judgement.inconclusive or "it does not show the violation any more"

    def carry_out(self, passes: Iterable[Pass]) -> Iterator[Reproduction]:
        """Run all passes until none of them leaves less to read.

        Yields:
            The best so far, after each run.

        Raises:
            OutOfTime: the deadline has passed.
        """
        story = None
        while story != self.best.size.story:
            story = self.best.size.story
            for one in passes:
                yield from self._carry_out_pass(one)

    def _carry_out_pass(self, one: Pass) -> Iterator[Reproduction]:
        proposals = one(self.best)
        answer: Answer | None = None
        while True:
            try:
                variant = next(proposals) if answer is None else proposals.send(answer)
            except StopIteration:
                return
            answer = self.ask(variant)
            yield self.best

    def ask(self, variant: Variant, keep: bool = True) -> Answer:
        """Try a variant, unless it was tried before, and return the answer.

        Args:
            variant: to try.
            keep: whether it may become the best.

        Raises:
            OutOfTime: the deadline has passed.
        """
        key = hashlib.blake2b(msgspec.msgpack.encode(variant), digest_size=16).digest()
        known = self._known.get(key)
        if known is not None:
            return known
        if time.monotonic() >= self.deadline:
            raise OutOfTime
        found, judgement, choices = self._run(variant)
        conclusive = not judgement.inconclusive
        kinds = {violation.kind for violation in judgement.violations}
        same_kind = self._kind in kinds
        answer = Answer(None, found is not None, same_kind, conclusive, conclusive and not kinds, choices)
        self._known[key] = answer
        if keep and found is not None and found.size < self.best.size:
            self._best = found
            return msgspec.structs.replace(answer, better=found)
        return answer

    def move(self, explorer: Explorer, variant: Variant) -> None:
        """Continue with another explorer's lanes, if the variant shows the violation there too."""
        before, self.explorer = self.explorer, explorer
        found, _, _ = self._run(variant)
        if found is None:
            self.explorer = before
            return
        self._best = found
        self._known.clear()

    def _run(self, variant: Variant) -> tuple[Reproduction | None, Judgement, tuple[Choice, ...]]:
        strategy = _Recording(
            Recorded(Schedule(variant.choices)) if variant.switches is None else Switches(variant.switches)
        )
        self.runs += 1
        history, schedule, _ = self.explorer.run(variant.program, strategy, self._seed, self._index)
        judgement = judge(history)
        violation = self._wanted(history, judgement)
        if violation is None:
            return None, judgement, schedule.choices
        picks = tuple(strategy.picks)
        found = Reproduction(variant.program, schedule.choices, picks, history, judgement, violation)
        return found, judgement, schedule.choices

    def _wanted(self, history: History, judgement: Judgement) -> Violation | None:
        if judgement.inconclusive:
            return None
        first = next((one for one in judgement.violations if one.kind == self._kind), None)
        if first is None or self._key is None or violation_key(history, judgement, first) == self._key:
            return first
        return None


class _Recording(Strategy):
    """Runs another strategy and records its picks."""

    name: ClassVar[str] = "shrink"
    about: ClassVar[str] = "records what another strategy picks"
    sees_own_steps: ClassVar[bool] = True

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
