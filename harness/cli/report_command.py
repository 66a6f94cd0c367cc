"""``report``: what runs over many nights say together."""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Iterator

import msgspec

from harness.cli.display import Display
from harness.cli.output import emit
from harness.cli.status import OK
from harness.model.errors import FormatError, UsageError
from harness.model.unreadable import UNREADABLE
from harness.report.trend_table import RUNS_MAX, change_lines, trend_rows
from harness.results.trend import Run, Trend, lines_of, trend_of
from harness.system.bounded_read import content

__all__ = ["main"]

#: More than a folder of runs has; a whole disk has more.
_FOLDERS_MAX = 100_000
#: Of 800 questions it has 8 MB.
_VERDICTS_BYTES_MAX, _PLAN_BYTES_MAX = 1 << 27, 6 << 20
_PLAN, _VERDICTS = "plan.json", "verdicts.jsonl"
_IN_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ")
_COMPARED = ("run", "matrix")


class _Plan(msgspec.Struct, frozen=True):
    """The part of the plan of a run that a trend needs.

    Args:
        command: which one wrote it.
        began: time in UTC; empty where an earlier release wrote it.
    """

    command: str = ""
    began: str = ""


def main(arguments: argparse.Namespace) -> int:
    """Compare the runs in a folder over time.

    Raises:
        UsageError: there is no run in it.
        FormatError: a run's file cannot be read.
    """
    runs = _runs(arguments.trend)
    if not runs:
        raise UsageError(
            f"--trend {arguments.trend}: no folder of a run is in it (plan.json and {_VERDICTS}); "
            "give the folder that holds them, such as results/runs"
        )
    trend = trend_of(runs)
    if arguments.json:
        emit(msgspec.json.encode(trend).decode())
        return OK
    _show(trend)
    return OK


def _show(trend: Trend) -> None:
    count = len(trend.runs)
    emit(f"{count} {'run' if count == 1 else 'runs'}, {trend.runs[0][1]} to {trend.runs[-1][1]} UTC")
    lines = change_lines(trend)
    for line in lines:
        emit(f"  {line}")
    if not lines:
        emit("  nothing appeared, nothing went" if count > 1 else "  nothing to compare it with")
    if not trend.violations:
        emit("no run shows a violation")
        return
    last = f" (the last {RUNS_MAX} runs)" if count > RUNS_MAX else ""
    emit(f"\nschedules to the first{last}; - does not show, ? not known, empty: not asked")
    Display(json=False).table(trend_rows(trend))


def _runs(folder: str) -> list[Run]:
    """Return the runs below a folder, the earliest first.

    Raises:
        UsageError: it is no folder, or has too many folders.
        FormatError: a run's file cannot be read.
    """
    if not os.path.isdir(folder):
        raise UsageError(f"--trend {folder}: is no folder; give the one that holds the runs' folders")
    found = [run for path in _folders(folder) if (run := _run(path, folder)) is not None]
    return sorted(found, key=lambda run: (run.began, run.name))


def _folders(folder: str) -> Iterator[str]:
    for number, (path, inside, files) in enumerate(os.walk(folder)):
        if number == _FOLDERS_MAX:
            raise UsageError(
                f"--trend {folder}: has more than {_FOLDERS_MAX} folders; give the one with runs"
            )
        if _PLAN in files and _VERDICTS in files:
            inside.clear()
            yield path


def _run(path: str, top: str) -> Run | None:
    """Return the run of a folder; None for one of another command.

    Raises:
        FormatError: a file of it cannot be read.
    """
    plan_path, verdicts_path = os.path.join(path, _PLAN), os.path.join(path, _VERDICTS)
    try:
        plan = msgspec.json.decode(content(plan_path, _PLAN_BYTES_MAX), type=_Plan)
        if plan.command not in _COMPARED:
            return None
        data = content(verdicts_path, _VERDICTS_BYTES_MAX)
        changed = os.stat(verdicts_path).st_mtime
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}; move the folder away") from error
    except UNREADABLE as error:
        raise FormatError(
            f"{plan_path}: {error}; expected it as `run` wrote it; move the folder away"
        ) from error
    name = os.path.relpath(path, top)
    return Run(name, plan.began or _time_of(name, changed), lines_of(data, verdicts_path))


def _time_of(name: str, changed: float) -> str:
    """Return when a run began: by the name that `run` gives its folder, else by its last change."""
    found = _IN_NAME.search(name)
    if found:
        year, month, day, hour, minute = found.groups()
        return f"{year}-{month}-{day} {hour}:{minute}"
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(changed))
