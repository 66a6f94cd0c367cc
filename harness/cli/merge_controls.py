"""``merge`` of the shards of ``controls``: the outcomes of all trials, in the order of one run."""

from __future__ import annotations

import argparse
import contextlib
import os

import msgspec

from harness.cli.controls_command import report, status_of
from harness.cli.display import Display
from harness.cli.run_plan import Plan, read_plan
from harness.cli.shard_folders import read_plans
from harness.explore.shard import Shard
from harness.model.errors import StoreError, UsageError
from harness.model.unreadable import UNREADABLE
from harness.results.store import RunFolder, run_id
from harness.system.bounded_read import content
from harness.tools.controls import Outcome, encode

__all__ = ["merge_controls"]

_VERDICTS = "verdicts.jsonl"
_BYTES_MAX = 1 << 28


def merge_controls(given: argparse.Namespace) -> int:
    """Merge the shards of `controls`, and return the exit status of one run.

    Raises:
        UsageError: they are not all shards of one run, once each and over; nothing was written.
    """
    if given.junit or given.markdown:
        option = "--junit" if given.junit else "--markdown"
        raise UsageError(f"{option}: these are shards of `controls`, which writes none; leave it out")
    shards = read_plans(given.folders)
    plan = shards[0][1]
    outcomes: list[Outcome | None] = [None] * len(plan.questions)
    for path, _, shard in shards:
        wanted = outcomes[shard.number - 1 :: shard.count]
        outcomes[shard.number - 1 :: shard.count] = _outcomes(path, shard, len(wanted))
    whole = [one for one in outcomes if one is not None]
    folder = _folder(given, plan, [str(shard) for _, _, shard in shards])
    display = Display(given.json)
    for outcome in whole:
        folder.verdict(encode(outcome))
        display.line(encode(outcome))
    folder.close()
    tried = plan.arguments.get("tried")
    strategies = tried if isinstance(tried, list) else list(dict.fromkeys(one.strategy for one in whole))
    report(whole, strategies, display)
    return status_of(whole, False)


def _outcomes(path: str, shard: Shard, count: int) -> list[Outcome]:
    """Return what a shard has found, in the order of its trials.

    Raises:
        UsageError: it is not over, or its file is damaged.
    """
    file = os.path.join(path, _VERDICTS)
    try:
        lines = content(file, _BYTES_MAX).splitlines()
        found = [msgspec.json.decode(line, type=Outcome) for line in lines]
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give the folder of a shard") from error
    except UNREADABLE as error:
        raise UsageError(f"{file}: {error}; expected it as `controls` wrote it") from error
    if len(found) != count or any(one.stopped == "interrupted" for one in found):
        raise UsageError(
            f"{path}: shard {shard} is not over: {len(found)} of {count} trials were made to their end; "
            "run it again with --force"
        )
    return found


def _folder(given: argparse.Namespace, plan: Plan, shards: list[str]) -> RunFolder:
    """Make the folder of the merged run, or take that of the same merge.

    Raises:
        UsageError: it cannot be made or written, or holds another run.
    """
    where = given.out or os.path.join("results", "runs", run_id())
    merged = [{"shard": one} for one in shards]
    again = False
    with contextlib.suppress(UsageError):
        before = read_plan(where, ("controls",))
        again = before.merged == merged and before.questions == plan.questions
    if any(os.path.realpath(where) == os.path.realpath(one) for one in given.folders):
        raise UsageError(f"--out {where}: is the folder of a shard; give another")
    arguments = {**plan.arguments, "shard": None}
    try:
        folder = RunFolder(where)
        stored = {**msgspec.to_builtins(plan), "arguments": arguments, "merged": merged}
        folder.plan(stored, again or given.force)
    except StoreError as error:
        raise UsageError(str(error)) from error
    return folder
