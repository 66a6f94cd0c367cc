"""Which explorers keep their workers for the next work item."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from harness.explore import explorer_cache
from harness.explore.explorer import Explorer
from harness.explore.work_item import WorkItem
from harness.model.errors import HarnessError
from harness.model.history import Event
from harness.scenario import load_data
from harness.scenario.definition import Scenario
from harness.strategies import make
from tests.harness.gates.kernel.stage import as_explorer

pytestmark = pytest.mark.requires("kernel-gate")


def scenario(name: str = "one") -> Scenario:
    return load_data(
        {
            "name": name,
            "about": "a heartbeat in another process",
            "source": "our own",
            "policy": "coordinated",
            "lanes": [
                {"role": "runner", "process": "gateway"},
                {"role": "heartbeat", "process": "other"},
            ],
            "expect": {},
        },
        where="test",
    )


@pytest.fixture(autouse=True)
def no_explorer_left() -> Iterator[None]:
    with as_explorer(ctypes.CDLL(None).sched_getcpu()):
        yield
        explorer_cache.close_all()
    assert explorer_cache.cached_pids() == set()


def pids(explorer: Explorer) -> set[int]:
    return set(explorer.gate.pids().values())


def events(explorer: Explorer) -> list[tuple[Event, ...]]:
    return [
        explorer.run(explorer.program(1, index), make("random"), 1, index)[2].events for index in range(20)
    ]


def gone(numbers: set[int]) -> bool:
    return not any(psutil.pid_exists(number) for number in numbers)


def ask(
    tmp_path: Path, name: str = "one", fence: str = "ledger", gate: str = "kernel", *, keep: bool = True
) -> set[int]:
    with explorer_cache.cached_explorer(scenario(name), fence, gate, str(tmp_path), keep=keep) as explorer:
        return pids(explorer)


def test_cached_workers_give_the_same_histories(tmp_path: Path) -> None:
    with explorer_cache.cached_explorer(scenario(), "ledger", "kernel", str(tmp_path)) as explorer:
        first, told = pids(explorer), events(explorer)
    assert explorer_cache.cached_pids() == first and len(first) == 2
    with explorer_cache.cached_explorer(
        scenario(), "ledger", "kernel", str(tmp_path), keep=False
    ) as explorer:
        assert pids(explorer) == first
        assert events(explorer) == told
    assert explorer_cache.cached_pids() == set() and gone(first)
    with explorer_cache.cached_explorer(scenario(), "ledger", "kernel", str(tmp_path)) as explorer:
        assert pids(explorer).isdisjoint(first)
        assert events(explorer) == told


@pytest.mark.parametrize("other", [{"name": "two"}, {"fence": "none"}, {"fence": "fence.ledger:LedgerFence"}])
def test_another_scenario_or_fence_has_workers_of_its_own(tmp_path: Path, other: dict[str, str]) -> None:
    first = ask(tmp_path)
    assert ask(tmp_path, **other).isdisjoint(first) and gone(first)
    assert len([name for name in os.listdir(tmp_path) if "session" in name]) == 1


def test_another_root_has_workers_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = ask(tmp_path / "a")
    assert ask(tmp_path / "b").isdisjoint(first) and gone(first)
    assert os.listdir(tmp_path / "a") == []


def test_the_workers_of_two_gates_are_kept_together(tmp_path: Path) -> None:
    kernel, free = ask(tmp_path), ask(tmp_path, gate="free")
    assert explorer_cache.cached_pids() == kernel | free
    assert (ask(tmp_path), ask(tmp_path, gate="free")) == (kernel, free)
    assert ask(tmp_path, gate="free", keep=False) == free
    assert ask(tmp_path, gate="free").isdisjoint(free) and ask(tmp_path) == kernel


def test_an_explorer_closed_between_two_schedules_is_kept(tmp_path: Path) -> None:
    def job() -> Iterator[set[int]]:
        with explorer_cache.cached_explorer(scenario(), "ledger", "kernel", str(tmp_path)) as explorer:
            while True:
                yield pids(explorer)

    findings = job()
    first = next(findings)
    del findings
    assert ask(tmp_path) == first


def test_after_an_error_no_explorer_is_kept(tmp_path: Path) -> None:
    with (
        pytest.raises(HarnessError),
        explorer_cache.cached_explorer(scenario(), "ledger", "kernel", str(tmp_path)) as explorer,
    ):
        first = pids(explorer)
        raise HarnessError("on purpose")
    assert explorer_cache.cached_pids() == set() and gone(first)


def test_an_explorer_works_on_after_inconclusive_schedules(tmp_path: Path) -> None:
    fence = tmp_path / "dies.py"
    fence.write_text(
        "import os\nfrom fence.none import NoFence\n\n\nclass Dies(NoFence):\n"
        "    def guarded_write(self, entries):\n        os.system('kill -9 $PPID')\n"
    )
    job = WorkItem(scenario(), f"{fence}:Dies", "kernel", "random", 1, 0, 1, 3)
    seen = []
    for keep in (True, False):
        tallies = list(msgspec.structs.replace(job, keep=keep).run(str(tmp_path)))
        seen.append([sum(getattr(one, name) for one in tallies) for name in ("inconclusive", "histories")])
    assert seen[0][0] == 3 and seen[0] == seen[1]


def test_a_sought_violation_is_sent_before_its_second_run(tmp_path: Path) -> None:
    fence = tmp_path / "breaks.py"
    fence.write_text(
        "from fence.none import NoFence\n\n\nclass Breaks(NoFence):\n"
        "    def guarded_write(self, entries):\n        raise KeyError\n"
    )
    job = WorkItem(scenario(), f"{fence}:Breaks", "kernel", "random", 1, 0, 1, 3, until="crash")
    tallies = list(job.run(str(tmp_path)))
    told = next(number for number, one in enumerate(tallies) if "crash" in one.violations)
    repeated = next(number for number, one in enumerate(tallies) if one.repeated)
    assert told < repeated
    assert [sum(getattr(one, name) for one in tallies) for name in ("schedules", "repeated")] == [1, 1]


def test_a_worker_that_died_while_it_waited_is_replaced(tmp_path: Path) -> None:
    with explorer_cache.cached_explorer(scenario(), "ledger", "kernel", str(tmp_path)) as explorer:
        told = events(explorer)
        dead = explorer.gate.pids()["other"]
    os.kill(dead, signal.SIGKILL)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    with explorer_cache.cached_explorer(scenario(), "ledger", "kernel", str(tmp_path)) as explorer:
        assert events(explorer) == told
        assert explorer.gate.pids()["other"] != dead
