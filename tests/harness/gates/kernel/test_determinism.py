"""The same program under the same strategy and seed is the same history, also on a loaded machine."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.explore.explorer import Explorer
from harness.model.history import History
from harness.scenario import load_data
from harness.strategies import make
from harness.strategies.recorded import Recorded
from tests.harness.gates.kernel.stage import as_explorer

pytestmark = pytest.mark.requires("kernel-gate")

FOUR_LANES = load_data(
    {
        "name": "four-lanes",
        "about": "Four lanes in three processes.",
        "source": "made up",
        "policy": "coordinated",
        "lanes": [
            {"role": "runner", "process": "gateway", "think_steps": [1, 3]},
            {"role": "heartbeat", "process": "gateway", "delay_steps": [0, 4]},
            {"role": "editor", "actions": "all", "delay_steps": [0, 4]},
            {"role": "editor", "name": "script", "actions": "all", "delay_steps": [0, 4]},
        ],
        "expect": {},
    }
)
CORE = min(os.sched_getaffinity(0))


@contextlib.contextmanager
def explorer(tmp_path: Path, fence: str = "pr-84046") -> Iterator[Explorer]:
    with as_explorer(CORE):
        found = Explorer(FOUR_LANES, fence, "kernel", str(tmp_path))
        try:
            yield found
        finally:
            found.close()


def histories(tmp_path: Path, strategy: str, count: int) -> list[History]:
    """The first schedules of seed 1, by workers of their own."""
    picks = make(strategy)
    with explorer(tmp_path) as found:
        return [found.run(found.program(1, index), picks, 1, index)[0] for index in range(count)]


@functools.cache
def first(strategy: str) -> list[History]:
    """A hundred of them, once for all tests; `make stress` takes a thousand of every scenario."""
    with tempfile.TemporaryDirectory() as directory:
        return histories(Path(directory), strategy, 100)


@pytest.mark.parametrize("strategy", ["random", "pct"])
def test_schedules_are_the_same_a_second_time(tmp_path: Path, strategy: str) -> None:
    once, again = first(strategy), histories(tmp_path, strategy, 100)
    for index, (one, other) in enumerate(zip(once, again, strict=True)):
        assert one == other, index
    assert not any(history.events[-1].inconclusive for history in once)
    # Not the same one a hundred times.
    assert len({history.events for history in once}) > 80


def test_a_schedule_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    expected = first("pct")
    with explorer(tmp_path) as found:
        picks = make("pct")
        for index in (99, 3, 17, 3, 0, 98):
            assert found.run(found.program(1, index), picks, 1, index)[0] == expected[index]


_SPIN = "while True: pass"


@contextlib.contextmanager
def load(cores: set[int]) -> Iterator[None]:
    """A process that never rests, on each of some cores."""
    busy = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in cores]
    try:
        for process, core in zip(busy, cores, strict=True):
            os.sched_setaffinity(process.pid, {core})
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_load_on_this_core_and_the_others_changes_nothing(tmp_path: Path) -> None:
    with load(os.sched_getaffinity(0)):
        assert histories(tmp_path, "random", 40) == first("random")[:40]


def test_a_replay_of_the_picks_is_the_same_history(tmp_path: Path) -> None:
    with explorer(tmp_path) as found:
        for index in range(20):
            program = found.program(2, index)
            history, schedule, outcome = found.run(program, make("random"), 2, index)
            replay = Recorded(schedule)
            again, same, _ = found.run(program, replay, 2, index)
            assert again.events == history.events
            assert again.blobs == outcome.blobs
            assert same == schedule
            assert replay.diverged is None
