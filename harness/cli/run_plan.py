"""The plan of a run, ``plan.json``: what was asked for, and all that decides which schedules that are."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from harness.cli.sink import Task
from harness.explore.code_digest import code_digest, fence_digest, python_version
from harness.explore.search_task import ExhaustiveTask, SearchTask
from harness.model.errors import FormatError, UsageError
from harness.model.unreadable import UNREADABLE
from harness.scenario import dump
from harness.system.bounded_read import content

__all__ = ["Plan", "differences", "plan_of", "read_plan", "task_data"]

VERSION = 1
#: Commands whose plan is read again: a run to be resumed, and the shards of a run or a matrix.
_READABLE = ("run", "matrix")
#: Of 771 searches it has 1.7 MB; once read, it takes up to 25 times the memory of the file.
_PLAN_BYTES_MAX = 6 << 20
_LEAST = r"^[0-9]{1,4000}%?$"
_SHARD = r"^[0-9]{1,6}/[0-9]{1,6}$"
_MOST = (1 << 63) - 1


class _Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments that a plan gives a resumed run: types and bounds of the command line."""

    scenarios: list[str]
    argv: list[str]
    fence: list[str] | None = None
    gate: Literal["kernel", "free"] | None = None
    strategy: str | None = None
    schedules: Annotated[int, msgspec.Meta(ge=1, le=_MOST)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] | None = None
    time_limit_s: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    explorers: Annotated[int, msgspec.Meta(ge=1, le=256)] | None = None
    rogue_actions: Annotated[int, msgspec.Meta(ge=0, le=8)] | None = None
    preemptions: Annotated[int, msgspec.Meta(ge=-1, le=100)] | None = None
    no_shrink: bool | None = None
    shrink_limit_s: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None
    keep: bool | None = None
    require_confinement: bool | None = None
    session_root: str | None = None
    junit: str | None = None
    invariant: list[str] | None = None
    extension: list[str] | None = None
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    min_schedules: Annotated[str, msgspec.Meta(pattern=_LEAST)] | None = None
    shard: Annotated[str, msgspec.Meta(pattern=_SHARD)] | None = None


_NOT_STORED = ("command", "resume", "named")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run, ``plan.json``.

    Args:
        arguments: of the command line.
        questions: the search tasks in their order, with all that decides which schedules they have.
        code: digest of the harness, see `harness.explore.code_digest`.
        command: subcommand.
        python: that ran it; another one may make other file calls.
        files: of the scenarios, one a question.
        merged: of a merged run, what each shard was.
        version: of this format.
    """

    arguments: dict[str, Any]
    questions: list[dict[str, Any]]
    code: str = ""
    command: str = ""
    python: str = ""
    files: list[str] = []
    merged: list[dict[str, Any]] = []
    version: int = VERSION


def plan_of(arguments: argparse.Namespace, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the plan that is written down before a run begins."""
    given = {key: value for key, value in vars(arguments).items() if key not in _NOT_STORED}
    return {
        "version": VERSION,
        "command": arguments.command,
        "code": code_digest(),
        "python": python_version(),
        "began": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "arguments": given,
        "questions": [task_data(task.search) for task in tasks],
        "files": [task.file for task in tasks],
    }


def task_data(task: SearchTask) -> dict[str, Any]:
    """Return what decides which schedules a task has."""
    data = {
        "scenario": dump(task.scenario),
        "fence": task.fence,
        "fence_code": fence_digest(task.fence),
        "gate": task.gate,
        "strategy": task.strategy,
        "seed": task.seed,
        "schedules": task.schedules,
    }
    if isinstance(task, ExhaustiveTask):
        data["rogue_actions"], data["preemptions"] = task.actions_max, task.preemptions_max
    return data


def read_plan(folder: str, commands: Sequence[str] = ("run",)) -> Plan:
    """Read the plan of the run in a folder.

    Args:
        folder: of the run.
        commands: that may have written it.

    Raises:
        UsageError: there is no run, or none that can be resumed.
    """
    path = os.path.join(folder, "plan.json")
    try:
        plan = msgspec.json.decode(content(path, _PLAN_BYTES_MAX), type=Plan)
        if plan.version == VERSION and plan.command in _READABLE:
            msgspec.convert(plan.arguments, _Arguments)
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}; give the folder of a run (--out, results/runs)"
        ) from error
    except (*UNREADABLE, FormatError) as error:
        raise UsageError(f"{path}: {error}; expected it as `run` wrote it") from error
    if plan.version != VERSION:
        raise UsageError(f"{path}: version {plan.version}, expected {VERSION}; begin a new run")
    if plan.command not in commands:
        raise UsageError(
            f"{path}: is of {plan.command or 'an earlier release'}, expected one of "
            f"{' or '.join(f'`{name}`' for name in commands)}; begin a new run"
        )
    return plan


#: Of two values of one question, the earlier first.
_ASKED = "{} was {}, and {} is asked for"


def differences(before: Plan, now: Plan, values: str = _ASKED) -> list[str]:
    """Return why the schedules of two plans do not add up, in the order of their questions.

    Args:
        before, now: the plans.
        values: how two values are told, with places for their name, the first and the second.
    """
    faults = []
    if before.code != now.code:
        faults.append(
            "it was begun by another version of the harness, or of an extension, whose schedules are others"
        )
    if before.python and before.python != now.python:
        faults.append(f"Python was {before.python}, and is {now.python}, whose file calls may be others")
    names, wanted = [_named(one) for one in before.questions], [_named(one) for one in now.questions]
    if names != wanted:
        faults.append(f"it is about {_list(names)}, asked for is {_list(wanted)}")
    else:
        for old, new in zip(before.questions, now.questions, strict=True):
            faults += [f"{_named(new)}: {fault}" for fault in _differences(old, new, values)]
    return list(dict.fromkeys(faults))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], values: str) -> list[str]:
    found = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name == "scenario" and isinstance(old, dict) and isinstance(new, dict):
            keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
            found.append(f"the scenario has changed since: {', '.join(keys)}")
        elif name == "fence_code":
            found.append("the fence's file has changed since")
        else:
            found.append(values.format(name.replace("_", " "), old, new))
    return found


def _named(question: Mapping[str, Any]) -> str:
    scenario = question.get("scenario")
    name = scenario.get("name", "?") if isinstance(scenario, dict) else "?"
    return f"{name} / {question.get('fence', '?')}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown or "nothing"  # noqa: PLR2004
