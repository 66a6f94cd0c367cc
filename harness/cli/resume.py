"""``run --resume``: reads the plan of a run from its folder, and checks that it is the one asked for."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from harness.cli.code_digest import code_digest, fence_digest
from harness.explore.search_task import ExhaustiveTask, SearchTask
from harness.model.errors import FormatError, UsageError
from harness.model.unreadable import UNREADABLE
from harness.scenario import dump
from harness.system.bounded_read import content

__all__ = ["DEFAULTS", "Plan", "check_same", "completed", "plan_of", "read_plan"]

VERSION = 1
#: Of 771 searches it has 1.7 MB; what is read takes up to 25 times the memory of the file.
_PLAN_BYTES_MAX = 6 << 20
_LEAST = r"^[0-9]{1,4000}%?$"
_MOST = (1 << 63) - 1

#: Defaults of the options that a resumed run takes over from the run before.
DEFAULTS: dict[str, Any] = {
    "fence": None,
    "gate": None,
    "strategy": "portfolio",
    "schedules": None,
    "seed": 1,
    "time_limit_s": 0.0,
    "explorers": None,
    "rogue_actions": 0,
    "preemptions": -1,
    "no_shrink": False,
    "shrink_limit_s": 5.0,
    "keep": False,
    "session_root": None,
    "junit": None,
    "invariant": None,
    "confidence": None,
    "min_schedules": "50%",
    "require_confinement": False,
}


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
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    min_schedules: Annotated[str, msgspec.Meta(pattern=_LEAST)] | None = None


_NOT_STORED = ("command", "resume", "named")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run, ``plan.json``.

    Args:
        arguments: of the command line.
        questions: the search tasks in their order, with all that decides which schedules they have.
        code: digest of the harness, see `harness.cli.code_digest`.
        command: subcommand.
        version: of this format.
    """

    arguments: dict[str, Any]
    questions: list[dict[str, Any]]
    code: str = ""
    command: str = ""
    version: int = VERSION


def completed(given: argparse.Namespace, folder: str | None = None) -> argparse.Namespace:
    """Return the arguments with defaults, or the values of the run that is resumed, filled in.

    Args:
        given: an option that was not given is None.
        folder: of the run that is resumed; None for a new run.

    Raises:
        UsageError: no scenario is named, or there is no such run.
    """
    arguments = {**vars(given), "argv": sys.argv[1:]}
    # The code that this command line names; what a plan names is that of a file.
    arguments["named"] = [*(arguments.get("fence") or ()), *(arguments.get("invariant") or ())]
    before: Mapping[str, Any] = DEFAULTS if folder is None else DEFAULTS | read_plan(folder).arguments
    for name, default in DEFAULTS.items():
        if arguments.get(name) is None:
            arguments[name] = before.get(name, default)
    if folder is not None:
        if given.out is not None and os.path.realpath(given.out) != os.path.realpath(folder):
            raise UsageError(f"--out {given.out}: a resumed run goes on in its own folder; leave it out")
        arguments["out"] = folder
        # The command line that runs all of it again is that of the first start.
        arguments["argv"] = before.get("argv", arguments["argv"])
        arguments["scenarios"] = given.scenarios or before.get("scenarios", [])
    if arguments["confidence"] and not arguments["schedules"]:
        from harness.explore.shortfalls import schedules_for

        arguments["schedules"] = schedules_for(arguments["confidence"])
    if not arguments["scenarios"]:
        raise UsageError("expected a SCENARIO.yaml, or --resume and the folder of a run; see --help")
    return argparse.Namespace(**arguments)


def plan_of(arguments: argparse.Namespace, tasks: Sequence[SearchTask]) -> dict[str, Any]:
    """Return the plan that is written down before a run begins."""
    given = {key: value for key, value in vars(arguments).items() if key not in _NOT_STORED}
    return {
        "version": VERSION,
        "command": arguments.command,
        "code": code_digest(),
        "began": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "arguments": given,
        "questions": [_task_data(task) for task in tasks],
    }


def _task_data(task: SearchTask) -> dict[str, Any]:
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


def read_plan(folder: str) -> Plan:
    """Read the plan of the run in a folder.

    Raises:
        UsageError: there is no run, or none that can be resumed.
    """
    path = os.path.join(folder, "plan.json")
    try:
        plan = msgspec.json.decode(content(path, _PLAN_BYTES_MAX), type=Plan)
        if plan.version == VERSION and plan.command == "run":
            msgspec.convert(plan.arguments, _Arguments)
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}; give the folder of a run (--out, results/runs)"
        ) from error
    except (*UNREADABLE, FormatError) as error:
        raise UsageError(f"{path}: {error}; expected it as `run` wrote it") from error
    if plan.version != VERSION:
        raise UsageError(f"{path}: version {plan.version}, expected {VERSION}; begin a new run")
    if plan.command != "run":
        raise UsageError(
            f"{path}: is of {plan.command or 'an earlier release'}, expected one of `run`; begin a new run"
        )
    return plan


def check_same(folder: str, tasks: Sequence[SearchTask]) -> None:
    """Check that the schedules of the run in a folder and those of the given tasks add up.

    Raises:
        UsageError: that is another run; the message names all differences.
    """
    plan = read_plan(folder)
    # Through JSON, as the stored plan: tuples become lists.
    asked = msgspec.json.decode(msgspec.json.encode([_task_data(task) for task in tasks]))
    faults = []
    if plan.code != code_digest():
        faults.append("it was begun by another version of the harness, whose schedules are others")
    names, wanted = [_named(one) for one in plan.questions], [_named(one) for one in asked]
    if names != wanted:
        faults.append(f"it is about {_list(names)}, asked for is {_list(wanted)}")
    else:
        for before, now in zip(plan.questions, asked, strict=True):
            faults += [f"{_named(now)}: {fault}" for fault in _differences(before, now)]
    if faults:
        where = os.path.join(folder, "plan.json")
        shown = "\n".join(f"  {fault}" for fault in dict.fromkeys(faults))
        raise UsageError(
            f"--resume: the run of {where} does not match:\n{shown}\n"
            "give --resume alone to continue that run, or begin a new run"
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
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
            found.append(f"{name.replace('_', ' ')} was {old}, and {new} is asked for")
    return found


def _named(question: Mapping[str, Any]) -> str:
    scenario = question.get("scenario")
    name = scenario.get("name", "?") if isinstance(scenario, dict) else "?"
    return f"{name} / {question.get('fence', '?')}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown or "nothing"  # noqa: PLR2004
