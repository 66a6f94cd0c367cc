"""The work of `run` once an explorer starts: read the scenarios, search them, and report."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
from collections.abc import Sequence

from harness.cli.ci_sinks import CiSink
from harness.cli.cluster_option import admit
from harness.cli.code_permission import check_code
from harness.cli.confinement_check import check_confinement
from harness.cli.display import Display
from harness.cli.extension_permission import extending
from harness.cli.program_permission import check_programs, check_witness, permitted
from harness.cli.resume import check_same
from harness.cli.run_plan import plan_of
from harness.cli.scenario_files import check_keepable, located, scenario_files
from harness.cli.search_loop import loop_for
from harness.cli.search_options import search_options
from harness.cli.search_tasks import (
    EXHAUSTIVE,
    check_bounds,
    check_faults,
    check_inodes,
    choose_gate,
    choose_strategy,
    exhaustive,
    tasks_for,
)
from harness.cli.sharding import own_part, shareable
from harness.cli.sink import Task
from harness.cli.terminal_sink import Telling, TerminalSink
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import SearchTask
from harness.model.errors import StoreError, UsageError
from harness.results import regression_corpus
from harness.results.store import RunFolder, run_id
from harness.results.witness import Witness
from harness.scenario import Scenario
from harness.system.janitor import place

__all__ = ["TITLE", "asked", "ci_sink", "folder_for", "scenarios_of", "search", "with_files"]

#: Schedules of an exhaustive search after which an explorer gives up.
_EXHAUSTIVE_MAX = 10_000_000
#: Of the step summary on GitHub.
TITLE = "Fences under test"


def search(arguments: argparse.Namespace, coordinator: Coordinator, resumed: bool) -> int:
    """Run every scenario against every fence; see `harness.cli` for the exit status.

    Args:
        arguments: of the command.
        coordinator: whose first explorer starts.
        resumed: whether the run in the folder goes on.
    """
    tasks = shareable(arguments, asked(arguments))
    if resumed:
        check_same(arguments.out, arguments, tasks)
    own = own_part(arguments, tasks)
    searches = [task.search for task in own]
    admit(coordinator, arguments, searches[0].gate if own else "", searches)
    folder = folder_for(arguments, tasks, resumed)
    display = Display(arguments.json)
    telling = Telling(arguments.quiet, arguments.verbose, arguments.only_failures)
    loop = loop_for(
        coordinator,
        arguments,
        folder,
        ci_sink(arguments, TITLE),
        shown=[TerminalSink(display, telling, search_options(arguments, arguments.strategy))],
        watch=display.progress,
        resumable=True,
    )
    loop.run(own)
    return loop.status()


def ci_sink(arguments: argparse.Namespace, title: str) -> CiSink:
    """Return the sink for CI systems; that of a shard writes nothing, for `merge` reports on all shards."""
    return CiSink(arguments.junit, title) if arguments.shard is None else CiSink(None)


def asked(arguments: argparse.Namespace) -> list[Task]:
    """Return the tasks that the arguments ask for.

    Raises:
        UsageError: one of them cannot be run.
    """
    check_bounds(arguments.strategy, arguments.rogue_actions, arguments.preemptions)
    files, scenarios, kept = scenarios_of(arguments)
    check_confinement(arguments.require_confinement)
    gate = choose_gate(arguments.gate)
    searches: Sequence[SearchTask] = tasks_for(
        scenarios,
        arguments.fence,
        gate,
        choose_strategy(arguments.strategy),
        arguments.seed,
        arguments.schedules or (_EXHAUSTIVE_MAX if arguments.strategy == EXHAUSTIVE else None),
        arguments.min_schedules,
    )
    check_faults(scenarios, gate)
    check_programs(scenarios, arguments.allow_programs, gate)
    if arguments.strategy == EXHAUSTIVE:
        searches = exhaustive(searches, arguments.rogue_actions, arguments.preemptions)
    check_inodes(scenarios, place(arguments.session_root, real=True))
    return with_files(searches, files, scenarios, kept)


def scenarios_of(
    arguments: argparse.Namespace,
) -> tuple[list[str], list[Scenario], list[list[tuple[str, Witness]]]]:
    """Read the scenarios that the user named and that may be run.

    Returns:
        Their files, the scenarios, and the witnesses kept for each, in one order.

    Raises:
        ScenarioError: one is faulty.
        UsageError: one would start programs or run code that the user has not allowed.
    """
    # Imported here because its validator takes a tenth of a second to come up.
    from harness.scenario import load_all

    named = located(arguments.scenarios)
    files = scenario_files(named)
    if arguments.keep:
        check_keepable(files)
    allowed = arguments.allow_programs
    added = tuple(arguments.extension or ())
    extends = extending(arguments.named, allowed, added)
    for file in added:
        try:
            extends.load(file)
        except UsageError as error:
            raise UsageError(
                f"{'' if file in arguments.named else f'plan of {arguments.out}: '}{error}"
            ) from error
    files, scenarios = permitted(files, load_all(files, extends), named, allowed)
    scenarios = [one.with_extensions(added) if added else one for one in scenarios]
    asked = tuple(arguments.invariant or ())
    resumed = [(f"plan of {arguments.out}", one) for one in (*(arguments.fence or ()), *asked)]
    whose = arguments.fence is None and arguments.command == "run"
    check_code(files, scenarios, arguments.named, allowed, fences=whose, more=resumed)
    kept = [regression_corpus.known(file) for file in files]
    if asked:
        scenarios = [dataclasses.replace(one, invariant=(*one.invariants, *asked)) for one in scenarios]
    for path, witness in itertools.chain.from_iterable(kept):
        check_witness(path, witness, allowed)
    return files, scenarios, kept


def with_files(
    searches: Sequence[SearchTask],
    files: Sequence[str],
    scenarios: Sequence[Scenario],
    kept: Sequence[list[tuple[str, Witness]]],
) -> list[Task]:
    """Return the tasks, each with its scenario's file and kept witnesses.

    Args:
        searches: about the scenarios.
        files, kept: of each scenario.
        scenarios: in the order of the files.
    """
    # By identity: two folders may each have a scenario of the same name.
    places = {id(scenario): at for at, scenario in enumerate(scenarios)}
    tasks = []
    for search in searches:
        at = places[id(search.scenario)]
        tasks.append(Task(search, files[at], kept[at]))
    return tasks


def folder_for(arguments: argparse.Namespace, tasks: Sequence[Task], resumed: bool = False) -> RunFolder:
    """Make the folder of a run and write its plan down, or take the folder of the run that is resumed.

    Raises:
        UsageError: it cannot be made or written, or another process uses it; nothing ran.
    """
    try:
        folder = RunFolder(arguments.out or os.path.join("results", "runs", run_id()))
        if resumed:
            folder.resume()
        else:
            folder.plan(plan_of(arguments, tasks), arguments.force)
    except StoreError as error:
        raise UsageError(str(error)) from error
    return folder
