"""The date and random files of an adapter: a child that answers requests over many schedules."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from harness.gates.kernel import adapter_vdso
from harness.lanes.child_services import Service
from harness.model.program import ClockSkew
from tests.harness.gates.kernel.process_groups import serving
from tests.harness.gates.kernel.stage import START_NS, Scripted, Seen, Stage, program_of
from tests.harness.gates.kernel.words import Words

pytestmark = pytest.mark.requires("kernel-gate", "clock of programs")

MS, SECOND = 1_000_000, 1_000_000_000
_kept: dict[str, tuple[subprocess.Popen[bytes], Service]] = {}
#: It answers each line, the name of a function, with what that returns.
_SERVER = """
import ctypes, json, os, select, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)
class Pair(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("rest", ctypes.c_long)]
class Timer(ctypes.Structure):
    _fields_ = [("interval", Pair), ("value", Pair)]
started = time.time_ns()
kept = open("/dev/urandom", "rb", 0)

def in_(milliseconds):
    return Pair(*divmod(time.time_ns() + milliseconds * 1_000_000, 1_000_000_000))

def dates():
    day = Pair()
    libc.gettimeofday(ctypes.byref(day), None)
    asked = [time.clock_gettime_ns(number) for number in (0, 5, 11)]
    return [*asked, time.time_ns(), day.seconds * 10**9 + day.rest * 1000, libc.time(None) * 10**9]

def steady():
    return [time.monotonic_ns(), time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)]

def start():
    return started

def stamp():
    os.utime(sys.argv[1])
    return [time.time_ns() - os.stat(sys.argv[1]).st_mtime_ns]

def birth():
    with open("/proc/self/stat") as file:
        own = int(file.read().rpartition(") ")[2].split()[19])
    return [own, int(subprocess.check_output(["cut", "-d ", "-f22", "/proc/self/stat"]))]

def child():
    return int(subprocess.check_output(["date", "+%s%N"]))

def numbers():
    files = [open("/dev/urandom", "rb", 0), open("/dev/random", "rb", 0), kept]
    drawn = [file.read(6).hex() for file in files]
    with open("/proc/sys/kernel/random/uuid") as file:
        return [*drawn, file.read(), file.read()]

def child_numbers():
    return subprocess.check_output(["head", "-c", "6", "/dev/urandom"]).hex()

def timed(wait):
    date, steady = time.time_ns(), time.monotonic_ns()
    found = wait()
    return [found, (time.time_ns() - date) // 1_000_000, (time.monotonic_ns() - steady) // 1_000_000]

def semaphore():
    lock, end = ctypes.create_string_buffer(64), in_(200)
    before = end.seconds, end.rest
    libc.sem_init(lock, 0, 0)
    def wait():
        libc.sem_timedwait(lock, ctypes.byref(end))
        return ctypes.get_errno() == 110 and time.time_ns() >= before[0] * 10**9 + before[1]
    return timed(wait) + [(end.seconds, end.rest) == before]

def timer():
    fd, times = libc.timerfd_create(0, 0), Timer(Pair(0, 0), in_(200))
    libc.timerfd_settime(fd, 1, ctypes.byref(times), None)
    return timed(lambda: len(select.select([fd], [], [], 600)[0]))

def selects():
    end = time.time() + 0.3
    def wait():
        count = 0
        while time.time() < end:
            select.select([], [], [], 0.1)
            count += 1
        return count
    return timed(wait)

def spins():
    end = time.time() + 3
    def wait():
        while time.time() < end:
            pass
    return timed(wait)

def sleeps():
    return timed(lambda: libc.clock_nanosleep(0, 1, ctypes.byref(in_(1000)), None))

def naps():
    before, date, raw = time.monotonic_ns(), time.time_ns(), time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    time.sleep(3600)
    after = time.time_ns() - date, time.monotonic_ns() - before
    return [*after, time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - raw]

def waits():
    lock, before = threading.Lock(), time.monotonic_ns()
    lock.acquire()
    return [lock.acquire(timeout=0.1), time.monotonic_ns() - before]

def asked():
    found = Pair()
    libc.syscall(228, 1, ctypes.byref(found))
    return abs(found.seconds - time.monotonic()) < 60

def childs_steady():
    before = time.monotonic_ns()
    subprocess.check_call(["sleep", "3600"])
    text = "import time; print(time.monotonic_ns())"
    own = time.monotonic_ns() - before
    return [own, int(subprocess.check_output([sys.executable, "-ISc", text])) - before]

print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(globals()[line.strip()]()), flush=True)
"""


class Asked(Words):
    """Each word is asked of a child, which answers."""

    flows: ClassVar[bool] = True

    @classmethod
    def start_service(cls, transcript: str) -> None:
        child = serving(_SERVER, transcript)
        _kept["child"] = child, Service(child.pid, one_at_a_time=True, flows=cls.flows)

    def __getattr__(self, word: str) -> object:
        def ask() -> str:
            child, service = _kept["child"]
            assert child.stdin is not None and child.stdout is not None
            with service.request():
                child.stdin.write(word.encode() + b"\n")
                return child.stdout.readline().decode().strip()

        if word.startswith("_"):
            raise AttributeError(word)
        return ask


class AskedSlowly(Asked):
    """Without the promise that one thing at a time moves in the child."""

    flows = False


@pytest.fixture(scope="module", params=[Asked, AskedSlowly], ids=["flows", "does not flow"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("adapter"), request.param, ["p", "q"]) as stage:
        yield stage


def play(stage: Stage, *words: str, clock: ClockSkew | None = None, **options: object) -> Seen:
    program = program_of(stage.lanes, [list(words), []], **options)
    lanes = (msgspec.structs.replace(program.lanes[0], clock=clock), *program.lanes[1:])
    seen = stage.play(msgspec.structs.replace(program, lanes=lanes), Scripted())
    assert not seen.end.inconclusive
    return seen


def told(seen: Seen) -> list[Any]:
    """What the words that say something say."""
    return [json.loads(text) for text in seen.said() if text]


def offsets(numbers: list[int]) -> list[int]:
    """How many whole seconds each date is off."""
    return [round((number - START_NS) / SECOND) for number in numbers]


def test_every_clock_of_the_date_shows_virtual_time(stage: Stage) -> None:
    first, second = told(play(stage, "dates", "pause:90000", "dates"))
    assert (offsets(first), offsets(second)) == ([0] * 6, [90] * 6)


def test_an_adapter_has_the_date_of_its_process(stage: Stage) -> None:
    skew = ClockSkew(off_ms=60_000, back_ms=90_000, after_ms=4_000)
    first, second = told(play(stage, "dates", "pause:5000", "dates", clock=skew))
    assert (offsets(first), offsets(second)) == ([60] * 6, [5 - 30] * 6)
    assert offsets(told(play(stage, "dates"))[0]) == [0] * 6


def test_the_date_agrees_with_the_stamps_of_files(stage: Stage) -> None:
    ((age,),) = told(play(stage, "stamp"))
    assert 0 <= age <= 10 * MS


def test_the_other_clocks_stay_the_machines(stage: Stage) -> None:
    before = time.monotonic_ns()
    ((steady, raw),) = told(play(stage, "steady"))
    assert before < steady < time.monotonic_ns()
    assert raw > 0


def test_the_other_clocks_can_be_asked_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where its code begins by what cannot be moved; the filter lets these calls pass."""
    monkeypatch.setattr(adapter_vdso, "movable", lambda _: b"")
    with Stage(tmp_path, Asked, ["p", "q"]) as stage:
        before = time.monotonic_ns()
        dates, (steady, raw) = told(play(stage, "dates", "steady"))
        assert before < steady < time.monotonic_ns() and raw > 0
        assert offsets(dates) == [0] * 6


def test_a_program_of_an_adapter_reads_the_same_date(stage: Stage) -> None:
    first, second = told(play(stage, "child", "pause:90000", "child", clock=ClockSkew(off_ms=60_000)))
    assert offsets([first, second]) == [60, 150]


def test_before_the_first_schedule_the_date_is_fixed(stage: Stage) -> None:
    assert told(play(stage, "start")) == [1_780_000_000 * SECOND]


def test_an_adapter_that_is_started_later_sees_the_same_date(stage: Stage) -> None:
    play(stage, "dates")
    stage.gate._processes.workers["p"].replace_later()
    assert told(play(stage, "start")) == [1_780_000_000 * SECOND]


def test_a_wait_until_a_date_takes_its_time(stage: Stage) -> None:
    """The kernel is told the machine's date, and the program finds its own unchanged."""
    ((over, by_date, by_machine, unchanged),) = told(play(stage, "semaphore"))
    assert over and unchanged
    assert by_date >= 200 and by_machine >= 200


def test_a_timer_that_ends_at_a_date_ends(stage: Stage) -> None:
    ((ready, _, by_machine),) = told(play(stage, "timer"))
    assert ready == 1 and by_machine >= 190


def test_a_loop_that_waits_for_a_date_gets_there(stage: Stage) -> None:
    ((count, by_date, _),) = told(play(stage, "selects"))
    assert (count, by_date) == (3, 300)


def test_a_loop_that_only_reads_the_date_gets_there(stage: Stage) -> None:
    first, second = told(play(stage, "spins", "spins"))
    assert first[1] >= 3000 and second[1] >= 3000


def test_a_sleep_until_a_date_is_virtual(stage: Stage) -> None:
    ((failed, by_date, by_machine),) = told(play(stage, "sleeps"))
    assert (failed, by_date // 10) == (0, 100) and by_machine < 100_000


def test_a_sleep_lasts_as_long_as_it_was_asked_for_by_every_clock(stage: Stage) -> None:
    (naps,) = told(play(stage, "naps"))
    hour = 3600 * SECOND
    assert naps[0] == pytest.approx(hour, abs=20 * MS)
    assert all(hour <= nap < hour + 60 * SECOND for nap in naps[1:])


def test_waits_until_a_time_keep_their_length_after_a_sleep(stage: Stage) -> None:
    _, (had, waited_ns), agree = told(play(stage, "naps", "waits", "asked"))
    assert not had and agree
    assert 100 * MS <= waited_ns < 60 * SECOND


def test_a_sleep_of_a_program_of_an_adapter_counts_for_both(stage: Stage) -> None:
    ((own, later),) = told(play(stage, "childs_steady"))
    assert 3600 * SECOND <= own <= later < 3660 * SECOND


def test_the_date_begins_anew_in_each_schedule(stage: Stage) -> None:
    """Though a loop has made it run ahead in the one before."""
    told(play(stage, "spins"))
    assert offsets(told(play(stage, "dates"))[0]) == [0] * 6


def test_start_times_are_virtual_and_those_of_the_schedule(stage: Stage) -> None:
    words = ("birth", "pause:5000", "birth")
    first = told(play(stage, *words))
    assert first == told(play(stage, *words))
    (own, before), (same, after) = first
    assert own == same < before
    assert after - before == pytest.approx(500, abs=10)


def test_random_files_repeat_in_each_run_alone(stage: Stage) -> None:
    words = ("numbers", "child_numbers", "numbers")
    first, again = (told(play(stage, *words)) for _ in range(2))
    other = told(play(stage, *words, clock_start_ns=START_NS + SECOND))
    assert first == again
    drawn = [
        number
        for said in (first, other)
        for one in said
        for number in (one if isinstance(one, list) else [one])
    ]
    drawn = [number for number in drawn if number]
    assert len(set(drawn)) == len(drawn) == 2 * (4 + 1 + 4)
