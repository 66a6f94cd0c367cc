"""Readers of the files of users: each function reads one file as a command does, and says what came of it.

Every error that the command line answers with a message is caught; any other exception is a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys

from harness.cli import main, parser
from harness.cli.checkpoint import Finished, earlier
from harness.cli.output import brief
from harness.cli.replay_command import _read as read_for_replay
from harness.cli.resume import check_same, completed
from harness.cli.run_search import asked
from harness.explore.rounds import rounds
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import FormatError, UsageError
from harness.report.html.page import page
from harness.report.html.page_data import Run
from harness.results import regression_corpus
from harness.results.schedule_ranges import joined
from harness.results.search_progress import deal
from harness.results.store import RunFolder
from harness.scenario import dump, load, load_data
from harness.scenario.plan import draw
from harness.shrink import ShrinkJob
from harness.shrink.replay import RerunJob
from harness.tools.bench import figures

__all__ = ["baseline", "corpus", "history", "plan", "progress", "scenario", "witness"]

_ERRORS = (UsageError, FormatError)
_LINES_MAX = 52
_CHARACTERS_MAX = 52 * 2100
_STATUSES = (0, 1, 2, 3)


def _refused(error: Exception) -> str:
    text = brief(str(error))
    lines = text.count("\n") + 1
    assert lines <= _LINES_MAX, f"a message of {lines} lines"
    assert len(text) <= _CHARACTERS_MAX, f"a message of {len(text)} characters"
    return "refused"


def scenario(path: str) -> str:
    """Load a scenario; one that is sound is planned, and comes back from plain data."""
    try:
        found = load(path)
    except _ERRORS as error:
        return _refused(error)
    for schedule in (0, 1, 10**9):
        draw(found, 1, schedule)
    assert load_data(dump(found)) == found
    return "planned"


def judged(path: str) -> str:
    """Judge a history or a witness, in both forms."""
    status = -1
    for more in ([], ["--json"]):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["judge", path, *more])
        assert status in _STATUSES, f"status {status}: {err.getvalue()[-2500:]}"
        assert "Traceback" not in err.getvalue(), err.getvalue()[-2500:]
        text = out.getvalue() + err.getvalue()
        assert "\x1b" not in text and "\u202e" not in text
    return f"judged, status {status}"


history = judged


def witness(path: str) -> str:
    """Read a witness as `replay` and `shrink` do before they start anything, and judge its history."""
    outcome = judged(path)
    try:
        arguments = argparse.Namespace(
            witness=path, fence="ledger", extension=None, session_root=None, allow_programs=True
        )
        found = read_for_replay(arguments)
        RerunJob.of(found)
        ShrinkJob.of(found, 1.0)
    except _ERRORS as error:
        return _refused(error)
    return f"readable, {outcome}"


def corpus(path: str) -> str:
    """Read the witnesses that are kept for a scenario."""
    try:
        found = regression_corpus.known(path)
        for _, one in found:
            RerunJob.of(one)
    except _ERRORS as error:
        return _refused(error)
    return f"{len(found)} known"


def progress(folder: str, task: SearchTask) -> str:
    """Read the progress of a run as `run --resume` does, and make of it what it makes."""
    try:
        found = earlier(RunFolder(folder), 0, task)
    except _ERRORS as error:
        return _refused(error)
    assert found is not None
    if isinstance(found, Finished):
        page(Run("id", "as expected", "", "command", (found.entry,), 1, 1.0, "python -m harness"))
        return "finished"
    result = Result(task, found.stats, 1)
    for _, left, _ in list(rounds(task, result, found))[:1]:
        joined(one for share in deal(left, 3) for one in share.left)
    result.summary()
    return "goes on"


def plan(folder: str) -> str:
    """Read the plan of a run as `run --resume` does, up to its first search."""
    arguments: argparse.Namespace = parser().parse_args(["run", "--resume", folder])
    try:
        arguments = completed(arguments, folder)
        check_same(folder, arguments, asked(arguments))
    except _ERRORS as error:
        return _refused(error)
    return "the same run"


def baseline(path: str) -> str:
    """Read a baseline of `bench`."""
    try:
        figures.read(path)
    except _ERRORS as error:
        return _refused(error)
    return "readable"


def prepared() -> None:
    """Do once what each process would do on its first case: imports, and trying the gate."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(["judge", os.devnull])
    sys.setswitchinterval(1.0)
