"""Reads the folders that the shards of a run have written, and refuses what does not add up to it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from harness.cli.checkpoint import Part, stored
from harness.cli.run_plan import Plan, differences, read_plan
from harness.cli.sink import Task
from harness.explore.code_digest import code_digest
from harness.explore.search_task import SearchTask
from harness.explore.shard import Shard, ShardTask, shard_of, tasks_of
from harness.model.errors import FormatError, ScenarioError, UsageError
from harness.model.unreadable import UNREADABLE
from harness.results.store import stored_progress
from harness.scenario import Scenario, load_data

__all__ = ["ShardFolder", "Shards", "read_plans", "read_shards"]

_COMMANDS = ("run", "matrix", "controls", "fuzz")
_SHARD = re.compile(r"[0-9]{1,6}/[0-9]{1,6}")
#: Shards that a message names.
_NAMED_MAX = 12


class ShardFolder(NamedTuple):
    """The folder of one shard.

    Args:
        path: as the user gave it.
        shard: which one it is.
        plan: of the whole run.
        tasks: what the shard ran, in the order of its files.
    """

    path: str
    shard: Shard
    plan: Plan
    tasks: Sequence[ShardTask]

    def part(self, number: int) -> Part | None:
        """Return what it stored of one of its tasks; None where the task is not over.

        Raises:
            FormatError: the file is damaged, or about something else.
        """
        found = stored(self.path, number, stored_progress(self.path, number), self.tasks[number])
        return found if isinstance(found, Part) else None

    def digest(self) -> str:
        """Return the digest of all that it stored."""
        whole = hashlib.blake2b(digest_size=8)
        for number in range(len(self.tasks)):
            whole.update(hashlib.blake2b(stored_progress(self.path, number) or b"", digest_size=16).digest())
        return whole.hexdigest()


class Shards(NamedTuple):
    """All shards of a run.

    Args:
        folders: in the order of their numbers.
        tasks: of the whole run.
    """

    folders: Sequence[ShardFolder]
    tasks: Sequence[Task]

    @property
    def plan(self) -> Plan:
        """The plan, which is that of each shard."""
        return self.folders[0].plan

    def parts(self, question: int) -> Iterator[tuple[ShardFolder, Part]]:
        """Yield the parts of a question, from its first schedule on.

        Raises:
            FormatError: one of the files is damaged.
        """
        for folder in self.folders:
            for number, task in enumerate(folder.tasks):
                if task.question == question:
                    part = folder.part(number)
                    assert part is not None, "it was there when the shards were checked"
                    yield folder, part

    def merged(self) -> list[dict[str, str]]:
        """Return what the plan of the merged run says of the shards."""
        return [{"shard": str(one.shard), "digest": one.digest()} for one in self.folders]


def read_shards(paths: Sequence[str]) -> Shards:
    """Read the folders of all shards of a run.

    Args:
        paths: in any order.

    Raises:
        UsageError: they are not each shard of one run, once, or one of them is not over; names all faults
            of a kind.
        FormatError: a file of them is damaged.
    """
    shards = read_plans(paths)
    tasks = _tasks(shards[0][0], shards[0][1])
    searches = [task.search for task in tasks]
    folders = [ShardFolder(path, shard, plan, tasks_of(shard, searches)) for path, plan, shard in shards]
    _check_over(folders)
    return Shards(folders, tasks)


def read_plans(paths: Sequence[str]) -> list[tuple[str, Plan, Shard]]:
    """Return the plan of each shard, in the order of their numbers.

    Args:
        paths: of their folders, in any order.

    Raises:
        UsageError: they are not each shard of one run, once.
    """
    known: dict[str, str] = {}
    for path in paths:
        real = os.path.realpath(path)
        if real in known:
            raise UsageError(f"{path}: given twice, as {known[real]}; give each folder once")
        known[real] = path
    plans = [(path, read_plan(path, _COMMANDS)) for path in paths]
    alone = [path for path, plan in plans if not plan.arguments.get("shard")]
    if alone:
        raise UsageError(
            f"{_listed(alone)}: no shard, but a whole run; give the folders that --shard K/N has written"
        )
    shards = [(path, plan, _shard(path, plan)) for path, plan in plans]
    _check_numbers([(path, shard) for path, _, shard in shards])
    _check_same(plans)
    return sorted(shards, key=lambda one: one[2].number)


def _shard(path: str, plan: Plan) -> Shard:
    """Return the shard that a plan is of.

    Raises:
        UsageError: it says nonsense.
    """
    text = plan.arguments["shard"]
    if not isinstance(text, str) or not _SHARD.fullmatch(text):
        raise UsageError(f"{path}/plan.json: shard {text!r}, expected K/N as `{plan.command}` wrote it")
    return shard_of(text)


def _check_numbers(shards: Sequence[tuple[str, Shard]]) -> None:
    """Refuse shards of several counts, doubles and gaps."""
    first, one = shards[0]
    for path, shard in shards:
        if shard.count != one.count:
            raise UsageError(
                f"{path} is shard {shard} and {first} is shard {one}: those are parts of two runs; "
                f"give shards out of {one.count} alone"
            )
    at: dict[int, str] = {}
    for path, shard in shards:
        if shard.number in at:
            raise UsageError(
                f"shard {shard} is in {at[shard.number]} and in {path}; its schedules count once: "
                "give one of them"
            )
        at[shard.number] = path
    missing = [str(Shard(number, one.count)) for number in range(1, one.count + 1) if number not in at]
    if missing:
        raise UsageError(
            f"{len(missing)} of {one.count} shards are missing: {_listed(missing)}; "
            "give their folders as well, or run them"
        )


def _check_same(plans: Sequence[tuple[str, Plan]]) -> None:
    first, plan = plans[0]
    if plan.code != code_digest():
        raise UsageError(
            f"{first}: was run by another version of the harness, or with other extensions, than this one, "
            "which may count otherwise; merge with that one"
        )
    lines = []
    for path, other in plans[1:]:
        faults = differences(plan, other, "{} is {} there, and {} here")
        if other.command != plan.command:
            faults.insert(0, f"is of `{other.command}`, not of `{plan.command}`")
        lines += [f"  {path}: {fault}" for fault in faults]
    if lines:
        raise UsageError(
            f"these are no shards of the run of {first}:\n"
            + "\n".join(lines)
            + "\nrun them again as that one"
        )


def _check_over(folders: Sequence[ShardFolder]) -> None:
    lines = []
    for folder in folders:
        for number, task in enumerate(folder.tasks):
            if folder.part(number) is None:
                lines.append(
                    f"{folder.path}: shard {folder.shard} is not over: not all of the schedules {task.first} "
                    f"to {task.stop - 1} of {task.scenario.name} / {task.fence} are run"
                )
                break
    if lines:
        resume = "go on with each (`run --resume DIR`, or the same command with --force), then merge"
        raise UsageError("\n".join([*lines[:_NAMED_MAX], *_more(len(lines)), resume]))


def _more(count: int) -> list[str]:
    return [f"and {count - _NAMED_MAX} more"] if count > _NAMED_MAX else []


class _Question(msgspec.Struct, frozen=True):
    """A question of a plan, as far as a merge needs it."""

    scenario: dict[str, Any]
    fence: str
    gate: Literal["kernel", "free"]
    strategy: str
    seed: Annotated[int, msgspec.Meta(ge=0)]
    schedules: Annotated[int, msgspec.Meta(ge=1)]


def _tasks(path: str, plan: Plan) -> list[Task]:
    """Return the tasks of the whole run, as the plan says them; loads no fence."""
    where = os.path.join(path, "plan.json")
    least = plan.arguments.get("min_schedules") or "50%"
    tasks: list[Task] = []
    # A matrix compares the fences of one scenario, and knows it by its identity.
    scenarios: dict[tuple[str, bytes], Scenario] = {}
    try:
        if len(plan.files) != len(plan.questions):
            raise FormatError(f"{len(plan.files)} files for {len(plan.questions)} questions")
        for file, data in zip(plan.files, plan.questions, strict=True):
            question = msgspec.convert(data, _Question)
            key = file, msgspec.json.encode(question.scenario)
            if key not in scenarios:
                scenarios[key] = load_data(question.scenario, where)
            search = SearchTask(
                scenarios[key],
                question.fence,
                question.gate,
                question.strategy,
                question.seed,
                question.schedules,
                each=plan.command == "matrix",
                least=least,
            )
            tasks.append(Task(search, file, ()))
    except (*UNREADABLE, FormatError, ScenarioError) as error:
        raise UsageError(f"{where}: {error}; expected it as `{plan.command}` wrote it") from error
    return tasks


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED_MAX], *_more(len(names))])
