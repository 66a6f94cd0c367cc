"""Record which tests execute which lines of some files, and run chosen tests in a given order.

A plugin of pytest; `tests.mutants` loads it with ``-p``. Only the process of the tests is traced, without
its children.
"""

from __future__ import annotations

import json
import pathlib
import sys
import threading
import time
from collections.abc import Generator
from types import FrameType
from typing import Any

import pytest

# Tests replace the functions of `time`.
_now = time.monotonic


class Recorder:
    """Records the executed lines of some files, test by test, and those that are executed outside of tests.

    Args:
        files: paths from the working directory.
        to: where the record is written as JSON.
    """

    def __init__(self, files: list[str], to: str) -> None:
        self._names = {str(pathlib.Path(file).resolve()): file for file in files}
        self._to = pathlib.Path(to)
        self._lines = self._outside = self._no_lines()
        self._tests: dict[str, dict[str, Any]] = {}
        self._failed: list[str] = []

    def start(self) -> None:
        """Trace this thread, and those that it starts."""
        threading.settrace(self._frame)
        sys.settrace(self._frame)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._lines, began = self._no_lines(), _now()
        self.start()
        try:
            return (yield)
        finally:
            self._tests[item.nodeid] = {"seconds": _now() - began, "lines": self._by_file(self._lines)}
            self._lines = self._outside

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        record = {"tests": self._tests, "outside": self._by_file(self._outside), "failed": self._failed}
        self._to.write_text(json.dumps(record), encoding="utf-8")

    def _frame(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename in self._names else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        self._lines[frame.f_code.co_filename].add(frame.f_lineno)
        return self._line

    def _no_lines(self) -> dict[str, set[int]]:
        return {path: set() for path in self._names}

    def _by_file(self, lines: dict[str, set[int]]) -> dict[str, list[int]]:
        return {self._names[path]: sorted(found) for path, found in lines.items() if found}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lines-of", action="append", default=[], metavar="FILE")
    parser.addoption("--lines-to", metavar="FILE", help="where the record is written")
    parser.addoption("--chosen", metavar="FILE", help="list of tests as JSON: only these run, in this order")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    options = early_config.known_args_namespace
    if options.lines_to:
        recorder = Recorder(options.lines_of, options.lines_to)
        early_config.pluginmanager.register(recorder)
        recorder.start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.chosen:
        found = {item.nodeid: item for item in items}
        chosen = json.loads(pathlib.Path(config.option.chosen).read_text(encoding="utf-8"))
        items[:] = [found[name] for name in chosen if name in found]
