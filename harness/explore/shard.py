"""A shard: the part of a run's schedules that one process runs, without knowing of the others.

The schedules of all questions stand in one line, question after question, and each shard gets an equal
piece of that line. So most shards are about one question or two, for each of which workers have to start.
`harness.cli.merge_command` adds the shards up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from harness.explore.search_task import ExhaustiveTask, SearchTask
from harness.model.errors import UsageError
from harness.results.stats import Stats
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, name_of

__all__ = ["Shard", "ShardTask", "fixed_shares", "shard_of", "tasks_of"]


class Shard(msgspec.Struct, frozen=True):
    """One part out of several.

    Args:
        number: from 1.
        count: how many there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def parts(self, schedules: Sequence[int]) -> list[range]:
        """Return the numbers of the schedules that the shard runs of each question; many are empty.

        Args:
            schedules: how many each question has.
        """
        total = sum(schedules)
        first, stop = (total * number // self.count for number in (self.number - 1, self.number))
        found, before = [], 0
        for count in schedules:
            here = range(max(first - before, 0), min(stop - before, count))
            found.append(here if here else range(0))
            before += count
        return found


def shard_of(text: str) -> Shard:
    """Return the shard that ``K/N`` names.

    Args:
        text: of the command line, or of a plan that may say anything of that form.

    Raises:
        UsageError: there is no such shard.
    """
    number, _, count = text.partition("/")
    found = Shard(int(number), int(count))
    if not 1 <= found.number <= found.count:
        raise UsageError(f"--shard {text}: expected K/N with K from 1 to N")
    return found


class ShardTask(SearchTask, frozen=True, kw_only=True):
    """The part of a search task that a shard runs.

    Args:
        question: number of the task in the run, from 0.
        first, stop: its schedules.
    """

    question: int
    first: int
    stop: int

    @property
    def whole(self) -> bool:
        """False: a violation that has to show may show in another shard."""
        return False

    @property
    def count(self) -> int:
        """How many schedules the shard runs."""
        return self.stop - self.first

    def rounds(self) -> Iterator[range]:
        """Return the shard's schedules, in one round: another shard's findings are not known."""
        return iter((range(self.first, self.stop),))

    def complete(self, stats: Stats) -> bool:
        """Return whether all schedules of the shard have been run."""
        return stats.schedules >= self.count

    def coverage(self, stats: Stats) -> None:
        """Return None: coverage is that of all shards."""

    def shortfalls(self, stats: Stats, complete: bool) -> tuple[str, ...]:
        """Return nothing: another shard may have exercised the parts that this one did not."""
        return ()


def fixed_shares(tasks: Sequence[SearchTask]) -> list[SearchTask]:
    """Return the tasks with a strategy whose schedules do not depend on what earlier ones showed.

    A portfolio learns from each round for the next one. A shard does not see what the others found, so the
    shares stay those of the first round. Where there is one round the tasks are what they were.
    """
    if not any(task.strategy == Portfolio.name and len(list(task.rounds())) > 1 for task in tasks):
        return list(tasks)
    return [msgspec.structs.replace(task, strategy=name_of(FIRST_SHARES)) for task in tasks]


def tasks_of(shard: Shard, tasks: Sequence[SearchTask]) -> list[ShardTask]:
    """Return what a shard runs of some tasks; none of those of which it has no schedule.

    Raises:
        UsageError: one of them cannot be divided.
    """
    found = []
    parts = shard.parts([task.schedules for task in tasks])
    for question, (task, part) in enumerate(zip(tasks, parts, strict=True)):
        if isinstance(task, ExhaustiveTask):
            raise UsageError(
                f"--shard {shard}: --strategy exhaustive searches a tree that grows while it is searched; "
                "run it on one machine, a scenario or a fence at a time"
            )
        if part:
            fields = msgspec.structs.asdict(task)
            found.append(ShardTask(**fields, question=question, first=part.start, stop=part.stop))
    return found
