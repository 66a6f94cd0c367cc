"""``merge``: adds the shards of a run up, and reports on them as on one run.

Nothing is searched. The folders of the shards are read and stay as they are, so a merge can be made again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from harness import gates
from harness.cli.checkpoint import Checkpoint, Part
from harness.cli.ci_sinks import CiSink
from harness.cli.code_permission import runs_code
from harness.cli.display import Display
from harness.cli.extension_permission import extending
from harness.cli.known_witnesses import KnownWitness, with_known
from harness.cli.matrix_command import MATRIX_TITLE, ComparisonSink, shown_by
from harness.cli.output import remark
from harness.cli.program_permission import starts_programs
from harness.cli.run_plan import plan_of, read_plan
from harness.cli.run_search import TITLE
from harness.cli.search_loop import SearchLoop, loop_for
from harness.cli.search_options import search_options
from harness.cli.shard_folders import ShardFolder, Shards, read_shards
from harness.cli.sink import Answer, Sink, Task
from harness.cli.terminal_sink import Telling, TerminalSink
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import NO_SCHEDULE, Result, SearchTask
from harness.model.errors import StoreError, UsageError
from harness.results.search_progress import Progress
from harness.results.stats import Stats
from harness.results.store import RunFolder, run_id
from harness.scenario.extension_files import KEY

__all__ = ["main"]


def main(given: argparse.Namespace) -> int:
    """Merge the shards of a run; see `harness.cli` for the exit status, which is that of one run."""
    command = read_plan(given.folders[0], ("run", "matrix", "controls", "fuzz")).command
    if command == "controls":
        from harness.cli.merge_controls import merge_controls

        return merge_controls(given)
    if command == "fuzz":
        from harness.cli.merge_hunts import merge_hunts

        return merge_hunts(given)
    _load_extensions(given)
    shards = read_shards(given.folders)
    arguments = _arguments(given, shards)
    _check_shape(given, arguments.command)
    display = Display(arguments.json)
    matrix = arguments.command == "matrix"
    ci = CiSink(arguments.junit, MATRIX_TITLE if matrix else TITLE)
    telling = Telling(arguments.quiet, arguments.verbose, arguments.only_failures)
    options = search_options(arguments, arguments.strategy)
    shown: Sink = shown_by(arguments, display, ci) if matrix else TerminalSink(display, telling, options)
    with Coordinator(1, arguments.session_root) as coordinator:
        loop = loop_for(
            coordinator,
            arguments,
            _folder(arguments, shards),
            ci,
            before_reports=[ComparisonSink()] if matrix else [],
            shown=[shown],
            resumable=not matrix,
            kind=_loop_over(shards),
            may_shrink=_may_shrink(arguments.allow_programs, shards.tasks),
        )
        loop.run(shards.tasks)
    return loop.status()


def _load_extensions(given: argparse.Namespace) -> None:
    """Load the files that the scenarios of the shards need, as far as the user names or allows them.

    Raises:
        UsageError: one of them is neither named nor allowed, or cannot be used.
    """
    extends = extending(given.extension or (), given.allow_programs)
    for question in read_plan(given.folders[0], ("run", "matrix")).questions:
        scenario = question.get("scenario")
        files = scenario.get(KEY) if isinstance(scenario, dict) else ()
        for file in files if isinstance(files, list) else ():
            try:
                extends.load(f"{file}")
            except UsageError as error:
                raise UsageError(f"{given.folders[0]}: {error}") from error


def _arguments(given: argparse.Namespace, shards: Shards) -> argparse.Namespace:
    """Return the arguments of the whole run, with those of the merge in their place."""
    run: dict[str, Any] = {**shards.plan.arguments, "command": shards.plan.command, "shard": None}
    for name, value in vars(given).items():
        if name not in ("command", "folders") and (value is not None or name not in run):
            run[name] = value
    # The folder of a shard and a limit of its time say nothing of a merge.
    run.update(resume=None, out=given.out, named=[], time_limit_s=0.0, argv=_unsharded(run["argv"]))
    return argparse.Namespace(**run)


def _unsharded(argv: Sequence[str]) -> list[str]:
    """Return the command line of the whole run."""
    found: list[str] = []
    skip = False
    for word in argv:
        if not skip and word != "--shard" and not word.startswith("--shard="):
            found.append(word)
        skip = word == "--shard"
    return found


def _check_shape(given: argparse.Namespace, command: str) -> None:
    if given.markdown and command != "matrix":
        raise UsageError(
            f"--markdown: these are shards of `{command}`, which has no such tables; leave it out"
        )


def _folder(arguments: argparse.Namespace, shards: Shards) -> RunFolder:
    """Make the folder of the merged run, or take that of the same merge.

    Raises:
        UsageError: it cannot be made or written, or holds another run.
    """
    merged = shards.merged()
    plan = {**plan_of(arguments, shards.tasks), "code": shards.plan.code, "python": shards.plan.python}
    plan |= {"questions": shards.plan.questions, "merged": merged}
    where = arguments.out or os.path.join("results", "runs", run_id())
    again = False
    with contextlib.suppress(UsageError):
        before = read_plan(where, (shards.plan.command,))
        again = before.merged == merged and before.questions == shards.plan.questions
    if any(os.path.realpath(where) == os.path.realpath(one.path) for one in shards.folders):
        raise UsageError(f"--out {where}: is the folder of a shard; give another")
    try:
        folder = RunFolder(where)
        folder.plan(plan, again or arguments.force)
    except StoreError as error:
        raise UsageError(str(error)) from error
    return folder


def _may_shrink(allowed: bool, tasks: Sequence[Task]) -> Callable[[SearchTask], bool]:
    """Return which tasks may be run again to shrink what they show; the others are told."""
    why = gates.unavailable("kernel")
    if why:
        remark(f"nothing is shrunk: the kernel gate is not available here ({why})")
        return lambda _: False

    def named_by_a_file(task: SearchTask) -> bool:
        references = (task.fence, *(one.check for one in task.scenario.invariants))
        return any(map(runs_code, references)) or starts_programs(task.scenario)

    left = list(dict.fromkeys(task.search.fence for task in tasks if named_by_a_file(task.search)))
    if left and not allowed:
        remark(
            f"not shrunk without --allow-programs, for it would run code that only the shards name: "
            f"{', '.join(left)}"
        )
    return lambda task: allowed or not named_by_a_file(task)


def _loop_over(shards: Shards) -> Callable[..., SearchLoop]:
    def make(*arguments: Any) -> SearchLoop:
        return _MergeLoop(shards, *arguments)

    return make


class _MergeLoop(SearchLoop):
    """Answers each task with what the shards have found.

    Args:
        shards: of the run.
        arguments: of `SearchLoop`.
    """

    def __init__(self, shards: Shards, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._shards = shards

    def _earlier(self, number: int, task: SearchTask) -> None:
        """Return nothing: a merge begins anew."""

    def _ask(self, number: int, task: Task, before: Progress | None, tasks_left: int) -> Answer:
        """Add the shards' parts of a question up."""
        result, known = _added(task.search, list(self._shards.parts(number)))
        checkpoint = Checkpoint(self._folder, number, task.search, self._resumable)
        summary = with_known(result.summary(), known)
        return Answer(task, result, known, checkpoint, 0.0, summary)


def _added(task: SearchTask, parts: Sequence[tuple[ShardFolder, Part]]) -> tuple[Result, list[KnownWitness]]:
    """Return the result of a question, and what its kept witnesses show."""
    result = Result(task, Stats(), 0)
    known: list[KnownWitness] = []
    for folder, part in parts:
        stats = part.progress.stats
        result.stats.merge(stats)
        left = part.stop - part.first - stats.schedules
        short = f", without {left} that it left" if left else ""
        result.stats.ran_by(f"shard {folder.shard} on {part.machine}{short}", [range(part.first, part.stop)])
        result.explorers += part.explorers
        result.wall_s = max(result.wall_s, part.progress.wall_s)
        result.stopped = result.stopped or part.stopped
        result.doubts += part.doubts
        known += part.known
    for doubt in result.doubts:
        result.stats.doubt(NO_SCHEDULE, doubt)
    return result, known
