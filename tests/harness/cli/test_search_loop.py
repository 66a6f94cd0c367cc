"""The loop of a run asks each task once and hands the answer from sink to sink."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cli.checkpoint import earlier
from harness.cli.ci_sinks import CiSink
from harness.cli.html_sink import HtmlSink
from harness.cli.search_loop import SearchLoop
from harness.cli.sink import Answer, Ending, Sink, Task, WriteFaults
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.cli.store_sink import VerdictSink, WitnessSink
from harness.cli.time_budget import TimeBudget
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import HarnessError, StoreError, UsageError
from harness.model.history import Absent, End, Header, History
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.oracle import Judgement, Violation
from harness.results.exercise import Exercise, LaneExercise
from harness.results.stats import Stats
from harness.results.store import RunFolder
from harness.scenario import load

SCENARIO = load(Path(__file__).parents[3] / "scenarios" / "quickstart.yaml")


def task(fence: str = "ledger", schedules: int = 4) -> Task:
    return Task(SearchTask(SCENARIO, fence, "kernel", "random", 1, schedules), "a.yaml", ())


def stats(schedules: int = 4, violation: str = "") -> Stats:
    found = Stats()
    if violation:
        header = Header("quickstart", "f", "kernel", "random", "p", {}, 1, 2, (), Absent)
        judgement = Judgement((), (Violation(violation, 0, -1, 0, "because"),))
        history = History(header, (End(Absent),))
        found.add(2, Program((), (), Filesystem(), 0), Schedule(()), history, judgement)
    found.schedules = schedules
    found.exercise = Exercise(decisions=schedules, lanes={"heartbeat": LaneExercise(changed=1)})
    return found


class _Coordinator:
    """Answers each task with the next result, and interrupts the run after so many."""

    def __init__(self, *answers: Stats | HarnessError, interrupt_after: int = 99) -> None:
        self._answers = list(answers)
        self._interrupt_after = interrupt_after
        self.asked: list[SearchTask] = []

    @property
    def interrupted(self) -> bool:
        return len(self.asked) >= self._interrupt_after

    def expect(self, searches: list[SearchTask]) -> None:
        assert not self.asked

    def ask(self, search: SearchTask, progress: Callable[[Stats], None], since: Any, save: Any) -> Result:
        self.asked.append(search)
        answer = self._answers.pop(0)
        if isinstance(answer, HarnessError):
            return Result(search, Stats(), 1, fault=answer)
        progress(answer)
        return Result(search, answer, 1)


class _Recorder(Sink):
    """Records the calls of the loop."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: list[Answer] = []
        self.endings: list[Ending] = []

    def begin(self, tasks: Any) -> None:
        self.calls.append(f"begin {len(tasks)}")

    def add(self, answer: Answer) -> Answer:
        self.calls.append(f"add {answer.task.search.fence}")
        self.answers.append(answer)
        return answer

    def restore(self, finished: Any) -> None:
        self.calls.append(f"restore {finished.summary.fence}")

    def end(self, ending: Ending) -> str:
        self.calls.append("end")
        self.endings.append(ending)
        return "page.html"


@contextlib.contextmanager
def unwatched(_: SearchTask) -> Iterator[Callable[[Stats], None]]:
    yield lambda _: None


def loop(
    folder: Path,
    coordinator: _Coordinator,
    *sinks: Sink,
    faults: WriteFaults | None = None,
    failures_max: int | None = None,
) -> SearchLoop:
    noted = WriteFaults() if faults is None else faults
    run_folder = RunFolder(str(folder))
    usual = (WitnessSink(run_folder, noted), CiSink(None), HtmlSink(run_folder, ["run"], noted))
    stored = VerdictSink(run_folder, noted, coordinator)  # type: ignore[arg-type]
    return SearchLoop(
        coordinator,  # type: ignore[arg-type]
        run_folder,
        (*usual, stored, *sinks),
        (noted,),
        TimeBudget(0.0, 0.0),
        unwatched,
        resumable=True,
        failures_max=failures_max,
    )


def test_each_sink_gets_every_answer_and_the_end(tmp_path: Path) -> None:
    sink = _Recorder()
    run = loop(tmp_path, _Coordinator(stats(), stats()), sink)
    run.run([task(), task("pr-84046")])
    assert sink.calls == ["begin 2", "add ledger", "add pr-84046", "end"]
    assert sink.endings == [Ending("as expected", "", str(tmp_path / "report.html"))]
    assert run.status() == OK


@pytest.mark.parametrize(
    ("failures_max", "asked", "note"),
    [
        (1, 2, "ended after 1 not as expected (--max-failures); 2 of 4 questions were not asked"),
        (2, 3, "ended after 2 not as expected (--max-failures); 1 of 4 questions were not asked"),
        (3, 4, ""),
        (None, 4, ""),
    ],
)
def test_a_run_ends_after_so_many_failures(
    tmp_path: Path, failures_max: int | None, asked: int, note: str
) -> None:
    sink = _Recorder()
    answers = (stats(), stats(violation="crash"), stats(violation="crash"), stats(violation="crash"))
    run = loop(tmp_path, _Coordinator(*answers), sink, failures_max=failures_max)
    run.run([task()] * 4)
    assert len(sink.answers) == asked
    assert [(one.outcome, one.fault, one.note) for one in sink.endings] == [("not as expected", "", note)]
    assert run.status() == NOT_EXPECTED
    # A question that was not asked can be asked later.
    assert [earlier(RunFolder(str(tmp_path)), number, task().search) is None for number in range(4)] == [
        number >= asked for number in range(4)
    ]


def test_a_sink_passes_its_additions_on(tmp_path: Path) -> None:
    class Adds(Sink):
        def add(self, answer: Answer) -> Answer:
            return msgspec.structs.replace(answer, story="a story")

    sink = _Recorder()
    loop(tmp_path, _Coordinator(stats()), Adds(), sink).run([task()])
    assert [answer.story for answer in sink.answers] == ["a story"]


def test_an_answer_has_its_stored_witness_story_and_entry(tmp_path: Path) -> None:
    sink = _Recorder()
    run = loop(tmp_path, _Coordinator(stats(violation="crash")), sink)
    run.run([task()])
    (answer,) = sink.answers
    path = answer.witnesses["crash"].path
    assert Path(path).is_file()
    assert answer.summary.first_violation == {"kind": "crash", "schedule": 2, "witness": path}
    assert answer.story.endswith(f"replay {path}")
    assert answer.entry is not None and [one.kind for one in answer.entry.found] == ["crash"]
    assert run.status() == NOT_EXPECTED
    assert sink.endings[0].outcome == "not as expected"


def test_a_finished_task_is_restored_and_not_asked_again(tmp_path: Path) -> None:
    tasks = [task(), task("pr-84046")]
    first = loop(tmp_path, _Coordinator(stats(), interrupt_after=2), _Recorder())
    first.run(tasks[:1])
    coordinator, sink = _Coordinator(stats()), _Recorder()
    loop(tmp_path, coordinator, sink).run(tasks)
    assert sink.calls == ["begin 2", "restore ledger", "add pr-84046", "end"]
    assert [search.fence for search in coordinator.asked] == ["pr-84046"]
    assert len((tmp_path / "verdicts.jsonl").read_text().splitlines()) == 2


def test_after_an_interrupt_no_task_is_asked_or_finished(tmp_path: Path) -> None:
    coordinator, sink = _Coordinator(stats(), interrupt_after=1), _Recorder()
    run = loop(tmp_path, coordinator, sink)
    run.run([task(), task("pr-84046")])
    assert len(coordinator.asked) == 1 and sink.calls[-1] == "end"
    assert run.status() == INTERRUPTED
    assert earlier(RunFolder(str(tmp_path)), 0, task().search) is None


def test_an_unfinished_task_is_not_marked_as_finished(tmp_path: Path) -> None:
    loop(tmp_path, _Coordinator(stats(schedules=3))).run([task()])
    assert earlier(RunFolder(str(tmp_path)), 0, task().search) is None


def test_a_fault_is_reported_and_raised_after_its_answer(tmp_path: Path) -> None:
    sink = _Recorder()
    run = loop(tmp_path, _Coordinator(StoreError("no room"), stats()), sink)
    with pytest.raises(StoreError, match="no room"):
        run.run([task(), task("pr-84046")])
    assert sink.calls == ["begin 2", "add ledger", "end"]
    assert sink.endings[0].fault == "no room"


def test_a_usage_error_of_a_search_gives_no_answer(tmp_path: Path) -> None:
    sink = _Recorder()
    with pytest.raises(UsageError):
        loop(tmp_path, _Coordinator(UsageError("no such fence")), sink).run([task()])
    assert sink.calls == ["begin 1", "end"]


def test_a_write_fault_makes_the_run_inconclusive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faults = WriteFaults()
    run = loop(tmp_path, _Coordinator(stats()), faults=faults)
    run.run([task()])
    faults.note(StoreError("first"))
    faults.note(StoreError("second"))
    assert run.status() == INCONCLUSIVE
    assert capsys.readouterr().err == "first\n"


def test_the_first_task_is_asked_even_without_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator, sink = _Coordinator(stats(), stats()), _Recorder()
    run = loop(tmp_path, coordinator, sink)
    monkeypatch.setattr(TimeBudget, "over", True)
    run.run([task(), task("pr-84046")])
    assert [search.fence for search in coordinator.asked] == ["ledger"]
    left = sink.answers[1].summary
    assert (left.schedules, left.stopped, left.explorers) == (0, "time limit", 0)
    assert run.status() == INCONCLUSIVE


def test_a_sink_that_fails_still_lets_the_answer_count(tmp_path: Path) -> None:
    class Closed(Exception):
        """Standard output is closed."""

    class Fails(Sink):
        def add(self, answer: Answer) -> Answer:
            raise Closed

    sink = _Recorder()
    run = loop(tmp_path, _Coordinator(stats(violation="crash")), Fails(), sink)
    with pytest.raises(Closed):
        run.run([task()])
    assert sink.endings[0].outcome == "not as expected"
