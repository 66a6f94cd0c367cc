"""``--shard K/N``: the part of a run's questions that this process runs, and how it is told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from harness.cli.output import remark
from harness.cli.sink import Task
from harness.explore.shard import fixed_shares, shard_of, tasks_of
from harness.model.errors import UsageError

__all__ = ["own_part", "shareable"]


def shareable(arguments: argparse.Namespace, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks of a whole run, with schedules that do not depend on what other shards find.

    Args:
        arguments: of the command; without ``--shard`` the tasks are what they were.
        tasks: of the whole run.

    Raises:
        UsageError: an option asks for what a shard cannot know.
    """
    if arguments.shard is None:
        return list(tasks)
    if getattr(arguments, "max_failures", None) is not None:
        raise UsageError(
            f"--shard {arguments.shard}: given with --max-failures, and a shard knows of its own failures "
            "alone; leave it out"
        )
    searches = fixed_shares([task.search for task in tasks])
    if tasks and searches[0].strategy != tasks[0].search.strategy:
        remark(
            "--shard: a shard does not see what others find, so the portfolio keeps its first shares; "
            f"one machine runs the same schedules with --strategy {searches[0].strategy}"
        )
    return [task._replace(search=search) for task, search in zip(tasks, searches, strict=True)]


def own_part(arguments: argparse.Namespace, tasks: Sequence[Task]) -> list[Task]:
    """Return what this process runs of the tasks of a run: all of them, or those of its shard.

    Raises:
        UsageError: there is no such shard, or a task cannot be divided.
    """
    if arguments.shard is None:
        return list(tasks)
    shard = shard_of(arguments.shard)
    found = []
    for search in tasks_of(shard, [task.search for task in tasks]):
        whole = tasks[search.question]
        # Each kept witness is run again once, by the shard that begins the question.
        found.append(Task(search, whole.file, () if search.first else whole.kept))
    if not found:
        schedules = sum(task.search.schedules for task in tasks)
        remark(f"--shard {shard}: has no schedule of the {schedules} that the run has")
    return found
