"""The items that pytest collects: a scenario file, and in it one item for each fence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.model.errors import HarnessError, ScenarioError
from harness.pytest_plugin.running import ScenarioResult, extending_of, run, settings_of
from harness.scenario import Scenario, load
from harness.scenario.expectation_line import expectation_line
from takeover_harness.own_packages import ours

__all__ = ["ScenarioFailed", "ScenarioFile", "ScenarioItem"]


class ScenarioFailed(Exception):
    """A fence did not do as expected, or the truth is not known."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(str(result))


class ScenarioFile(pytest.File):
    """A scenario file."""

    @ours()
    def collect(self) -> list[ScenarioItem]:
        """Return one item a fence: the option's fences, else those of the ini file, else the scenario's.

        Raises:
            CollectError: the file is faulty, and the message names all faults; or there is no fence to ask.
        """
        shown = _shown(self.path, self.config)
        try:
            scenario = load(shown, extending_of(self.config))
        except ScenarioError as error:
            raise self.CollectError(str(error)) from None
        fences = _named(self.config) or scenario.named_fences
        if not fences:
            raise self.CollectError(
                f"{shown}: names no fence, neither in expect nor in fences; name one there, "
                "or give --harness-fence REF"
            )
        return [
            ScenarioItem.from_parent(self, name=fence, scenario=scenario) for fence in dict.fromkeys(fences)
        ]


def _named(config: pytest.Config) -> list[str]:
    """Return the fences that the options name, else those of the ini file."""
    return [*(config.getoption("harness_fence") or config.getini("harness_fences"))]


def _shown(path: Path, config: pytest.Config) -> str:
    """Return the path relative to the folder in which pytest was started, if it is below."""
    here = config.invocation_params.dir
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


class ScenarioItem(pytest.Item):
    """A scenario under one fence, which is the item's name.

    Args:
        scenario: what to run.
        more: of `pytest.Item`.
    """

    def __init__(self, *, scenario: Scenario, **more: Any) -> None:
        super().__init__(**more)
        self.scenario = scenario
        self.add_marker("scenario")

    @ours()
    def runtest(self) -> None:
        """Run the scenario.

        Raises:
            ScenarioFailed: a result was not as expected, or is not known.
            HarnessError: it could not be run.
        """
        named = _named(self.config)
        result = run(self, self.scenario, self.name, settings_of(self.config), str(self.path), named)
        self.user_properties += [
            ("schedules", result.schedules),
            ("seed", result.seed),
            ("violations", ", ".join(f"{kind} {count}" for kind, count in result.violations.items())),
        ]
        if not result.expected:
            raise ScenarioFailed(result)

    @ours()
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the story and the replay command, because a traceback of the plugin is no help."""
        if isinstance(excinfo.value, ScenarioFailed | HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    @ours()
    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the line of the scenario that says what it expects of the fence."""
        line = expectation_line(str(self.path), self.name) - 1
        return self.path, line, f"{self.scenario.name} / {self.name}"
