"""A run survives any misdeed of a user's fence: it names it, goes on, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import ROOT, SCENARIO, Ended, Harness, write_fence, write_scenario
from tests.patience import impatient

pytestmark = pytest.mark.requires("kernel-gate")

FENCES = """\
class Raises(Fence):
    def guarded_write(self, entries):
        raise KeyError("on purpose")


class RaisesWhenMade(Fence):
    def __init__(self, site):
        raise ValueError("on purpose")


class ReturnsNothing(Fence):
    def load(self):
        return None


class Interrupts(Fence):
    def guarded_write(self, entries):
        raise KeyboardInterrupt


class CannotSayWhatIsWrong(Fence):
    def guarded_write(self, entries):
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError
        raise Mute


class SaysTooMuch(Fence):
    def guarded_write(self, entries):
        raise RuntimeError("\\udcff\\n\\x1b[2J" + "x" * 100_000)


class Recurses(Fence):
    def guarded_write(self, entries):
        self.guarded_write(entries)


class Exits(Fence):
    def guarded_write(self, entries):
        sys.exit(5)


class ExitsAtOnce(Fence):
    def guarded_write(self, entries):
        os._exit(3)


class KillsItself(Fence):
    def guarded_write(self, entries):
        os.kill(os.getpid(), signal.SIGKILL)


class KillsItsGroup(Fence):
    def guarded_write(self, entries):
        os.kill(0, signal.SIGKILL)


class ExitsInAThread(Fence):
    def guarded_write(self, entries):
        thread = threading.Thread(target=os._exit, args=(7,))
        thread.start()
        thread.join()


class BecomesAnotherProgram(Fence):
    def guarded_write(self, entries):
        os.execvp("sleep", ["sleep", "1000"])


class WantsAllMemory(Fence):
    def guarded_write(self, entries):
        self.kept = []
        while True:
            self.kept.append(bytes(256 << 20))


class WritesWithoutEnd(Fence):
    def guarded_write(self, entries):
        with open(self.path, "ab") as file:
            file.truncate(1 << 40)


class ClosesEverything(Fence):
    def guarded_write(self, entries):
        os.closerange(0, 65536)
        super().guarded_write(entries)


class LeavesChildren(Fence):
    def guarded_write(self, entries):
        for _ in range(5):
            if os.fork() == 0:
                while True:
                    pass
        super().guarded_write(entries)


class KillsItsGroup(Fence):
    def guarded_write(self, entries):
        os.killpg(0, signal.SIGKILL)


class Deadlock(Fence):
    def guarded_write(self, entries):
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()


class EmptyPipe(Fence):
    def guarded_write(self, entries):
        reading, writing = os.pipe()
        os.read(reading, 1)


class NeverReleases(Fence):
    def release(self):
        pass


class Hangs(Fence):
    def guarded_write(self, entries):
        while True:
            pass


class Sleeps(Fence):
    def guarded_write(self, entries):
        time.sleep(10**9)
        super().guarded_write(entries)


class ForksAWriter(Fence):
    def guarded_write(self, entries):
        child = os.fork()
        if child == 0:
            with self.lock:
                append_lines(self.path, entries)
            os._exit(0)
        os.waitpid(child, 0)


class WritesALineOfItsOwn(Fence):
    def guarded_write(self, entries):
        child = os.fork()
        if child == 0:
            append_lines(self.path, [b"{}\\n"])
            os._exit(0)
        os.waitpid(child, 0)
        super().guarded_write(entries)


class AThreadWrites(Fence):
    def guarded_write(self, entries):
        thread = threading.Thread(target=super().guarded_write, args=(entries,))
        thread.start()
        thread.join()


class AThreadIdles(Fence):
    def guarded_write(self, entries):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        super().guarded_write(entries)


class RunsAProgram(Fence):
    def guarded_write(self, entries):
        subprocess.run(["true"], check=True)
        super().guarded_write(entries)


class Prints(Fence):
    print("while it is imported")

    def guarded_write(self, entries):
        print("x" * 100_000)
        print("y" * 100_000, file=sys.stderr)
        os.write(1, b"z" * 70_000)
        super().guarded_write(entries)


class RemembersTooMuch(Fence):
    calls = 0

    def guarded_write(self, entries):
        RemembersTooMuch.calls += 1
        for _ in range(RemembersTooMuch.calls):
            os.stat(self.path)
        super().guarded_write(entries)


class TakesTheFolderAway(Fence):
    def guarded_write(self, entries):
        import shutil
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)
        super().guarded_write(entries)


class MakesFolders(Fence):
    def guarded_write(self, entries):
        inside = os.path.join(os.path.dirname(self.path), "a", "b")
        os.makedirs(inside, exist_ok=True)
        os.chmod(os.path.dirname(inside), 0)
        super().guarded_write(entries)


class Wanders(Fence):
    def guarded_write(self, entries):
        os.chdir("/")
        super().guarded_write(entries)
"""

#: One lane alone: everything that happens is that fence's doing.
ALONE = """\
about: A runner by itself.
source: acceptance test
policy: coordinated
lanes:
  - role: runner
    think_steps: 1
expect: {}
"""


def _run(
    harness: Harness, folder: Path, name: str, schedules: int, text: str = SCENARIO, **more: Any
) -> Ended:
    fences = write_fence(folder, FENCES)
    scenario = write_scenario(folder, text)
    fence = ("--fence", f"{fences}:{name}", "--no-shrink")
    return harness.run(scenario, *fence, "--schedules", schedules, "--json", **more)


def _violations(found: dict[str, Any]) -> dict[str, int]:
    assert (found["inconclusive"], found["why_inconclusive"]) == (0, "")
    violations: dict[str, int] = found["violations"]
    return violations


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Raises", "KeyError: 'on purpose'"),
        ("RaisesWhenMade", "ValueError: on purpose"),
        ("ReturnsNothing", "TypeError"),
        ("Interrupts", ""),
        ("CannotSayWhatIsWrong", ""),
        ("SaysTooMuch", "RuntimeError"),
        ("Recurses", "RecursionError"),
        ("Exits", "SystemExit: 5"),
        ("ExitsAtOnce", "the process ended with status 3"),
        ("ExitsInAThread", "the process ended with status 7"),
    ],
)
def test_a_fence_that_breaks_off_has_crashed(harness: Harness, tmp_path: Path, name: str, words: str) -> None:
    ended = _run(harness, tmp_path, name, 3)
    assert (ended.status, ended.err) == (1, "")
    assert _violations(ended.object) == {"crash": 3}
    (witness,) = harness.witnesses()
    replayed = harness.call("replay", witness, "--allow-programs", "--session-root", harness.session_root)
    assert replayed.status == 0
    assert words in replayed.out
    assert "the same history, step by step" in replayed.out
    assert "\x1b" not in replayed.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("WantsAllMemory", ("at most 1024 MiB of data", "keep less in memory", "MemoryError")),
        ("WritesWithoutEnd", ("at most 8 MiB", "write less", "File too large")),
    ],
)
def test_a_fence_that_meets_a_limit_of_the_harness_is_not_accused(
    harness: Harness, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    ended = _run(harness, tmp_path, name, 3)
    assert ended.status == 3
    assert (ended.object["inconclusive"], ended.object["violations"]) == (3, {})
    for word in words:
        assert word in ended.object["why_inconclusive"]


@pytest.mark.parametrize("name", ["KillsItself", "KillsItsGroup"])
def test_a_fence_that_kills_its_own_process_has_crashed(harness: Harness, tmp_path: Path, name: str) -> None:
    """Its group is its own: the explorer goes on."""
    ended = _run(harness, tmp_path, name, 3)
    assert ended.status == 1
    assert ended.object["inconclusive"] == 0
    assert ended.object["violations"] == {"crash": 3}


@pytest.mark.parametrize("name", ["Deadlock", "EmptyPipe", "NeverReleases"])
def test_a_fence_that_waits_in_vain_is_a_dead_end(harness: Harness, tmp_path: Path, name: str) -> None:
    ended = _run(harness, tmp_path, name, 3)
    assert ended.status == 1
    assert _violations(ended.object) == {"dead_end": 3}


def test_a_fence_that_hangs_at_once_is_given_up(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "Hangs", 20, environment=impatient())
    assert ended.status == 3
    # A schedule that comes to no decision does not hang.
    assert 1 <= ended.object["schedules"] < 20
    assert "did not stop for" in ended.object["why_inconclusive"]


def test_a_fence_that_sleeps_long_costs_no_time(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "Sleeps", 3, ALONE)
    assert ended.status == 0
    assert _violations(ended.object) == {}


def test_writes_of_a_lanes_child_are_the_lanes_own(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "ForksAWriter", 3)
    assert (ended.status, ended.err) == (0, "")
    assert (ended.object["inconclusive"], ended.object["violations"]) == (0, {})


def test_an_unlocked_line_of_a_lanes_child_is_the_lanes_own(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "WritesALineOfItsOwn", 3)
    assert (ended.status, ended.err) == (1, "")
    assert set(ended.object["violations"]) == {"double_hold"}


def test_a_write_by_a_thread_without_a_lane_is_inconclusive(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "AThreadWrites", 3)
    assert ended.status == 3
    assert ended.object["inconclusive"] == 3
    assert ended.object["violations"] == {}
    assert "touched the session directory" in ended.object["why_inconclusive"]


@pytest.mark.parametrize("name", ["AThreadIdles", "Prints", "Wanders", "ClosesEverything"])
def test_a_fence_that_touches_no_transcript_there_is_not_accused(
    harness: Harness, tmp_path: Path, name: str
) -> None:
    ended = _run(harness, tmp_path, name, 3)
    assert (ended.status, ended.err) == (0, "")
    assert _violations(ended.object) == {}


@pytest.mark.parametrize("name", ["BecomesAnotherProgram", "LeavesChildren", "KillsItsGroup"])
def test_processes_that_a_fence_starts_or_kills_leave_nothing(
    harness: Harness, tmp_path: Path, name: str
) -> None:
    ended = _run(harness, tmp_path, name, 2, environment=impatient())
    assert ended.status in (0, 1, 3), ended
    assert set(ended.object["violations"]) <= {"crash"}


def test_a_fence_that_runs_a_program_is_never_accused(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "RunsAProgram", 3, ALONE)
    assert ended.status in (0, 3), ended
    assert ended.object["violations"] == {}


def test_state_that_outlives_a_schedule_is_noticed(harness: Harness, tmp_path: Path) -> None:
    ended = _run(harness, tmp_path, "RemembersTooMuch", 3)
    assert ended.status == 3
    assert "run twice, it differs" in ended.object["why_inconclusive"]


@pytest.mark.parametrize("name", ["TakesTheFolderAway", "MakesFolders"])
def test_a_fence_that_rearranges_the_session_directory_breaks_nothing(
    harness: Harness, tmp_path: Path, name: str
) -> None:
    ended = _run(harness, tmp_path, name, 3)
    assert ended.status in (0, 1, 3), ended
    assert ended.object["schedules"] == 3


def test_a_fence_is_found_by_a_relative_path(harness: Harness, tmp_path: Path) -> None:
    write_fence(tmp_path, "class Mine(Fence):\n    pass\n", "mine.py")
    relative = os.path.relpath(tmp_path / "mine.py", ROOT)
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{relative}:Mine", "--schedules", "3", "--json")
    assert ended.status == 0, ended.err
    assert ended.object["schedules"] == 3
