"""Clocks of processes and of the file system that are wrong: the times that lanes read, in each way."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import time

import msgspec
import pytest

from harness.model.program import ClockSkew, Filesystem, Program
from tests.harness.gates.kernel.stage import START_NS, Scripted, Seen, Stage, program_of
from tests.harness.gates.kernel.words import Words

pytestmark = pytest.mark.requires("kernel-gate")

MS, SECOND = 1_000_000, 1_000_000_000
_PROGRAM = "import time; print(time.time_ns(), time.monotonic_ns(), time.clock_gettime_ns(time.CLOCK_TAI))"
#: It waits ten seconds between two looks at its clocks.
_WAITING = f"{_PROGRAM}; time.sleep(10); {_PROGRAM}"
_USAGE = """
import os, resource
times, own, children = os.times(), resource.getrusage(0), resource.getrusage(-1)
hundredths = [times.user, times.system, own.ru_utime, own.ru_stime, children.ru_utime]
print(*(int(seconds * 100) for seconds in hundredths), own.ru_maxrss, len(os.sched_getaffinity(0)))
"""


class Dated(Words):
    """Says what it reads in nanoseconds, as JSON."""

    def dates(self) -> str:
        return json.dumps(
            [
                time.time_ns(),
                round(time.time() * 1e9),
                time.clock_gettime_ns(time.CLOCK_REALTIME),
                round(datetime.datetime.now(datetime.UTC).timestamp() * 1e9),
            ]
        )

    def monotonic(self) -> str:
        return json.dumps([time.monotonic_ns(), time.perf_counter_ns(), time.clock_gettime_ns(1)])

    def program(self, text: str = _PROGRAM) -> str:
        done = subprocess.run(["python3", "-c", text], capture_output=True, check=True)
        return json.dumps([int(word) for word in done.stdout.split()])

    def usage(self) -> str:
        return self.program(_USAGE)

    def waiting(self) -> str:
        return self.program(_WAITING)

    def touch(self) -> None:
        os.utime(self.path)

    def touch_at(self) -> None:
        os.utime(self.path, ns=(5 * SECOND, 5 * SECOND))

    def make(self) -> None:
        os.close(os.open(self.path + ".new", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC))

    def append_one(self) -> None:
        with open(self.path, "a", encoding="ascii") as file:
            file.write("x")

    def stamps(self) -> str:
        found = os.stat(self.path)
        return json.dumps([found.st_mtime_ns, found.st_ctime_ns])

    def stamps_of_new(self) -> str:
        found = os.stat(self.path + ".new")
        return json.dumps([found.st_mtime_ns, found.st_ctime_ns])


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("clocks"), Dated, ["p", "q"]) as stage:
        yield stage


def play(
    stage: Stage, words: list[list[str]], *clocks: ClockSkew | None, server: ClockSkew | None = None
) -> Seen:
    words = [*words, *([] for _ in stage.lanes[len(words) :])]
    program: Program = program_of(stage.lanes, words, filesystem=Filesystem(clock=server))
    lanes = tuple(
        msgspec.structs.replace(lane, clock=clock) for lane, clock in zip(program.lanes, clocks, strict=False)
    )
    program = msgspec.structs.replace(program, lanes=(*lanes, *program.lanes[len(lanes) :]))
    return stage.play(program, Scripted())


def told(seen: Seen) -> list[str]:
    """Return the answers of lane 0, without the empty ones."""
    return [text for text in seen.said(0) if text]


def offsets(said: str) -> list[int]:
    """How many whole seconds each reading is off."""
    return [round((number - START_NS) / SECOND) for number in json.loads(said)]


def test_each_process_has_its_own_date_and_the_same_monotonic_time(stage: Stage) -> None:
    words = [["dates", "monotonic"], ["dates", "monotonic"]]
    seen = play(stage, words, ClockSkew(off_ms=600_000), ClockSkew(off_ms=-5_000))
    assert [offsets(text) for text in seen.said(0)] == [[600] * 4, [0] * 3]
    assert [offsets(text) for text in seen.said(1)] == [[-5] * 4, [0] * 3]


def test_the_next_schedule_has_right_clocks_again(stage: Stage) -> None:
    play(stage, [["dates"], ["dates"]], ClockSkew(off_ms=600_000), ClockSkew(off_ms=-5_000))
    seen = play(stage, [["dates"], ["dates"]])
    assert [offsets(seen.said(lane)[0]) for lane in (0, 1)] == [[0] * 4] * 2


def test_a_clock_is_set_back_while_a_lane_looks(stage: Stage) -> None:
    words = [["dates", "pause:100", "dates", "monotonic"]]
    seen = play(stage, words, ClockSkew(back_ms=30_000, after_ms=50))
    before, after, steady = told(seen)
    assert (offsets(before), offsets(after), offsets(steady)) == ([0] * 4, [-30] * 4, [0] * 3)


@pytest.mark.requires("clock of programs")
def test_a_program_has_the_clock_of_its_process(stage: Stage) -> None:
    words = [["program", "pause:5000", "program"]]
    seen = play(stage, words, ClockSkew(off_ms=60_000, back_ms=90_000, after_ms=4_000))
    assert offsets(told(seen)[0]) == [60, 0, 60]
    assert offsets(told(seen)[1]) == [5 - 30, 5, 5 - 30]


@pytest.mark.requires("clock of programs")
def test_a_program_s_processor_time_is_virtual_and_its_own(stage: Stage) -> None:
    seen = play(stage, [["pause:5000", "usage"]])
    assert not seen.end.inconclusive
    (figures,) = told(seen)
    user, system, used, used_by_kernel, by_children, resident_kib, processors = json.loads(figures)
    assert user == used > 0
    assert (system, used_by_kernel, by_children) == (0, 0, 0)
    assert (resident_kib, processors) == (16_384, 1)


def test_a_clock_is_set_back_while_a_program_waits(stage: Stage) -> None:
    seen = play(stage, [["waiting"]], ClockSkew(off_ms=60_000, back_ms=90_000, after_ms=4_000))
    assert offsets(told(seen)[0]) == [60, 0, 60, 10 - 30, 10, 10 - 30]


@pytest.mark.parametrize(
    ("word", "look"), [("touch", "stamps"), ("make", "stamps_of_new"), ("append_one", "stamps")]
)
def test_stamps_come_from_the_clock_of_the_file_system(stage: Stage, word: str, look: str) -> None:
    server = ClockSkew(off_ms=-60_000)
    seen = play(stage, [["stamps", word, look, "dates"]], ClockSkew(off_ms=600_000), server=server)
    laid, found, dates = told(seen)
    assert offsets(laid) == offsets(found) == [-60, -60]
    assert offsets(dates) == [600] * 4


def test_a_time_that_a_process_gives_stays(stage: Stage) -> None:
    seen = play(stage, [["touch_at", "stamps"]], server=ClockSkew(off_ms=-60_000))
    modified, changed = json.loads(told(seen)[0])
    assert modified == 5 * SECOND
    assert round((changed - START_NS) / SECOND) == -60


def test_stamps_go_back_with_the_clock_of_the_file_system(stage: Stage) -> None:
    words = [["append_one", "stamps", "pause:100", "append_one", "stamps"]]
    seen = play(stage, words, server=ClockSkew(back_ms=30_000, after_ms=60))
    first, second = map(json.loads, told(seen))
    assert 29 * SECOND < first[0] - second[0] < 30 * SECOND
    assert 29 * SECOND < first[1] - second[1] < 30 * SECOND


@pytest.mark.requires("clock of programs")
def test_the_same_history_twice(stage: Stage) -> None:
    def once() -> object:
        skew = ClockSkew(off_ms=7, back_ms=30, after_ms=5)
        return play(stage, [["dates", "append_one", "stamps", "program"]], skew, server=skew).events

    assert once() == once()
