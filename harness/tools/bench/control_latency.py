"""Measure the time to the first violation of a control: search and verdict, with workers already started.

The seed is the same each time, so the same schedule shows the violation; only the machine varies.
`harness.tools.versus` measures how soon a control is caught over seeds, and against blind stress.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, ClassVar, NamedTuple

import msgspec

from harness.explore.explorer import Explorer
from harness.explore.work_item import WorkItem
from harness.gates.kernel.gate import KernelGate
from harness.scenario.definition import Scenario, dump
from harness.strategies.portfolio import Portfolio
from harness.tools.bench.figures import Quantity, quantity_of
from harness.tools.bench.reference import Reference
from harness.tools.bench.sampling import Spent, Stopwatch, in_turns, kin_of

__all__ = ["SCHEDULES_MAX", "ControlBench"]

#: A control that is not caught within so many schedules is not timed.
SCHEDULES_MAX = 2000

_ROUNDS_MIN = 6
#: Only controls that are caught soon get more rounds than the least.
_BUDGET_NS = 6_000_000_000


class _Hunt(NamedTuple):
    """One search: its time, the schedules up to the first violation (0 for none), and their steps."""

    spent: Spent
    schedules: int
    steps: int


class _Searcher(Explorer):
    """An explorer that does not ask what its workers use, which is no part of a search."""

    def _usage(self) -> dict[str, dict[str, int]]:
        return {}


class ControlBench(msgspec.Struct, frozen=True):
    """Measure one control: work for an explorer process.

    Args:
        control: reference of the fence.
        caught_by: kind of violation to find.
        scenario: to run.
        rounds: samples, if they are short; otherwise at least six.
        seed: of each search.
    """

    finds: ClassVar[Any] = float | Quantity

    control: str
    caught_by: str
    scenario: Scenario
    rounds: int
    seed: int

    def run(self, root: str) -> Generator[float | Quantity, None, None]:
        """Measure the control.

        Yields:
            After each round the processor time of the reference, nanoseconds; the quantity at the end.
        """
        taken: list[tuple[float, _Hunt]] = []
        with (
            Reference() as reference,
            contextlib.closing(_Searcher(self.scenario, self.control, "kernel", root)) as explorer,
        ):
            gate = explorer.gate
            assert isinstance(gate, KernelGate)
            watch = Stopwatch(kin_of(gate, self.control))
            first = self._hunt(explorer, watch)
            if not first.schedules:
                yield self._summed([], f"not caught in {first.steps} steps of {SCHEDULES_MAX} schedules")
                return
            longest = max(1, first.spent.wall_ns)
            rounds = min(self.rounds, max(_ROUNDS_MIN, _BUDGET_NS // longest))
            for (reference_ns,), hunts in in_turns(
                [reference], [lambda: self._hunt(explorer, watch)], rounds
            ):
                taken.append((reference_ns, hunts[0]))
                yield reference_ns
        yield self._summed(taken, "")

    def _hunt(self, explorer: Explorer, watch: Stopwatch) -> _Hunt:
        job = WorkItem(
            self.scenario,
            self.control,
            "kernel",
            Portfolio.name,
            self.seed,
            0,
            1,
            SCHEDULES_MAX,
            until=self.caught_by,
        )
        with watch:
            tallies = list(explorer.explore(job))
        found = [stats.first[self.caught_by] for stats in tallies if self.caught_by in stats.first]
        schedules = found[0].schedule_index + 1 if found else 0
        return _Hunt(watch.spent, schedules, sum(stats.steps for stats in tallies))

    def _summed(self, taken: list[tuple[float, _Hunt]], doubt: str) -> Quantity:
        return quantity_of(
            f"first violation of {self.control}",
            "controls",
            "s",
            {
                "control": self.control,
                "caught_by": self.caught_by,
                "scenario": dump(self.scenario),
                "seed": self.seed,
            },
            [
                (hunt.spent.cpu_ns / reference, hunt.spent.cpu_ns / 1e9, hunt.spent.wall_ns / 1e9)
                for reference, hunt in taken
            ],
            [{"schedules": hunt.schedules, "steps": hunt.steps} for _, hunt in taken],
            doubt,
        )
