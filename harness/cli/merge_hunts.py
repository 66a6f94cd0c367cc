"""``merge`` of the shards of ``fuzz``: their figures added up, and the smallest catch of each kind."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from harness.cli.extension_permission import load_named
from harness.cli.hunt_report import HuntReport, encode, show, status_of
from harness.cli.output import emit, replay_command
from harness.cli.shard_folders import read_plans
from harness.cli.shard_verdicts import merged_folder, read_verdicts, refuse_options
from harness.explore.shard import Shard
from harness.model.errors import UsageError
from harness.results.store import RunFolder
from harness.system.bounded_read import content
from harness.system.output_file import write_whole
from harness.tools.fuzz import Figures, free_stem

__all__ = ["merge_hunts"]

_BYTES_MAX = 64 << 20
_WITNESS, _HISTORY = ".json", ".history.jsonl"


class _Catch(NamedTuple):
    """A catch of one shard.

    Args:
        found: what the shard reports of it.
        files: content of its scenario, its witness and its history.
        shard: which one it is.
    """

    found: dict[str, Any]
    files: tuple[bytes, bytes, bytes]
    shard: Shard


def merge_hunts(given: argparse.Namespace) -> int:
    """Merge the shards of `fuzz`, and return the exit status of one hunt.

    Raises:
        UsageError: they are not all shards of one hunt, once each and over, or a file of a catch is missing;
            nothing was written.
    """
    refuse_options(given, "fuzz")
    load_named(given.extension)
    shards = read_plans(given.folders)
    plan = shards[0][1]
    fences = [str(question.get("fence")) for question in plan.questions]
    reports = [_reports(path, shard, fences) for path, _, shard in shards]
    catches = [_smallest(_catches(shards, [own[at] for own in reports])) for at in range(len(fences))]
    folder = merged_folder(given, plan, [shard for _, _, shard in shards])
    taken: set[str] = set()
    merged = []
    for at, fence in enumerate(fences):
        violations = [_store(folder, free_stem(fence, one.found["kind"], taken), one) for one in catches[at]]
        whole = _sum([own[at] for own in reports], violations)
        merged.append(whole)
        folder.verdict(encode(whole))
        show(whole, Figures(), given.json)
        for one in violations if not given.json else ():
            emit(f"  scenario: {one['scenario']}\n  {replay_command(one['witness'])}")
    folder.close()
    return status_of(merged)


def _reports(path: str, shard: Shard, fences: Sequence[str]) -> list[HuntReport]:
    """Return what a shard reports of each fence.

    Raises:
        UsageError: it is not over, or its file is damaged.
    """
    found = read_verdicts(path, "fuzz", HuntReport)
    over = [one.fence for one in found if one.stopped != "interrupted"]
    if over != list(fences):
        raise UsageError(
            f"{path}: shard {shard} is not over: {len(over)} of {len(fences)} fences were hunted to the end; "
            "run it again with --force"
        )
    return found


def _catches(shards: Sequence[tuple[str, Any, Shard]], reports: Sequence[HuntReport]) -> Iterator[_Catch]:
    """Yield what the shards have caught of one fence.

    Raises:
        UsageError: a file of a catch cannot be read.
    """
    for (path, _, shard), report in zip(shards, reports, strict=True):
        for found in report.violations:
            # The paths in it are those of the machine that wrote it.
            scenario = os.path.join(path, "scenarios", os.path.basename(f"{found.get('scenario')}"))
            witness = os.path.join(path, "witnesses", os.path.basename(f"{found.get('witness')}"))
            history = witness.removesuffix(_WITNESS) + _HISTORY
            try:
                files = tuple(content(file, _BYTES_MAX) for file in (scenario, witness, history))
            except OSError as error:
                raise UsageError(
                    f"{path}: shard {shard}: {error.filename}: {error.strerror}; give the whole folder of it"
                ) from error
            yield _Catch(found, (files[0], files[1], files[2]), shard)


def _smallest(catches: Iterator[_Catch]) -> list[_Catch]:
    """Return for each kind of violation the catch with the shortest scenario."""
    best: dict[str, _Catch] = {}
    for one in catches:
        kind = f"{one.found.get('kind')}"
        if kind not in best or len(one.files[0]) < len(best[kind].files[0]):
            best[kind] = one
    return list(best.values())


def _store(folder: RunFolder, stem: str, one: _Catch) -> dict[str, Any]:
    """Store the files of a catch, and return what is reported of it."""
    scenario = os.path.join(folder.path, "scenarios", f"{stem}.yaml")
    witness = os.path.join(folder.path, "witnesses", stem)
    os.makedirs(os.path.dirname(scenario), exist_ok=True)
    for file, data in zip((scenario, witness + _WITNESS, witness + _HISTORY), one.files, strict=True):
        write_whole(file, data)
    return {**one.found, "scenario": scenario, "witness": witness + _WITNESS, "shard": str(one.shard)}


def _sum(reports: Sequence[HuntReport], violations: list[dict[str, Any]]) -> HuntReport:
    """Return the report of a fence that all shards' hunts have."""

    def total(name: str) -> int:
        return sum(getattr(one, name) for one in reports)

    return msgspec.structs.replace(
        reports[0],
        scenarios=total("scenarios"),
        schedules=total("schedules"),
        refused=total("refused"),
        inconclusive=total("inconclusive"),
        why_inconclusive=next((one.why_inconclusive for one in reports if one.why_inconclusive), ""),
        violations=violations,
        wall_s=max(one.wall_s for one in reports),
    )
