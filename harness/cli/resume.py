"""``run --resume``: reads the plan of a run from its folder, and checks that it is the one asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.model.errors import UsageError

if TYPE_CHECKING:
    from harness.cli.sink import Task

__all__ = ["DEFAULTS", "check_same", "completed"]

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
    "extension": None,
    "confidence": None,
    "min_schedules": "50%",
    "require_confinement": False,
    "shard": None,
}


def completed(given: argparse.Namespace, folder: str | None = None) -> argparse.Namespace:
    """Return the arguments with defaults, or the values of the run that is resumed, filled in.

    Args:
        given: an option that was not given is None.
        folder: of the run that is resumed; None for a new run.

    Raises:
        UsageError: no scenario is named, or there is no such run.
    """
    arguments = {**vars(given), "argv": sys.argv[1:]}
    # The code that this command line names; code that a plan names is that of a file.
    arguments["named"] = [
        one for option in ("fence", "invariant", "extension") for one in arguments.get(option) or ()
    ]
    before: Mapping[str, Any] = DEFAULTS
    if folder is not None:
        # Not imported for a new run, which starts an explorer first.
        from harness.cli.run_plan import read_plan

        before = DEFAULTS | read_plan(folder).arguments
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


def check_same(folder: str, arguments: argparse.Namespace, tasks: Sequence[Task]) -> None:
    """Check that the schedules of the run in a folder and those of the given tasks add up.

    Raises:
        UsageError: that is another run; the message names all differences.
    """
    import msgspec

    from harness.cli.run_plan import Plan, differences, plan_of, read_plan

    # Through JSON, as the stored plan: tuples become lists.
    asked = msgspec.json.decode(msgspec.json.encode(plan_of(arguments, tasks)), type=Plan)
    faults = differences(read_plan(folder), asked)
    if faults:
        where = os.path.join(folder, "plan.json")
        shown = "\n".join(f"  {fault}" for fault in faults)
        raise UsageError(
            f"--resume: the run of {where} does not match:\n{shown}\n"
            "give --resume alone to continue that run, or begin a new run"
        )
