"""Each schedule counts once even where machines are lost, and a machine that does not fit gets none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.explore.cluster import coordinator, entrance
from harness.explore.cluster.coordinator import ClusterCoordinator
from harness.explore.cluster.shipping import Shipment
from harness.explore.cluster.slices import ATTEMPTS_MAX
from harness.explore.cluster.wire import Hello, SliceReply, SliceTask
from harness.explore.messages import Failed
from harness.explore.search_task import SearchTask
from harness.model.errors import GateUnavailable, Shortage, UsageError, WorkerDied
from harness.results.search_progress import Progress
from harness.results.stats import Part, Stats
from harness.scenario import load
from takeover_harness import dask_worker
from tests.harness.explore.cluster.fake_scheduler import FakeScheduler, marks, numbers_of, ran_all

SCENARIO = load(Path(__file__).parents[4] / "scenarios" / "quickstart.yaml")
FITS = Hello("north", (0, 1))


def task(schedules: int, strategy: str = "random", until: str = "") -> SearchTask:
    return SearchTask(SCENARIO, "ledger", "kernel", strategy, 1, schedules, until=until)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for workers as often as there is anything to do, and wait for none."""
    monkeypatch.setattr(entrance, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(coordinator, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(entrance, "JOIN_S", 0.2)
    monkeypatch.setattr(coordinator, "JOIN_S", 0.2)


class Cluster:
    """A coordinator that has let the workers of a scheduler in."""

    def __init__(self, scheduler: FakeScheduler, root: Path) -> None:
        self.said: list[str] = []
        self.scheduler = scheduler
        self._coordinator = ClusterCoordinator(scheduler.name, str(root), self.said.append, scheduler.connect)

    def __enter__(self) -> ClusterCoordinator:
        found = self._coordinator.__enter__()
        try:
            found.admit("kernel", False, Shipment())
        except BaseException:
            self._coordinator.__exit__()
            raise
        return found

    def __exit__(self, *_: object) -> None:
        self._coordinator.__exit__()


def test_slices_of_many_workers_add_up(tmp_path: Path) -> None:
    scheduler = FakeScheduler({f"tcp://w:{number}": FITS for number in range(5)})
    with Cluster(scheduler, tmp_path) as found:
        result = found.ask(task(700))
    assert (result.stats.schedules, result.stats.histories) == (700, marks(range(700)))
    assert result.complete and not result.stopped and result.explorers == 5
    ran = [range(*one) for parts in result.stats.ran.values() for one in parts]
    assert sorted(itertools.chain.from_iterable(ran)) == list(range(700))
    assert all(who.startswith("north, worker tcp://w:") for who in result.stats.ran)
    assert scheduler.told[-1][0] is dask_worker.end


def test_a_slice_that_was_lost_with_its_worker_counts_once(tmp_path: Path) -> None:
    scheduler = FakeScheduler({"tcp://a:1": FITS, "tcp://b:1": FITS})
    scheduler.held["tcp://a:1"] = []

    def answer(one: SliceTask) -> SliceReply:
        if "tcp://a:1" in scheduler.there and scheduler.held["tcp://a:1"]:
            # In the middle of its first slice; its result comes too late.
            del scheduler.there["tcp://a:1"]
        elif "tcp://a:1" not in scheduler.there and scheduler.held["tcp://a:1"]:
            scheduler.held["tcp://a:1"].pop()()
        return ran_all(one)

    scheduler.answer = answer
    with Cluster(scheduler, tmp_path) as found:
        result = found.ask(task(200))
    assert (result.stats.schedules, result.stats.histories) == (200, marks(range(200)))
    assert not result.doubts
    assert list(result.stats.ran) == ["north, worker tcp://b:1"]


@pytest.mark.parametrize("lost", [dask_worker.LOST, dask_worker.UNKNOWN])
def test_a_slice_that_kills_each_of_its_processes_is_given_up(tmp_path: Path, lost: bytes) -> None:
    tries: list[range] = []

    def answer(one: SliceTask) -> SliceReply | bytes:
        if 20 in numbers_of(one):
            tries.append(numbers_of(one))
            return lost
        return ran_all(one)

    with Cluster(FakeScheduler({"tcp://a:1": FITS, "tcp://b:1": FITS}, answer), tmp_path) as found:
        result = found.ask(task(100))
    assert len(tries) == ATTEMPTS_MAX and len(set(tries)) == 1
    assert result.stats.schedules == 100 - len(tries[0])
    (doubt,) = result.doubts
    assert f"schedules {tries[0].start} to {tries[0][-1]} were lost with 3 workers" in doubt
    assert not result.complete
    assert result.progress is not None
    assert [range(*one) for one in result.progress.left] == [tries[0]]


def test_machines_that_do_not_fit_are_named_before_anything_runs(tmp_path: Path) -> None:
    scheduler = FakeScheduler(
        {
            "tcp://a:1": FITS,
            "tcp://b:1": Hello("south", (0,), ("another version of the harness",)),
            "tcp://c:1": None,
        }
    )
    with pytest.raises(GateUnavailable) as refused, Cluster(scheduler, tmp_path):
        pass
    text = str(refused.value)
    assert "south, tcp://b:1: another version of the harness" in text
    assert "tcp://c:1: takeover-harness is not installed there" in text
    assert "tcp://a:1" not in text
    assert scheduler.slices == []
    assert list(tmp_path.iterdir()) == []


def test_without_a_worker_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 Dask workers have joined"), Cluster(FakeScheduler({}), tmp_path):
        pass


def test_a_worker_that_comes_later_is_examined_as_well(tmp_path: Path) -> None:
    scheduler = FakeScheduler({"tcp://a:1": FITS})

    def answer(one: SliceTask) -> SliceReply:
        scheduler.there |= {"tcp://b:1": FITS, "tcp://c:1": Hello("west", (0,), ("no gate",))}
        return ran_all(one)

    scheduler.answer = answer
    cluster = Cluster(scheduler, tmp_path)
    with cluster as found:
        result = found.ask(task(300))
    assert result.stats.histories == marks(range(300))
    assert {address for address, _ in scheduler.slices} == {"tcp://a:1", "tcp://b:1"}
    assert cluster.said == ["this worker gets no slice: west, tcp://c:1: no gate"]


def test_when_all_workers_are_gone_the_search_ends_and_keeps_its_progress(tmp_path: Path) -> None:
    scheduler = FakeScheduler({"tcp://a:1": FITS})

    def answer(one: SliceTask) -> SliceReply:
        scheduler.there.clear()
        return ran_all(one)

    scheduler.answer = answer
    saved: list[Progress] = []
    with Cluster(scheduler, tmp_path) as found:
        result = found.ask(task(100), save=saved.append)
        assert isinstance(result.fault, WorkerDied)
        assert saved[-1].stats.schedules + sum(map(len, saved[-1].ranges)) == 100
        # Another cluster goes on from there.
        scheduler.there["tcp://b:1"] = FITS
        scheduler.answer = ran_all
        result = found.ask(task(100), since=saved[-1])
    assert (result.stats.schedules, result.stats.histories) == (100, marks(range(100)))


def test_the_second_round_has_the_shares_that_the_first_one_earned(tmp_path: Path) -> None:
    def answer(one: SliceTask) -> SliceReply:
        count = len(numbers_of(one))
        found = Stats(schedules=count, violations={"crash": count})
        found.parts = {"pos": Part(count, count, one.first, {"crash": count})}
        return SliceReply(found, (), 0.01)

    scheduler = FakeScheduler({"tcp://a:1": FITS, "tcp://b:1": FITS}, answer)
    whole = task(1000, "portfolio")
    with Cluster(scheduler, tmp_path) as found:
        found.ask(whole)
    first = {one.strategy for _, one in scheduler.slices if one.first < 500}
    second = {one.strategy for _, one in scheduler.slices if one.first >= 500}
    earned = Stats(violations={"crash": 500}, parts={"pos": Part(500, 500, 0, {"crash": 500})})
    assert first == {"portfolio"}
    assert second == {whole.strategy_after(earned)} != {"portfolio"}


def test_an_error_of_a_machine_ends_the_search_and_names_it(tmp_path: Path) -> None:
    def answer(one: SliceTask) -> SliceReply:
        left = ((one.first, one.stop, one.step),)
        return SliceReply(Stats(), left, 0.1, fault=Failed("Shortage", "memory ran out"))

    with Cluster(FakeScheduler({"tcp://a:1": FITS}, answer), tmp_path) as found:
        result = found.ask(task(100))
    assert isinstance(result.fault, Shortage)
    assert str(result.fault) == "north: memory ran out"
    assert result.stats.schedules == 0


def test_the_time_limit_goes_with_each_slice_and_ends_the_search(tmp_path: Path) -> None:
    def answer(one: SliceTask) -> SliceReply:
        assert 0 < one.time_limit_s <= 0.3
        half = one.first + 1
        return SliceReply(Stats(schedules=1), ((half, one.stop, 1),), 0.1, stopped="time limit")

    scheduler = FakeScheduler({"tcp://a:1": FITS}, answer)
    with Cluster(scheduler, tmp_path) as found:
        limited = msgspec.structs.replace(task(10_000_000), time_limit_s=0.3)
        result = found.ask(limited)
    assert result.stopped == "time limit"
    assert result.progress is not None
    assert result.stats.schedules + sum(map(len, result.progress.ranges)) == 10_000_000


def test_seats_that_are_free_begin_the_next_searches(tmp_path: Path) -> None:
    scheduler = FakeScheduler({"tcp://a:1": FITS, "tcp://b:1": FITS})
    scheduler.held["tcp://a:1"] = []
    first, second = task(8), task(40)

    def answer(one: SliceTask) -> SliceReply:
        if any(len(numbers_of(each)) and each.stop == 40 for _, each in scheduler.slices):
            for give in scheduler.held.pop("tcp://a:1", []):
                give()
        return ran_all(one)

    scheduler.answer = answer
    with Cluster(scheduler, tmp_path) as found:
        found.expect([first, second])
        results = [found.ask(first), found.ask(second)]
    assert [one.stats.histories for one in results] == [marks(range(8)), marks(range(40))]


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("harness.system.janitor.shortage", lambda _: "")
    yield
