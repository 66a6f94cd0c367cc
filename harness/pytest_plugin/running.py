"""Runs one scenario under one fence within a test: as ``run`` does, but quiet, and on this worker's cores.

Explorers are fresh processes here, too. This process must not fork: under xdist it has
threads, and a fork would copy the state of the user's tests.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.cli import parser
from harness.cli.ci_sinks import CiSink
from harness.cli.code_permission import check_code
from harness.cli.extension_permission import extending
from harness.cli.program_permission import check_programs, check_witness
from harness.cli.resume import completed
from harness.cli.run_search import folder_for
from harness.cli.search_loop import loop_for
from harness.cli.search_tasks import check_faults, check_inodes, choose_strategy
from harness.cli.sink import Task
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import SearchTask
from harness.model.errors import UsageError
from harness.report.result_case import Case
from harness.results import regression_corpus
from harness.results.summary import Summary, as_data
from harness.scenario import Scenario, load, load_data
from harness.scenario.extension_files import Extending
from harness.strategies import DEFAULT
from harness.system.janitor import place
from takeover_harness.own_packages import ours, start

__all__ = [
    "ScenarioResult",
    "Settings",
    "cores_of",
    "extending_of",
    "run",
    "runner",
    "settings_of",
    "why_no_kernel_gate",
]

_SEED = 1
_ALLOW = "--harness-allow-programs"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX = 100
_PROBE = "from harness.gates import unavailable; print(end=unavailable('kernel'))"


class ScenarioResult(NamedTuple):
    """The result of a scenario under a fence.

    Args:
        scenario, fence: names.
        expected: whether all is known, and as the scenario expects of the fence.
        verdicts: decisions by verdict, see design: ``true_positive``, ``false_positive`` and so on.
        violations: schedules by kind of violation.
        unexpected: the differences from the expectation, in words.
        inconclusive: why the truth is not known; empty when it is.
        schedules, seed: how many were run, and of which seed.
        story: of each violation that was not expected, with the command that replays it.
        replay: these commands.
        summary: all fields of ``run --json``.
    """

    scenario: str
    fence: str
    expected: bool
    verdicts: dict[str, int]
    violations: dict[str, int]
    unexpected: tuple[str, ...]
    inconclusive: str
    schedules: int
    seed: int
    story: str
    replay: tuple[str, ...]
    summary: dict[str, Any]

    def __repr__(self) -> str:
        # Short: pytest shows it wherever an assertion names the result.
        word = "not as expected" if self.unexpected else "as expected" if self.expected else "inconclusive"
        return f"<{self.scenario} / {self.fence}: {word} ({self.schedules} schedules, seed {self.seed})>"

    def __str__(self) -> str:
        lines = [repr(self)[1:-1]]
        lines += [f"  {reason}" for reason in self.unexpected]
        if self.inconclusive:
            lines.append(f"  inconclusive: {self.inconclusive}")
        return "\n".join([*lines, *([self.story] if self.story else [])])


class Settings(NamedTuple):
    """The choices that a test has; None is the scenario's own number of schedules."""

    schedules: int | None = None
    seed: int = _SEED
    strategy: str = DEFAULT


def extending_of(config: pytest.Config, named: Sequence[str] = ()) -> Extending:
    """Return how the files with roles and so on are loaded that a scenario names, from the root directory.

    Args:
        config: has the option that allows all.
        named: files that the test has given, and no file.
    """
    root = config.rootpath

    def load(reference: str) -> None:
        with _working_directory(root):
            allowed = bool(config.getoption("harness_allow_programs"))
            extending(named, allowed, option=_ALLOW, naming="extensions of run_scenario:").load(reference)

    return Extending(load, root=str(root))


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings that the options give."""
    seed = config.getoption("harness_seed")
    return Settings(config.getoption("harness_schedules"), _SEED if seed is None else seed)


def runner(node: pytest.Item) -> Callable[..., ScenarioResult]:
    """Return the function that the fixture hands out."""

    @ours()
    def run_scenario(
        scenario: str | os.PathLike[str] | Mapping[str, Any],
        fence: str,
        *,
        schedules: int | None = None,
        seed: int | None = None,
        strategy: str = DEFAULT,
        extensions: Sequence[str] = (),
    ) -> ScenarioResult:
        """Run a scenario under a fence.

        Args:
            scenario: path of a file, from the root directory of the tests; or the keys of one.
            fence: reference, as for `python -m harness run`; a path is from there, too.
            schedules: how many; None for the number of ``--schedules``, else the scenario's own.
            seed: None for that of ``--seed``, else 1.
            strategy: name.
            extensions: files with roles and so on that the scenario may load, from the root directory.

        Raises:
            HarnessError: scenario, fence or strategy cannot be used.
        """
        default = settings_of(node.config)
        settings = Settings(
            default.schedules if schedules is None else schedules,
            default.seed if seed is None else seed,
            choose_strategy(strategy),
        )
        if isinstance(scenario, Mapping):
            # The test gives it, and no file.
            extensions = [*extensions, *scenario.get("extensions", ())]
            extends = extending_of(node.config, extensions)
            given = load_data({"name": node.name, **scenario}, node.nodeid, extends)
            named = [fence, *(one.check for one in given.invariants)]
            return run(node, given, fence, settings, named=named)
        path = os.path.join(node.config.rootpath, scenario)
        extends = extending_of(node.config, extensions)
        return run(node, load(path, extends), fence, settings, path, named=[fence])

    return run_scenario


def run(
    node: pytest.Item,
    scenario: Scenario,
    fence: str,
    settings: Settings,
    file: str = "",
    named: Sequence[str] = (),
) -> ScenarioResult:
    """Run a scenario under a fence.

    Args:
        node: the test.
        scenario: what to run.
        fence: reference.
        settings: schedules, seed, strategy.
        file: the scenario's; empty where it has none.
        named: fences and invariants that the user names, and not the file.

    Raises:
        HarnessError: what ended it.
        KeyboardInterrupt: the user interrupted the run.
    """
    gate = "free" if why_no_kernel_gate() else "kernel"
    check_faults([scenario], gate)
    allowed = bool(node.config.getoption("harness_allow_programs"))
    where = file or node.nodeid
    check_code([where], [scenario], named, allowed, fences=False, option=_ALLOW, more=[(where, fence)])
    check_programs([scenario], allowed, gate, _ALLOW)
    known = regression_corpus.known(file) if file else []
    for path, witness in known:
        check_witness(path, witness, allowed)
    check_inodes([scenario], place(None, real=True))
    schedules = settings.schedules or scenario.schedules
    search = SearchTask(scenario, fence, gate, settings.strategy, settings.seed, schedules)
    usable = cores_of(node.config)
    # Nothing is shown and nothing is reported to GitHub: pytest does both.
    ci = CiSink(junit=None)
    with _working_directory(node.config.rootpath), Coordinator(len(usable), on=usable) as coordinator:
        arguments = completed(
            parser().parse_args(["run", file or node.nodeid, "--force", "--out", _folder(node, fence)])
        )
        tasks = [Task(search, file, known)]
        loop_for(coordinator, arguments, folder_for(arguments, tasks), ci).run(tasks)
        if coordinator.interrupted:
            raise KeyboardInterrupt
    (case,) = ci.cases
    return _result(case, node.config)


def _result(case: Case, config: pytest.Config) -> ScenarioResult:
    found: Summary | None = case.summary
    assert found is not None
    story = _from_root(case.text, config)
    return ScenarioResult(
        found.scenario,
        found.fence,
        not case.failure and not case.error,
        found.verdicts,
        found.violations,
        found.unexpected,
        found.why_inconclusive,
        found.schedules,
        found.seed,
        story,
        tuple(line.partition(": ")[2] for line in story.splitlines() if line.startswith("replay: ")),
        as_data(found),
    )


def _from_root(text: str, config: pytest.Config) -> str:
    """Return the text with commands that work in the folder in which pytest was started."""
    if config.rootpath == config.invocation_params.dir:
        return text
    return re.sub("(?m)^replay: ", lambda _: f"replay: cd {shlex.quote(str(config.rootpath))} && ", text)


@contextlib.contextmanager
def _working_directory(folder: Path) -> Iterator[None]:
    """Change the working directory: references to fences are relative to it, also in explorers."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def cores_of(config: pytest.Config) -> Sequence[int]:
    """Return the processors for explorers: all, or under xdist this worker's share, at least one."""
    usable = sorted(os.sched_getaffinity(0))
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        return usable
    number = int(re.sub(r"\D", "", worker["workerid"]) or 0)
    return usable[number % len(usable) :: max(1, worker["workercount"])]


def _folder(node: pytest.Item, fence: str) -> str:
    """Return the folder for witnesses; it is the same for the same test, so that folders do not pile up."""
    out = node.config.getoption("--harness-out")
    cache = getattr(node.config, "cache", None)
    if out:
        parent = os.path.join(node.config.invocation_params.dir, out)
    elif cache is not None:
        parent = str(cache.mkdir("harness"))
    else:
        parent = tempfile.mkdtemp(prefix="harness-")
    name = node.nodeid if node.nodeid.endswith(f"::{fence}") else f"{node.nodeid}.{fence}"
    mark = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
    path = Path(parent, f"{_UNSAFE.sub('_', name)[-_NAME_MAX:].strip('._')}-{mark}")
    root = node.config.rootpath
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


@functools.cache
def why_no_kernel_gate() -> str:
    """Return why the kernel gate is not available; empty if it is. A fresh process tries it, by a fork."""
    command = [sys.executable, "-c", start(sys.path) + _PROBE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"the kernel gate could not be tried: {done.stderr.strip()}")
    return done.stdout
