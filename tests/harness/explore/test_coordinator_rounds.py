"""A portfolio learns from whole rounds, and the number of explorers makes no difference."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import psutil
import pytest

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.results.search_progress import Progress, deal
from harness.results.stats import Part, Stats
from harness.results.summary import encode
from harness.scenario import load_all
from harness.shrink.replay import replay
from harness.strategies import portfolio
from harness.strategies.portfolio import FIRST_SHARES
from tests.acceptance.harness_process import is_first_of_namespace

ROOT = Path(__file__).resolve().parents[3]

(QUICKSTART,) = load_all([ROOT / "scenarios" / "quickstart.yaml"])
FLAWED = "stat-2026.5.17"


def task(strategy: str = "portfolio", schedules: int = 120, time_limit_s: float = 0.0) -> SearchTask:
    return SearchTask(QUICKSTART, FLAWED, "kernel", strategy, 3, schedules, time_limit_s)


def asked(tmp_path: Path, explorers: int, what: SearchTask) -> Result:
    with Coordinator(explorers, str(tmp_path)) as coordinator:
        return coordinator.ask(what)


def workers(coordinator: Coordinator) -> set[int]:
    (pid,) = coordinator.pids()
    return {one.pid for one in psutil.Process(pid).children() if not is_first_of_namespace(one.pid)}


@pytest.mark.requires("kernel-gate")
def test_workers_stay_between_tasks_and_end_with_the_last(tmp_path: Path) -> None:
    other = msgspec.structs.replace(task(schedules=2), fence="none")
    with Coordinator(1, str(tmp_path)) as coordinator:
        coordinator.ask(task(schedules=2))
        first = workers(coordinator)
        assert len(first) == len({lane.process for lane in QUICKSTART.lanes})
        coordinator.ask(task(schedules=3))
        assert workers(coordinator) == first
        coordinator.ask(msgspec.structs.replace(other, keep=False))
        assert workers(coordinator) == set()


def test_only_a_strategy_that_learns_has_several_rounds() -> None:
    assert list(task("random", 5000).rounds()) == [range(5000)]
    assert list(task("portfolio:surw=1,pos=1", 5000).rounds()) == [range(5000)]
    assert len(list(task("portfolio", 5000).rounds())) > 1


def test_under_the_free_gate_no_strategy_is_credited() -> None:
    free = SearchTask(QUICKSTART, FLAWED, "free", "portfolio", 3, 5000)
    assert list(free.rounds()) == [range(5000)]
    found = Result(free, Stats(violations={"crash": 3}, parts={"pos": Part(9, 3, 0, {"crash": 3})}), 1)
    assert found.summary().parts == {}


def test_work_items_of_a_round_deal_out_its_schedules() -> None:
    shares = deal([range(40, 70), range(70, 100, 2)], 4)
    items = [task().work_item(number, 4, share.ranges, "pos") for number, share in enumerate(shares)]
    dealt = [list(item.indices) for item in items]
    assert sorted(index for one in dealt for index in one) == [*range(40, 70), *range(70, 100, 2)]
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert {item.strategy for item in items} == {"pos"}


def test_a_later_round_prefers_parts_that_found_violations() -> None:
    stats = Stats(violations={"crash": 3}, parts={"pos": Part(9, 3, 0, {"crash": 3}), "surw": Part(50)})
    assert task().strategy_after(stats) == "portfolio:surw=250,pos=545,random=40,pct:2=85,pct:3=80"
    assert task("pos").strategy_after(stats) == "pos"
    assert task().strategy_after(Stats()) == "portfolio"


@pytest.mark.requires("kernel-gate")
def test_the_number_of_explorers_makes_no_difference_over_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portfolio, "_ROUND", 30)
    one, two = (asked(tmp_path, explorers, task()) for explorers in (1, 2))
    assert one.complete and two.complete
    assert one.stats.histories == two.stats.histories
    assert one.stats.parts == two.stats.parts
    assert set(one.stats.parts) == set(FIRST_SHARES)
    # With the first shares in every round the histories are others.
    plain = asked(tmp_path, 1, task(portfolio.name_of(FIRST_SHARES)))
    assert plain.stats.histories != one.stats.histories


@pytest.mark.requires("kernel-gate")
def test_a_resumed_search_gives_the_same_result_from_any_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portfolio, "_ROUND", 30)
    monkeypatch.setattr("harness.results.search_progress._EVERY_S", 0.0)
    monkeypatch.setattr("harness.results.search_progress._COST", 100.0)
    saved: list[bytes] = []
    with Coordinator(2, str(tmp_path)) as coordinator:
        whole = coordinator.ask(task(), save=lambda one: saved.append(msgspec.msgpack.encode(one)))
    left_off = [msgspec.msgpack.decode(one, type=Progress) for one in saved]
    within = [one for one in left_off if sum(map(len, one.ranges)) > 0]
    assert {one.round_first for one in within} >= {0, 60}
    assert left_off[-1].ranges == ()
    for since, explorers in ((within[0], 3), (within[-1], 1), (left_off[-1], 2)):
        done = since.stats.schedules
        with Coordinator(explorers, str(tmp_path)) as coordinator:
            result = coordinator.ask(task(), since=since)
        assert result.complete, done
        assert result.wall_s > since.wall_s
        for name in ("schedules", "steps", "verdicts", "violations", "histories", "repeated", "parts"):
            assert getattr(result.stats, name) == getattr(whole.stats, name), (done, name)
        assert result.stats.first == whole.stats.first
        assert result.stats.found_curve() == whole.stats.found_curve()
        assert result.stats.classes.curve(120) == whole.stats.classes.curve(120)


@pytest.mark.requires("kernel-gate")
def test_the_summary_counts_each_part_and_its_witness_replays(tmp_path: Path) -> None:
    asking = task(schedules=60)
    result = asked(tmp_path, 1, asking)
    found = json.loads(encode(result.summary()))["parts"]
    assert set(found) == set(FIRST_SHARES)
    assert sum(part["schedules"] for part in found.values()) == 60
    assert sum(part["found"] for part in found.values()) == result.stats.violations["false_positive"]
    witness = asking.witness(result.stats.first["false_positive"])
    assert found[witness.strategy]["first"] <= witness.schedule_index
    again = replay(witness, root=str(tmp_path))
    assert again.same_history and not again.difference


@pytest.mark.requires("kernel-gate")
def test_a_time_limit_ends_the_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "_ROUND", 10)
    result = asked(tmp_path, 1, task(schedules=1_000_000, time_limit_s=0.5))
    assert result.stopped == "time limit"
    assert 0 < result.stats.schedules < 1_000_000
