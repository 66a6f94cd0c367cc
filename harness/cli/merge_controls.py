"""``merge`` of the shards of ``controls``: the outcomes of all trials, in the order of one run."""

from __future__ import annotations

import argparse

from harness.cli.controls_command import report, status_of
from harness.cli.display import Display
from harness.cli.extension_permission import load_named
from harness.cli.shard_folders import read_plans
from harness.cli.shard_verdicts import merged_folder, read_verdicts, refuse_options
from harness.explore.shard import Shard
from harness.model.errors import UsageError
from harness.tools.controls import Outcome, encode

__all__ = ["merge_controls"]


def merge_controls(given: argparse.Namespace) -> int:
    """Merge the shards of `controls`, and return the exit status of one run.

    Raises:
        UsageError: they are not all shards of one run, once each and over; nothing was written.
    """
    refuse_options(given, "controls")
    load_named(given.extension)
    shards = read_plans(given.folders)
    plan = shards[0][1]
    outcomes: list[Outcome | None] = [None] * len(plan.questions)
    for path, _, shard in shards:
        wanted = outcomes[shard.number - 1 :: shard.count]
        outcomes[shard.number - 1 :: shard.count] = _outcomes(path, shard, len(wanted))
    whole = [one for one in outcomes if one is not None]
    folder = merged_folder(given, plan, [shard for _, _, shard in shards])
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
    found = read_verdicts(path, "controls", Outcome)
    if len(found) != count or any(one.stopped == "interrupted" for one in found):
        raise UsageError(
            f"{path}: shard {shard} is not over: {len(found)} of {count} trials were made to their end; "
            "run it again with --force"
        )
    return found
