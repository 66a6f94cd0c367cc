"""Shards of a run are merged once each, all of them, or not at all."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import msgspec
import pytest

from harness.cli import main
from harness.cli.checkpoint import Checkpoint, Finished
from harness.cli.resume import DEFAULTS
from harness.cli.run_plan import plan_of
from harness.cli.sharding import own_part
from harness.cli.sink import Task
from harness.explore.search_task import Result, SearchTask
from harness.report.html.page_data import Entry
from harness.results.exercise import Exercise, LaneExercise
from harness.results.search_progress import Progress
from harness.results.stats import Stats
from harness.results.store import RunFolder
from harness.scenario import load
from harness.system import janitor

FILE = Path(__file__).parents[3] / "scenarios" / "quickstart.yaml"
FENCES = ("none", "ledger")
SCHEDULES = 10


def shard(where: Path, number: int, count: int, seed: int = 1, over: bool = True) -> Path:
    """Write the folder of a shard whose schedules found nothing."""
    scenario = load(FILE)
    whole = [
        Task(SearchTask(scenario, fence, "kernel", "random", seed, SCHEDULES), str(FILE), ())
        for fence in FENCES
    ]
    given = {**DEFAULTS, "scenarios": [str(FILE)], "argv": ["run", str(FILE), "--shard", f"{number}/{count}"]}
    arguments = argparse.Namespace(**{**given, "command": "run", "shard": f"{number}/{count}", "seed": seed})
    path = where / f"{number}-of-{count}-seed-{seed}"
    folder = RunFolder(str(path))
    folder.plan(plan_of(arguments, whole))
    for at, task in enumerate(own_part(arguments, whole) if over else ()):
        stats = Stats(schedules=task.search.count, histories=task.search.count)
        stats.exercise = Exercise(decisions=9, lanes={"heartbeat": LaneExercise(changed=1)})
        stats.verdicts["true_negative"] = task.search.count
        result = Result(task.search, stats, 1, progress=Progress(task.search.first, "random", (), stats, 1.0))
        finished = Finished(result.summary(), Entry(result.summary(), (), task.search.count), "")
        Checkpoint(folder, at, task.search, True).finish(result, finished)
    folder.close()
    return path


def merge(tmp_path: Path, *folders: object, options: tuple[str, ...] = ()) -> int:
    out = tmp_path / "merged"
    words = ["merge", *map(str, folders), "--out", str(out), "--session-root", str(tmp_path), "--no-shrink"]
    return main([*words, "--json", *options])


@pytest.fixture(autouse=True)
def enough_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor, "shortage", lambda _: "")


def test_shards_add_up_in_any_order_and_more_than_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = [shard(tmp_path, number, 3) for number in (1, 2, 3)]
    assert merge(tmp_path, *shards) == 0
    first = capsys.readouterr().out
    lines = [json.loads(line) for line in first.splitlines()]
    assert [(one["fence"], one["schedules"], one["histories"]) for one in lines] == [
        ("none", 10, f"{10:016x}"),
        ("ledger", 10, f"{10:016x}"),
    ]
    assert [list(one["ran"].values()) for one in lines] == [["0 to 5", "6 to 9"], ["0 to 2", "3 to 9"]]
    verdicts = (tmp_path / "merged" / "verdicts.jsonl").read_bytes()
    assert merge(tmp_path, *reversed(shards)) == 0
    assert capsys.readouterr().out == first
    assert (tmp_path / "merged" / "verdicts.jsonl").read_bytes() == verdicts


def test_another_merge_does_not_take_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(tmp_path, shard(tmp_path, 1, 1)) == 0
    assert merge(tmp_path, shard(tmp_path, 1, 1, seed=2)) == 2
    assert "holds a run already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([(1, 2)], "1 of 2 shards are missing: 2/2"),
        ([(1, 2), (2, 3)], "is shard 2/3 and"),
        ([(1, 2), (2, 2, 7)], "quickstart / none: seed is 1 there, and 7 here"),
        ([(1, 2), (1, 2, 7), (2, 2)], "shard 1/2 is in"),
        ([(1, 2), (1, 2)], "given twice"),
        ([(1, 2), (2, 2, 1, False)], "shard 2/2 is not over"),
    ],
    ids=["gap", "counts", "seeds", "double", "twice", "not over"],
)
def test_shards_of_no_single_run_are_refused_and_make_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[tuple[int, ...]], complaint: str
) -> None:
    made: dict[tuple[int, ...], Path] = {}
    folders = [made.setdefault(one, made.get(one) or shard(tmp_path, *one)) for one in given]
    assert merge(tmp_path, *folders) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


def test_shards_of_other_code_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [shard(tmp_path, 1, 2), shard(tmp_path, 2, 2)]
    for key, complaint in (("code", "another version of the harness"), ("python", "Python was")):
        copy = tmp_path / key
        shutil.copytree(folders[1], copy)
        plan = json.loads((copy / "plan.json").read_text())
        (copy / "plan.json").write_text(json.dumps({**plan, key: "other"}))
        assert merge(tmp_path, folders[0], copy) == 2
        assert complaint in capsys.readouterr().err


def test_a_changed_fence_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [shard(tmp_path, 1, 2), shard(tmp_path, 2, 2)]
    plan = json.loads((folders[1] / "plan.json").read_text())
    plan["questions"][0]["fence_code"] = "abc"
    (folders[1] / "plan.json").write_text(json.dumps(plan))
    assert merge(tmp_path, *folders) == 2
    assert "the fence's file has changed" in capsys.readouterr().err


def test_a_damaged_part_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [shard(tmp_path, 1, 2), shard(tmp_path, 2, 2)]
    file = folders[1] / "progress" / "0.msgpack"
    whole = file.read_bytes()
    for data in (
        whole[:-1],
        whole.replace(b"random", b"rondam"),
        b"",
        (folders[0] / "plan.json").read_bytes(),
    ):
        file.write_bytes(data)
        assert merge(tmp_path, *folders) == 2
        assert "progress of question 0" in capsys.readouterr().err
    # The part of another shard.
    file.write_bytes((folders[0] / "progress" / "0.msgpack").read_bytes())
    assert merge(tmp_path, *folders) == 2
    assert "is about schedules 0 to 10 of question 0" in capsys.readouterr().err


def test_a_plan_that_says_nonsense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shard(tmp_path, 1, 1)
    plan = json.loads((folder / "plan.json").read_text())
    question = plan["questions"][0]
    for wrong in (
        {"files": []},
        {"questions": [{**question, "schedules": 0}]},
        {"questions": [{**question, "scenario": {"name": "x"}}, question]},
        {"arguments": {**plan["arguments"], "shard": "3/2"}},
        {"arguments": {**plan["arguments"], "shard": 3}},
    ):
        (folder / "plan.json").write_text(json.dumps({**plan, **wrong}))
        assert merge(tmp_path, folder) == 2
        err = capsys.readouterr().err
        assert "Traceback" not in err and ("plan.json" in err or "--shard" in err)


def test_doubts_of_a_shard_make_the_run_inconclusive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.cli.checkpoint import Part, sealed, unsealed

    folder = shard(tmp_path, 1, 1)
    file = folder / "progress" / "0.msgpack"
    part = unsealed(file.read_bytes())
    assert isinstance(part, Part)
    part = msgspec.structs.replace(part, doubts=["an explorer process was killed by signal 9"])
    file.write_bytes(sealed(msgspec.msgpack.encode(part)))
    assert merge(tmp_path, folder) == 3
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert line["why_inconclusive"] == "an explorer process was killed by signal 9"
