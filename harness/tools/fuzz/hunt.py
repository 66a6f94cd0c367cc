"""Draw scenarios until a fence is wrong, then smaller ones that show the same violation.

The predicate is deterministic: a violation of the kind shows within a number of schedules of
the portfolio (a larger number once something was caught). Their seed is that of a plain ``run``,
so a catch shows there without any option. The hunt's own seed decides which scenarios are drawn.

The hunt leaves Hypothesis by an exception that Hypothesis does not shrink, and only between two
search tasks: at the time limit, or when the user interrupts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import random
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from hypothesis import Phase, Verbosity, find, settings
from hypothesis.errors import NoSuchExample

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.explore.shard import Shard
from harness.model.errors import HarnessError, ScenarioError
from harness.scenario import KINDS, load_data
from harness.strategies.portfolio import Portfolio
from harness.tools.fuzz.additions import Additions
from harness.tools.fuzz.scenario_strategies import scenarios
from harness.tools.fuzz.scenario_text import file_stem
from harness.tools.fuzz.trim import cuts

__all__ = ["RUN_SEED", "SCHEDULES", "SMALLEST", "Catch", "Figures", "Hunt", "drawn_task"]

#: The default seed of `run`.
RUN_SEED: Final = 1
#: Schedules in which a drawn scenario has to show a violation.
SCHEDULES: Final = 30
#: Schedules that a caught scenario asks for, and in which smaller ones have to show the violation: a
#: rare one would not show again in fewer.
CAUGHT_SCHEDULES: Final = 200
#: A scenario that any fence can be asked about.
SMALLEST: Final = {"policy": "coordinated", "lanes": [{"role": "runner"}]}
#: How long Hypothesis may shrink a caught scenario, and as long again for its cuts: at most, and as a
#: share of the time that is left.
_SHRINK_S: Final = 15.0
_SHRINK_SHARE: Final = 0.25
#: Least time limits, however little time is left: of the last run of a catch, and of any other task.
_LAST_RUN_MIN_S: Final = 3.0
_LEFT_MIN_S: Final = 0.05
#: Hypothesis begins with very small draws, a tenth of all: a few are enough, then another seed.
_SETTINGS: Final = settings(
    database=None,
    deadline=None,
    max_examples=100,
    phases=(Phase.generate, Phase.shrink),
    verbosity=Verbosity.quiet,
)


class _Enough(BaseException):
    """Leaves Hypothesis, which would shrink an `Exception`."""


class Figures(msgspec.Struct):
    """The figures of a hunt.

    Args:
        scenarios: drawn and run, shrinking included.
        schedules: of them.
        refused: drawn scenarios that the loader refuses: a bug of the drawing.
        why_refused: message of the loader for the first of them.
        inconclusive: schedules of which the truth is not known.
        why_inconclusive: reason of the first of them.
        doubtful: the scenario that it was in.
    """

    scenarios: int = 0
    schedules: int = 0
    refused: int = 0
    why_refused: str = ""
    inconclusive: int = 0
    why_inconclusive: str = ""
    doubtful: dict[str, Any] | None = None


class Catch(msgspec.Struct, frozen=True):
    """A scenario in which a fence is wrong.

    Args:
        kind: of the violation.
        data: the smallest scenario, as plain data.
        drawn: the scenario in which the violation showed first.
        result: of the smallest one, all its schedules.
        shrunk: whether shrinking came to its end.
    """

    kind: str
    data: dict[str, Any]
    drawn: dict[str, Any]
    result: Result
    shrunk: bool

    @property
    def others(self) -> tuple[str, ...]:
        """Return the kinds of violation that other schedules show."""
        return tuple(kind for kind in KINDS if kind in self.result.stats.violations and kind != self.kind)


class Hunt:
    """Fuzzes one fence under one policy with one seed.

    Args:
        campaign: whose explorers run the schedules.
        fence: reference.
        policy: name.
        seed: decides which scenarios are drawn.
        deadline: of `time.monotonic`.
        added: members of the user's files, which this process has loaded.
        shard: takes every draw whose number is its own; None for all of them.
    """

    def __init__(
        self,
        campaign: Coordinator,
        fence: str,
        policy: str,
        seed: int,
        deadline: float,
        added: Additions | None = None,
        shard: Shard | None = None,
    ) -> None:
        self.figures = Figures()
        self._campaign = campaign
        self._fence = fence
        self._policy = policy
        rng = random.Random(seed)
        seeds = (rng.getrandbits(64) for _ in itertools.count())
        self._seeds = seeds if shard is None else itertools.islice(seeds, shard.number - 1, None, shard.count)
        self._deadline = deadline
        self._added = added or Additions()
        self._seen: dict[tuple[str, str], frozenset[str]] = {}
        self._caught: list[str] = []
        self._fault: HarnessError | None = None
        self._begin()

    def _begin(self) -> None:
        """Start to seek a kind that was not caught yet."""
        self._kind = ""
        self._drawn: dict[str, Any] = {}
        self._best: dict[str, Any] = {}
        self._results: dict[str, Result] = {}
        self._until = self._deadline

    def catches(self) -> Iterator[Catch]:
        """Yield catches, one kind of violation after the other, until the time is up.

        Raises:
            HarnessError: no schedule can be run.
        """
        while len(self._caught) < len(KINDS) and not self._over():
            self._begin()
            self._find(random.Random(next(self._seeds)))
            finished = self._fault is None and bool(self._kind) and self._trim()
            if self._fault is None and self._kind:
                self._caught.append(self._kind)
                yield self._catch(finished)
            if self._fault is not None:
                raise self._fault
            self._until = self._deadline

    def _find(self, rng: random.Random) -> None:
        """Draw until a violation shows, then let Hypothesis shrink the scenario."""
        with contextlib.suppress(_Enough, NoSuchExample):
            find(scenarios(self._policy, self._added), self._shows, settings=_SETTINGS, random=rng)

    def _trim(self) -> bool:
        """Cut the caught scenario part by part; return whether there was time for all parts."""
        self._until = self._shrink_until()
        tried = 0
        with contextlib.suppress(_Enough):
            while (smaller := next(itertools.islice(cuts(self._best), tried, None), None)) is not None:
                tried += not self._shows(smaller)
            return True
        return False

    def _shrink_until(self) -> float:
        now = time.monotonic()
        return now + min(_SHRINK_S, max(0.0, self._deadline - now) * _SHRINK_SHARE)

    def _catch(self, finished: bool) -> Catch:
        """Run the smallest scenario with more schedules and return the catch."""
        kind, data, shown = self._kind, self._best, self._results[_key(self._best)]
        name = file_stem(self._fence, kind)
        left_s = max(_LAST_RUN_MIN_S, self._deadline - time.monotonic())
        with contextlib.suppress(_Enough):
            result = self._ask(data, CAUGHT_SCHEDULES, "", left_s, name)
            if kind in result.stats.first:
                shown = result
        scenario = dataclasses.replace(shown.task.scenario, name=name)
        shown.task = msgspec.structs.replace(shown.task, scenario=scenario, until="")
        # No more schedules than were run: those beyond are not known.
        return Catch(kind, {**data, "schedules": shown.stats.schedules}, self._drawn, shown, finished)

    def _over(self) -> bool:
        return self._campaign.interrupted or time.monotonic() >= self._until

    def _shows(self, data: dict[str, Any]) -> bool:
        """Return whether a scenario shows a sought kind: any new one first, then the same."""
        if self._over():
            raise _Enough
        new = self._new_kinds(data)
        if not new:
            return False
        if not self._kind:
            self._kind, self._drawn = new[0], data
            self._until = self._shrink_until()
        self._best = data
        return True

    def _new_kinds(self, data: dict[str, Any]) -> list[str]:
        """Return the sought kinds of violation that a scenario shows."""
        key = _key(data)
        kinds = self._seen.get((self._kind, key))
        if kinds is not None and (key in self._results or not self._sought(kinds)):
            return self._sought(kinds)
        try:
            left_s = max(_LEFT_MIN_S, self._until - time.monotonic())
            schedules = CAUGHT_SCHEDULES if self._kind else SCHEDULES
            result = self._ask(data, schedules, self._kind, left_s)
        except ScenarioError as error:
            self.figures.refused += 1
            self.figures.why_refused = self.figures.why_refused or str(error)
            return []
        found = self._sought(frozenset(result.stats.violations))
        if found:
            self._results[key] = result
        elif not result.complete and self._over():
            raise _Enough
        self._seen[self._kind, key] = frozenset(result.stats.violations)
        return found

    def _sought(self, kinds: frozenset[str]) -> list[str]:
        if self._kind:
            return [self._kind] if self._kind in kinds else []
        return [kind for kind in KINDS if kind in kinds and kind not in self._caught]

    def _ask(
        self, data: dict[str, Any], schedules: int, until: str, limit_s: float, name: str = "drawn"
    ) -> Result:
        """Run a scenario and return the result.

        Raises:
            ScenarioError: the data is no scenario.
            _Enough: nothing can be run any more.
        """
        task = drawn_task(data, self._fence, schedules, until, limit_s, name)
        result = self._campaign.ask(task)
        figures, stats = self.figures, result.stats
        figures.scenarios += 1
        figures.schedules += stats.schedules
        figures.inconclusive += stats.inconclusive
        if stats.why_inconclusive is not None and not figures.why_inconclusive:
            figures.why_inconclusive, figures.doubtful = stats.why_inconclusive[1], data
        if result.fault is not None:
            self._fault = result.fault
            raise _Enough
        return result


def drawn_task(
    data: dict[str, Any],
    fence: str,
    schedules: int = SCHEDULES,
    until: str = "",
    limit_s: float = 0.0,
    name: str = "drawn",
) -> SearchTask:
    """Return the search task of a drawn scenario.

    Args:
        data: as drawn.
        fence: reference.
        schedules: how many.
        until: kind of violation that ends it; empty for none.
        limit_s: 0 for no limit.
        name: of the scenario.

    Raises:
        ScenarioError: the data is no scenario.
    """
    whole = {**data, "schedules": schedules, "name": name, "about": "drawn", "source": "fuzz", "expect": {}}
    return SearchTask(load_data(whole), fence, "kernel", Portfolio.name, RUN_SEED, schedules, limit_s, until)


def _key(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True)
