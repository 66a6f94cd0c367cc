"""``controls``: find out which strategy catches each fence that is broken on purpose."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from harness import gates
from harness.cli.cluster_option import admit, coordinator_for
from harness.cli.code_permission import check_code
from harness.cli.display import Display
from harness.cli.extension_permission import load_named
from harness.cli.output import remark, replay_command
from harness.cli.scenario_files import own_folder
from harness.cli.search_tasks import choose_strategy
from harness.cli.sink import WriteFaults
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.explore.code_digest import code_digest, python_version
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result
from harness.explore.shard import shard_of
from harness.model.errors import GateUnavailable, StoreError, UsageError
from harness.results.store import RunFolder, run_id
from harness.scenario import dump
from harness.strategies import STRATEGIES
from harness.tools.controls import Outcome, Trial, assess, encode, rows, trials, unmet

__all__ = ["main", "own_trials", "report", "status_of"]

#: Draws nothing but a quantum: it is no search, and serves as a comparison.
_NO_SEARCH = "round-robin"


def main(arguments: argparse.Namespace) -> int:
    """Try every control with every strategy; see `harness.cli` for the exit status."""
    why = gates.unavailable("kernel")
    if why:
        raise GateUnavailable(
            f"controls are tried under the kernel gate: {why}; see `python -m harness doctor`"
        )
    added = tuple(arguments.extension or ())
    load_named(added)
    strategies = [choose_strategy(name) for name in _listed(arguments.strategies)] or [
        name for name in STRATEGIES if name != _NO_SEARCH
    ]
    arguments.tried = strategies
    arguments.scenarios = arguments.scenarios or own_folder()
    wanted = trials(
        _listed(arguments.only), strategies, arguments.schedules, arguments.seeds, arguments.scenarios, added
    )
    scenarios = list({id(trial.task.scenario): trial.task.scenario for trial in wanted}.values())
    where = [os.path.join(arguments.scenarios, f"{one.name}.yaml") for one in scenarios]
    check_code(where, scenarios, (), False, fences=False, option="another --scenarios")
    display = Display(arguments.json)
    own = own_trials(arguments.shard, wanted)
    with coordinator_for(arguments) as coordinator:
        admit(coordinator, arguments, "kernel", [trial.task for trial in own])
        loop = _TrialLoop(coordinator, display, _folder(arguments, wanted))
        try:
            loop.try_all(own)
        finally:
            loop.report(strategies)
    return loop.status()


def own_trials(shard: str | None, wanted: Sequence[Trial]) -> list[Trial]:
    """Return the trials that this process makes: all of them, or those of its shard.

    A trial ends with the schedule that kills its control, so it is not worth dividing.
    """
    if shard is None:
        return list(wanted)
    one = shard_of(shard)
    return list(wanted[one.number - 1 :: one.count])


def _listed(text: str | None) -> list[str]:
    """Return the names in a list with commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


class _TrialLoop:
    def __init__(self, coordinator: Coordinator, display: Display, folder: RunFolder) -> None:
        self._coordinator = coordinator
        self._display = display
        self._folder = folder
        self._outcomes: list[Outcome] = []
        self._faults = WriteFaults()

    def try_all(self, wanted: Sequence[Trial]) -> None:
        """Run the trials one after the other until the user interrupts."""
        self._coordinator.expect([trial.task for trial in wanted])
        for trial in wanted:
            if self._coordinator.interrupted:
                return
            with self._display.progress(trial.task) as progress:
                result = self._coordinator.ask(trial.task, progress)
            if isinstance(result.fault, UsageError):
                raise result.fault
            self._assess(trial, result)
            if result.fault is not None:
                raise result.fault

    def _assess(self, trial: Trial, result: Result) -> None:
        outcome = assess(trial, result, self._store(trial, result))
        self._outcomes.append(outcome)
        line = encode(outcome)
        try:
            self._folder.verdict(line)
        except StoreError as error:
            self._faults.note(error)
        self._display.line(line)

    def _store(self, trial: Trial, result: Result) -> str | None:
        """Store the witness of what was sought, else of any violation, and return its path."""
        task = trial.task
        finding = result.sought or min(
            result.stats.first.values(), key=lambda found: found.schedule_index, default=None
        )
        if finding is None:
            return None
        name = f"{task.scenario.name}.{task.fence}.{task.strategy}.{task.seed}.{finding.kind}"
        try:
            return self._folder.witness(name, task.witness(finding), finding.history)
        except StoreError as error:
            self._faults.note(error)
            return None

    def report(self, strategies: Sequence[str]) -> None:
        """Show the matrix, and what is wrong in it."""
        report(self._outcomes, strategies, self._display)

    def status(self) -> int:
        """Return the exit status of all trials."""
        if self._coordinator.interrupted:
            return INTERRUPTED
        return status_of(self._outcomes, self._faults.any)


def report(outcomes: Sequence[Outcome], strategies: Sequence[str], display: Display) -> None:
    """Show the matrix of some outcomes, and what is wrong in it."""
    if not outcomes:
        return
    display.table(rows(outcomes, strategies))
    for sentence in unmet(outcomes):
        remark(sentence)
    for outcome in outcomes:
        if outcome.complaint and outcome.witness:
            remark(replay_command(outcome.witness))
        if outcome.why_inconclusive:
            remark(f"{outcome.fence} / {outcome.scenario}: inconclusive: {outcome.why_inconclusive}")


def status_of(outcomes: Sequence[Outcome], faulty: bool) -> int:
    """Return the exit status of some outcomes.

    Args:
        outcomes: of trials.
        faulty: whether something could not be stored.
    """
    if unmet(outcomes):
        return NOT_EXPECTED
    if faulty or any(outcome.why_inconclusive for outcome in outcomes):
        return INCONCLUSIVE
    return OK


def _folder(arguments: argparse.Namespace, wanted: Sequence[Trial]) -> RunFolder:
    """Make the folder of the run and write its plan down.

    Raises:
        UsageError: it cannot be made or written; nothing ran.
    """
    questions = [
        {
            "scenario": dump(trial.task.scenario),
            "fence": trial.task.fence,
            "strategy": trial.task.strategy,
            "seed": trial.task.seed,
            "schedules": trial.task.schedules,
            "until": trial.task.until,
        }
        for trial in wanted
    ]
    given = {key: value for key, value in vars(arguments).items() if key not in ("command", "cluster")}
    try:
        folder = RunFolder(arguments.out or os.path.join("results", "runs", run_id()))
        plan = {"version": 1, "command": "controls", "code": code_digest(), "python": python_version()}
        folder.plan({**plan, "arguments": given, "questions": questions}, arguments.force)
    except StoreError as error:
        raise UsageError(str(error)) from error
    return folder
