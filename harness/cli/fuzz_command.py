"""``fuzz``: draw scenarios and schedules, and return small scenarios in which a fence violates."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import Any

from harness import gates
from harness.cli.cluster_option import admit, coordinator_for
from harness.cli.extension_permission import load_named
from harness.cli.hunt_report import HuntReport, claims, encode, show, status_of
from harness.cli.output import emit, remark, replay_command
from harness.cli.shrink_sink import Shrinker
from harness.cli.status import INTERRUPTED
from harness.explore.code_digest import code_digest, fence_digest, python_version
from harness.explore.coordinator import Coordinator
from harness.explore.shard import shard_of
from harness.model.errors import FenceLoadError, GateUnavailable, StoreError, UsageError
from harness.model.policy import resolve
from harness.report.story import headline, story
from harness.results.store import RunFolder, run_id
from harness.scenario import load
from harness.scenario.extension_files import KEY
from harness.scenario.fence_reference import check
from harness.system.output_file import write_whole
from harness.tools.fuzz import (
    SMALLEST,
    Additions,
    Catch,
    Figures,
    Hunt,
    additions_of,
    as_yaml,
    drawn_task,
    free_stem,
)

__all__ = ["main"]

#: Limit for shrinking each witness, after its scenario was made smaller.
_WITNESS_S = 5.0
#: It gets at least so much time, even when the time of the hunt is over.
_WITNESS_MIN_S = 3.0


def main(arguments: argparse.Namespace) -> int:
    """Hunt for violations of every fence in turn; see `harness.cli` for the exit status."""
    why = gates.unavailable("kernel")
    if why:
        raise GateUnavailable(
            f"scenarios are drawn for the kernel gate: {why}; see `python -m harness doctor`"
        )
    fences = list(dict.fromkeys(arguments.fence))
    added = _added(arguments.extension or ())
    resolve(arguments.policy)
    _check(fences)
    folder = _folder(arguments)
    with _coordinator(arguments) as coordinator:
        smallest = {**SMALLEST, KEY: list(added.files)} if added.files else SMALLEST
        admit(coordinator, arguments, "kernel", [drawn_task(smallest, fence) for fence in fences])
        deadline = time.monotonic() + arguments.time_limit_s
        fuzz = _Fuzz(coordinator, arguments, folder, added)
        for number, fence in enumerate(fences):
            if coordinator.interrupted:
                break
            now = time.monotonic()
            fuzz.hunt(fence, now + (deadline - now) / (len(fences) - number))
        return fuzz.status()


def _coordinator(arguments: argparse.Namespace) -> Coordinator:
    """Return a coordinator of one explorer, as scenarios are drawn one after the other, or of a cluster."""
    if arguments.cluster is None:
        return Coordinator(1, arguments.session_root)
    return coordinator_for(arguments)


def _added(files: Sequence[str]) -> Additions:
    """Load the files that the user has given, and return their members; say which roles are not drawn.

    Raises:
        ExtensionError: one of them cannot be used.
    """
    load_named(files)
    added = additions_of(files)
    for role in added.left_out:
        remark(f"the role {role!r} is not drawn: a lane of it needs further keys")
    return added


def _check(fences: list[str]) -> None:
    faults = []
    for fence in fences:
        try:
            check(fence)
        except FenceLoadError as error:
            faults.append(f"--fence {error}")
    if faults:
        raise FenceLoadError("\n".join(faults))


def _folder(arguments: argparse.Namespace) -> RunFolder:
    """Make the folder for scenarios, witnesses and verdicts.

    Raises:
        UsageError: it cannot be made or written; nothing ran.
    """
    try:
        folder = RunFolder(arguments.out or os.path.join("results", "runs", run_id()))
        given = {key: value for key, value in vars(arguments).items() if key not in ("command", "cluster")}
        plan = {"version": 1, "command": "fuzz", "code": code_digest(), "python": python_version()}
        folder.plan({**plan, "arguments": given, "questions": _questions(arguments)}, arguments.force)
        os.makedirs(os.path.join(folder.path, "scenarios"), exist_ok=True)
    except (OSError, StoreError) as error:
        raise UsageError(str(error)) from error
    return folder


def _questions(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what decides which scenarios are drawn, for each fence."""
    return [
        {
            "scenario": {"name": "drawn"},
            "fence": fence,
            "fence_code": fence_digest(fence),
            "policy": arguments.policy,
            "seed": arguments.seed,
        }
        for fence in dict.fromkeys(arguments.fence)
    ]


class _Fuzz:
    def __init__(
        self, coordinator: Coordinator, arguments: argparse.Namespace, folder: RunFolder, added: Additions
    ) -> None:
        self._added = added
        self._coordinator = coordinator
        self._policy: str = arguments.policy
        self._seed: int = arguments.seed
        self._shard = None if arguments.shard is None else shard_of(arguments.shard)
        self._json: bool = arguments.json
        self._folder = folder
        self._reports: list[HuntReport] = []
        self._stems: set[str] = set()

    def hunt(self, fence: str, deadline: float) -> None:
        """Search for all that one fence does wrong until its time is over, and report it."""
        started = time.monotonic()
        hunt = Hunt(self._coordinator, fence, self._policy, self._seed, deadline, self._added, self._shard)
        caught: list[dict[str, Any]] = []
        try:
            for catch in hunt.catches():
                caught.append(self._store(fence, catch, deadline))
        finally:
            report = self._report(fence, hunt.figures, caught, time.monotonic() - started)
            self._reports.append(report)
            self._folder.verdict(encode(report))
            show(report, hunt.figures, self._json)

    def _store(self, fence: str, catch: Catch, deadline: float) -> dict[str, Any]:
        """Store a scenario and its witness, show them, and return what is reported."""
        finding = catch.result.stats.first[catch.kind]
        stem = free_stem(fence, catch.kind, self._stems)
        witness = catch.result.task.witness(finding)
        path = self._folder.witness(stem, witness, finding.history)
        shrinker = Shrinker(self._coordinator, _WITNESS_S, max(deadline, time.monotonic() + _WITNESS_MIN_S))
        shrunk = None if self._coordinator.interrupted else shrinker.shrink(witness)
        if shrunk is not None:
            path = self._folder.shrunk(stem, shrunk.witness(witness))
        text = as_yaml(catch.data, fence, self._seed, catch.kind, finding.violation.detail, catch.others)
        file = os.path.join(self._folder.path, "scenarios", f"{stem}.yaml")
        write_whole(file, text.encode())
        load(file)
        if not self._json:
            best = None if shrunk is None else shrunk.best
            shown = finding if best is None else best
            emit(f"{fence}: {headline(shown.history, shown.violation)}")
            critical = () if shrunk is None else shrunk.critical
            lines = [*text.splitlines(), *story(shown.history, shown.judgement, shown.violation, critical)]
            emit("\n".join(f"  {line}" for line in lines))
            emit(f"  scenario: {file}\n  {replay_command(path)}")
        return {
            "kind": catch.kind,
            "also": list(catch.others),
            "scenario": file,
            "witness": path,
            "scenario_shrunk": catch.shrunk,
            "shrunk": None if shrunk is None else shrunk.figures(),
        }

    def _report(
        self, fence: str, figures: Figures, caught: list[dict[str, Any]], wall_s: float
    ) -> HuntReport:
        return HuntReport(
            fence=fence,
            policy=self._policy,
            seed=self._seed,
            claims_sound=claims(fence, self._policy),
            scenarios=figures.scenarios,
            schedules=figures.schedules,
            refused=figures.refused,
            inconclusive=figures.inconclusive,
            why_inconclusive=figures.why_inconclusive,
            violations=caught,
            stopped="interrupted" if self._coordinator.interrupted else "",
            wall_s=round(wall_s, 3),
        )

    def status(self) -> int:
        """Return the exit status of all hunts."""
        return INTERRUPTED if self._coordinator.interrupted else status_of(self._reports)
