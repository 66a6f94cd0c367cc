"""``fuzz``: draw scenarios and schedules, and return small scenarios in which a fence violates."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from harness import gates
from harness.cli.extension_permission import load_named
from harness.cli.output import emit, remark, replay_command
from harness.cli.shrink_sink import Shrinker
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.explore.coordinator import Coordinator
from harness.model.errors import FenceLoadError, GateUnavailable, StoreError, UsageError
from harness.model.policy import resolve
from harness.report.story import headline, story
from harness.results.store import RunFolder, run_id
from harness.scenario import load
from harness.scenario.fence_reference import check
from harness.system.output_file import write_whole
from harness.tools.fuzz import Additions, Catch, Figures, Hunt, additions_of, as_yaml, file_stem

__all__ = ["main"]

#: Limit for shrinking each witness, after its scenario was made smaller.
_WITNESS_S = 5.0
#: It gets at least so much time, even when the time of the hunt is over.
_WITNESS_MIN_S = 3.0


class _Report(msgspec.Struct):
    """Report on one fence; with ``--json`` one line."""

    fence: str
    policy: str
    seed: int
    claims_sound: bool
    scenarios: int
    schedules: int
    refused: int
    inconclusive: int
    why_inconclusive: str
    violations: list[dict[str, Any]]
    stopped: str
    wall_s: float


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
    deadline = time.monotonic() + arguments.time_limit_s
    with Coordinator(1, arguments.session_root) as coordinator:
        fuzz = _Fuzz(coordinator, arguments, folder, added)
        for number, fence in enumerate(fences):
            if coordinator.interrupted:
                break
            now = time.monotonic()
            fuzz.hunt(fence, now + (deadline - now) / (len(fences) - number))
        return fuzz.status()


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
        given = {key: value for key, value in vars(arguments).items() if key != "command"}
        folder.plan({"version": 1, "arguments": given}, arguments.force)
        os.makedirs(os.path.join(folder.path, "scenarios"), exist_ok=True)
    except (OSError, StoreError) as error:
        raise UsageError(str(error)) from error
    return folder


class _Fuzz:
    def __init__(
        self, coordinator: Coordinator, arguments: argparse.Namespace, folder: RunFolder, added: Additions
    ) -> None:
        self._added = added
        self._coordinator = coordinator
        self._policy: str = arguments.policy
        self._seed: int = arguments.seed
        self._json: bool = arguments.json
        self._folder = folder
        self._reports: list[_Report] = []
        self._stems: set[str] = set()

    def hunt(self, fence: str, deadline: float) -> None:
        """Search for all that one fence does wrong until its time is over, and report it."""
        started = time.monotonic()
        hunt = Hunt(self._coordinator, fence, self._policy, self._seed, deadline, self._added)
        caught: list[dict[str, Any]] = []
        try:
            for catch in hunt.catches():
                caught.append(self._store(fence, catch, deadline))
        finally:
            report = self._report(fence, hunt.figures, caught, time.monotonic() - started)
            self._reports.append(report)
            self._show(report, hunt.figures)

    def _store(self, fence: str, catch: Catch, deadline: float) -> dict[str, Any]:
        """Store a scenario and its witness, show them, and return what is reported."""
        finding = catch.result.stats.first[catch.kind]
        stem = self._stem(fence, catch.kind)
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

    def _stem(self, fence: str, kind: str) -> str:
        """Return an unused file name, because fences of different files may have the same name."""
        stem, number = file_stem(fence, kind), 2
        while stem in self._stems:
            stem, number = f"{file_stem(fence, kind)}-{number}", number + 1
        self._stems.add(stem)
        return stem

    def _report(self, fence: str, figures: Figures, caught: list[dict[str, Any]], wall_s: float) -> _Report:
        return _Report(
            fence,
            self._policy,
            self._seed,
            self._policy in _claims(fence),
            figures.scenarios,
            figures.schedules,
            figures.refused,
            figures.inconclusive,
            figures.why_inconclusive,
            caught,
            "interrupted" if self._coordinator.interrupted else "",
            round(wall_s, 3),
        )

    def _show(self, report: _Report, figures: Figures) -> None:
        line = msgspec.json.encode(report).decode()
        self._folder.verdict(line)
        kinds = ", ".join(found["kind"] for found in report.violations) or "no violation"
        ran = f"{report.scenarios} scenarios, {report.schedules} schedules in {report.wall_s:.1f} s"
        if figures.refused:
            remark(f"{figures.refused} drawn scenarios were refused: {figures.why_refused}")
        if self._json:
            emit(line)
            return
        claim = f", though it claims to be sound under {report.policy}" if report.claims_sound else ""
        emit(f"{report.fence}: {kinds} ({ran}){claim if report.violations else ''}")
        if report.inconclusive:
            emit(f"  INCONCLUSIVE in {report.inconclusive} schedules: {report.why_inconclusive}")
            emit(f"  first in the scenario {msgspec.json.encode(figures.doubtful).decode()}")

    def status(self) -> int:
        """Return the exit status of all hunts."""
        if self._coordinator.interrupted:
            return INTERRUPTED
        if any(report.violations for report in self._reports):
            return NOT_EXPECTED
        if any(report.inconclusive or not report.schedules for report in self._reports):
            return INCONCLUSIVE
        return OK


def _claims(reference: str) -> tuple[str, ...]:
    """Return the policies under which a registered fence claims to be right; others are not loaded."""
    import fence

    return fence.load(reference).sound_under if reference in fence.FENCES else ()
