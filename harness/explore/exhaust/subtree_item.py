"""A work item of an exhaustive search: some of the programs, each to the end of its tree."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

import msgspec

from harness.explore.exhaust.dpor import Tree
from harness.explore.exhaust.oracle_dependency import oracle_access_sets
from harness.explore.exhaust.rogue_programs import Programs
from harness.explore.explorer import Explorer
from harness.gates.kernel.gate import KernelGate
from harness.model.history import Step
from harness.model.program import Program
from harness.oracle import judge
from harness.results.stats import Stats
from harness.scenario.definition import Scenario

__all__ = ["PER_PROGRAM_MAX", "SubtreeItem"]

#: Schedules of one program are numbered from its number times this.
PER_PROGRAM_MAX = 1_000_000
_BATCH_S = 0.1


class SubtreeItem(msgspec.Struct, frozen=True):
    """Every class of schedules of every stride-th program.

    Args:
        scenario: what to run.
        fence: reference.
        seed: of the run.
        actions_max: see `Programs`.
        preemptions_max: see `Tree`; -1 for no bound, and then one schedule a class.
        first, stride: programs ``first, first + stride, ...``.
        most: schedules after which to give up.
        root: where to make the session directory; empty for where the others are.
    """

    finds: ClassVar[Any] = Stats

    scenario: Scenario
    fence: str
    seed: int
    actions_max: int
    preemptions_max: int
    first: int
    stride: int
    most: int
    root: str = ""

    def run(self, root: str) -> Generator[Stats, None, None]:
        """Run the schedules.

        Yields:
            Statistics about every tenth of a second, and once more at the end.
        """
        programs = Programs(self.scenario, self.seed, self.actions_max)
        with contextlib.closing(Explorer(self.scenario, self.fence, "kernel", self.root or root)) as explorer:
            assert isinstance(explorer.gate, KernelGate)
            explorer.gate.tells_access_sets = True
            yield from self._batches(explorer, programs)

    def _batches(self, explorer: Explorer, programs: Programs) -> Iterator[Stats]:
        stats = Stats(claims=explorer.claims)
        due = time.monotonic() + _BATCH_S
        spent = 0
        for number in range(self.first, len(programs), self.stride):
            tree = self._tree()
            while not tree.exhausted and spent < self.most:
                spent += 1
                if not self._one(explorer, tree, number, programs, stats):
                    break
                if time.monotonic() >= due:
                    yield stats
                    stats = Stats()
                    due = time.monotonic() + _BATCH_S
            if tree.exhausted:
                stats.programs += 1
        yield stats

    def _tree(self) -> Tree:
        if self.preemptions_max < 0:
            return Tree()
        return Tree(reduce=False, preemptions_max=self.preemptions_max)

    def _one(self, explorer: Explorer, tree: Tree, number: int, programs: Programs, stats: Stats) -> bool:
        """Run and judge one schedule, and return whether to go on with the program."""
        program: Program = programs.program(number)
        index = number * PER_PROGRAM_MAX + tree.schedules
        history, schedule, outcome = explorer.run(program, tree, self.seed, index)
        stats.voided, explorer.voided = stats.voided + explorer.voided, 0
        if tree.strange:
            stats.doubt(index, tree.strange)
            return False
        steps = [event for event in history.events if isinstance(event, Step)]
        tree.learn(oracle_access_sets(steps, history.header.lanes), [lane for lane, _ in outcome.end.waiting])
        if tree.redundant:
            stats.redundant += 1
            return True
        judgement = judge(history)
        stats.add(index, program, schedule, history, judgement)
        for kind in {violation.kind for violation in judgement.violations}:
            found = stats.violating.setdefault(programs.label(number), {})
            found[kind] = found.get(kind, 0) + 1
        return not judgement.inconclusive
