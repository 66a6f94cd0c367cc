"""A search that learns is the same however its schedules are handed out, and accuses no sound fence."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.explore.shard import Shard, ShardTask, tasks_of
from harness.results.search_progress import Progress
from harness.results.stats import Stats
from harness.scenario import load
from harness.shrink.replay import replay

QUICKSTART = load(Path(__file__).parents[3] / "scenarios" / "quickstart.yaml")
TASK = SearchTask(QUICKSTART, "stat-2026.5.17", "kernel", "guided", 3, 40)
FIELDS = msgspec.structs.asdict(TASK)

pytestmark = pytest.mark.requires("kernel-gate")


def asked(tmp_path: Path, what: SearchTask, explorers: int = 1, since: Progress | None = None) -> Result:
    with Coordinator(explorers, str(tmp_path)) as coordinator:
        found = coordinator.ask(what, since=since)
    assert found.complete and not found.stats.inconclusive, (found.doubts, found.fault, found.stopped)
    return found


def test_shards_and_a_resumed_search_add_up_to_the_whole(tmp_path: Path) -> None:
    whole = asked(tmp_path, TASK)
    parts = [asked(tmp_path, one) for shard in (Shard(1, 2), Shard(2, 2)) for one in tasks_of(shard, [TASK])]
    total = Stats()
    for part in parts:
        total.merge(part.stats)
    assert total.histories == whole.stats.histories
    assert total.first == whole.stats.first
    assert total.classes.count() == whole.stats.classes.count()
    # In the midst of the family, and by more explorers.
    resumed = asked(tmp_path, TASK, 2, Progress(0, "guided", ((20, 40, 1),), parts[0].stats, 1.0))
    assert resumed.stats.schedules == 40
    assert resumed.stats.histories == whole.stats.histories
    witness = TASK.witness(whole.stats.first["false_positive"])
    again = replay(witness, root=str(tmp_path))
    assert witness.strategy == "guided"
    assert again.same_history and not again.difference


def test_the_number_of_explorers_makes_no_difference(tmp_path: Path) -> None:
    over_two_families = ShardTask(**FIELDS, question=0, first=110, stop=146)
    one, two = (asked(tmp_path, over_two_families, explorers) for explorers in (1, 2))
    assert one.stats.histories == two.stats.histories
    assert one.stats.first == two.stats.first
    assert one.stats.schedules == two.stats.schedules == 36


def test_a_sound_fence_is_not_accused(tmp_path: Path) -> None:
    found = asked(tmp_path, msgspec.structs.replace(TASK, fence="ledger", schedules=100))
    assert found.stats.violations == {}
    assert found.stats.verdicts["true_negative"] > 0


def test_the_free_gate_draws_a_program_for_each_schedule(tmp_path: Path) -> None:
    free = msgspec.structs.replace(TASK, gate="free", schedules=2)
    assert asked(tmp_path, free).stats.schedules == 2
