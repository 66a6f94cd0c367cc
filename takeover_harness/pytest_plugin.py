"""The pytest plugin: scenario files become test items, one a fence; a fixture runs a scenario from Python.

Every pytest of an environment in which the harness is installed loads this module. So it
imports nothing of ours, and does nothing to a repository that does not ask for it
with ``harness_scenarios = true`` in pytest's ini file, ``--harness-scenarios`` or
``--fence``. The work is done by `harness.pytest_plugin`; a repository may have a package
`harness` of its own, so it runs where `takeover_harness.own_packages` lets the name be ours.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from takeover_harness.own_packages import ours

if TYPE_CHECKING:
    from harness.pytest_plugin.running import ScenarioResult

__all__ = [
    "pytest_addoption",
    "pytest_collect_file",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_report_header",
    "run_scenario",
]

_FOLDER = "scenarios"
_ENDINGS = (".yaml", ".yml")
_MARKER = "scenario: a scenario file of the takeover harness under one fence"


class _AtLeast:
    def __init__(self, least: int) -> None:
        self._least = least
        self.__name__ = f"whole number from {least} on"  # the name in argparse's message for a bad value

    def __call__(self, text: str) -> int:
        value = int(text)
        if value < self._least:
            raise ValueError
        return value


#: Short name, and the arguments for argparse. The long name begins with ``harness-``, which is ours alone.
_OPTIONS: dict[str, dict[str, Any]] = {
    "fence": {
        "action": "append",
        "metavar": "REF",
        "help": "collect scenario files and run them under this fence, as for `python -m harness run`; "
        "may be given several times (default: those of the ini file, or that the scenario names)",
    },
    "schedules": {"type": _AtLeast(1), "metavar": "N", "help": "schedules an item (default: the scenario's)"},
    "seed": {"type": _AtLeast(0), "metavar": "N", "help": "of every item (default: 1)"},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options under names that cannot clash with those of another plugin."""
    group = parser.getgroup("harness", "scenarios of the takeover harness")
    group.addoption(
        "--harness-scenarios",
        action="store_true",
        help="collect *.scenario.yaml and the YAML files in scenarios/",
    )
    group.addoption(
        "--harness-out", metavar="DIR", help="where witnesses are stored (default: pytest's cache)"
    )
    group.addoption(
        "--harness-allow-programs",
        action="store_true",
        help="start the programs of this machine that scenario files name",
    )
    for name, more in _OPTIONS.items():
        group.addoption(f"--harness-{name}", dest=f"harness_{name}", **more)
    parser.addini("harness_scenarios", "collect scenario files (default: false)", type="bool", default=False)
    parser.addini("harness_fences", "fences for every scenario file, one a line", type="linelist", default=[])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, object, object]:
    """Add the short names last: a plugin or conftest file that has one of them keeps it."""
    result = yield
    group = parser.getgroup("harness")
    for name, more in _OPTIONS.items():
        # Between groups argparse finds the clash, within one pytest does.
        with contextlib.suppress(ValueError, argparse.ArgumentError):
            group.addoption(f"--{name}", dest=f"harness_{name}", **more)
    return result


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that ``-m "not scenario"`` leaves the items out."""
    config.addinivalue_line("markers", _MARKER)


def _wanted(config: pytest.Config) -> bool:
    options = ("--harness-scenarios", "harness_fence")
    return bool(config.getini("harness_scenarios")) or any(map(config.getoption, options))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Return the gate under which items run, and why it is not the kernel gate."""
    if not _wanted(config):
        return None
    try:
        running, errors = _loaded("harness.pytest_plugin.running"), _loaded("harness.model.errors")
    except _CannotLoad as error:
        return str(error)
    try:
        why = running.why_no_kernel_gate()
    except errors.HarnessError as error:  # each item that needs the gate fails with it
        return f"harness: {error}"
    return f"harness: free gate; the kernel gate is not available: {why}" if why else "harness: kernel gate"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Return a collector for a scenario file, if such files are wanted."""
    if not file_path.name.endswith(_ENDINGS) or not _wanted(parent.config):
        return None
    root = parent.config.rootpath
    inside = file_path.relative_to(root) if file_path.is_relative_to(root) else file_path
    if Path(file_path.stem).suffix != ".scenario" and _FOLDER not in inside.parts[:-1]:
        return None
    try:
        items = _loaded("harness.pytest_plugin.items")
    except _CannotLoad as error:
        return _Unloadable.from_parent(parent, path=file_path, why=str(error))
    found: pytest.Collector = items.ScenarioFile.from_parent(parent, path=file_path)
    return found


class _Unloadable(pytest.File):
    """A scenario file that cannot be run: it is an error, and no pass.

    Args:
        why: in one line.
        more: of `pytest.File`.
    """

    def __init__(self, *, why: str, **more: Any) -> None:
        super().__init__(**more)
        self._why = why

    def collect(self) -> NoReturn:
        """Report the reason.

        Raises:
            CollectError: always.
        """
        raise self.CollectError(self._why)


class _CannotLoad(Exception):
    """The harness is installed in a way in which it cannot be imported; the text says so in one line."""


def _loaded(name: str) -> ModuleType:
    """Import a module of the harness.

    Raises:
        _CannotLoad: that failed.
    """
    try:
        with ours():
            return importlib.import_module(name)
    except Exception as error:  # the user's own tests run, also beside a broken installation
        text = " ".join(str(error).split())
        raise _CannotLoad(
            f"the takeover harness cannot be loaded: {type(error).__name__}: {text}; install it anew"
        ) from error


@pytest.fixture
def run_scenario(request: pytest.FixtureRequest) -> Callable[..., ScenarioResult]:
    """Run a scenario: ``result = run_scenario("scenarios/a.yaml", "my_fence.py:MyFence", schedules=200)``.

    The test itself asserts that the fence did as expected: ``assert result.expected, str(result)``.
    For the result and the arguments see `harness.pytest_plugin.running`.
    """
    try:
        running = _loaded("harness.pytest_plugin.running")
    except _CannotLoad as error:
        pytest.fail(str(error), pytrace=False)
    run: Callable[..., ScenarioResult] = running.runner(request.node)
    return run
