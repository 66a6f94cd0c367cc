"""Seconds to the first violation of a control: search and verdict, from workers that stand.

The seed is the same each time, so it is always the same schedule that shows the violation; what varies is
the machine. How soon a control is caught over seeds, and against blind stress, is the
business of `harness.tools.versus`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import NamedTuple

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

#: Where a control is not caught by then, it is not timed.
SCHEDULES_MAX = 2000

_ROUNDS_MIN = 6
#: Rounds beyond the least are for those that are caught soon.
_BUDGET_NS = 6_000_000_000


class _Hunt(NamedTuple):
    """One search: its time, the schedules up to the first violation (0 for none), and their steps."""

    spent: Spent
    schedules: int
    steps: int


class _Searcher(Explorer):
    """An explorer that does not look its workers up among all processes of the machine: that is no search."""

    def _usage(self) -> dict[str, dict[str, int]]:
        return {}


class ControlBench(msgspec.Struct, frozen=True):
    """One control: work for an explorer process.

    Args:
        control: reference of the fence.
        caught_by: kind of violation that is sought.
        scenario: where.
        rounds: samples, where they are short; at least six else.
        seed: of each search.
    """

    control: str
    caught_by: str
    scenario: Scenario
    rounds: int
    seed: int

    def run(self, root: str) -> Generator[float | Quantity, None, None]:
        """Carry it out.

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
        found = [tally.first[self.caught_by] for tally in tallies if self.caught_by in tally.first]
        schedules = found[0].schedule_index + 1 if found else 0
        return _Hunt(watch.spent, schedules, sum(tally.steps for tally in tallies))

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
