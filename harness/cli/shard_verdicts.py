"""Verdicts that the shards of ``controls`` and ``fuzz`` have stored, and the folder that merges them."""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import Any, TypeVar

import msgspec

from harness.cli.run_plan import Plan, read_plan
from harness.explore.shard import Shard
from harness.model.errors import StoreError, UsageError
from harness.model.unreadable import UNREADABLE
from harness.results.store import RunFolder, run_id
from harness.system.bounded_read import content

__all__ = ["merged_folder", "read_verdicts", "refuse_options"]

_VERDICTS = "verdicts.jsonl"
_BYTES_MAX = 1 << 28
_Verdict = TypeVar("_Verdict")


def refuse_options(given: argparse.Namespace, command: str) -> None:
    """Refuse options of a merge that the command of the shards has nothing for.

    Raises:
        UsageError: one of them is given.
    """
    if given.junit or given.markdown:
        option = "--junit" if given.junit else "--markdown"
        raise UsageError(f"{option}: these are shards of `{command}`, which writes none; leave it out")


def read_verdicts(path: str, command: str, kind: type[_Verdict]) -> list[_Verdict]:
    """Return what a shard has stored.

    Args:
        path: of its folder.
        command: that wrote it.
        kind: of one line.

    Raises:
        UsageError: its file is missing or damaged.
    """
    file = os.path.join(path, _VERDICTS)
    try:
        return [msgspec.json.decode(line, type=kind) for line in content(file, _BYTES_MAX).splitlines()]
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give the folder of a shard") from error
    except UNREADABLE as error:
        raise UsageError(f"{file}: {error}; expected it as `{command}` wrote it") from error


def merged_folder(given: argparse.Namespace, plan: Plan, shards: list[Shard]) -> RunFolder:
    """Make the folder of the merged run, or take that of the same merge.

    Raises:
        UsageError: it cannot be made or written, or holds another run.
    """
    where = given.out or os.path.join("results", "runs", run_id())
    merged: list[dict[str, Any]] = [{"shard": str(one)} for one in shards]
    again = False
    with contextlib.suppress(UsageError):
        before = read_plan(where, (plan.command,))
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
