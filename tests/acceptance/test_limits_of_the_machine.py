"""Few open files, little memory, few processes, a read-only root and stepped clocks.

Each is refused, or ends as inconclusive and says what is short, where, and what to do. The sound
fence is never accused of it, and a run that goes on without the limit says the same as an undisturbed one.
"""

from __future__ import annotations

import bisect
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import (
    ROOT,
    SCENARIO,
    Ended,
    Harness,
    eventually,
    write_fence,
    write_scenario,
)
from tests.acceptance.mount_namespace import Namespace, mount_namespace
from tests.machine_limits import few_files, few_processes, memory_group, shifted_clocks

pytestmark = pytest.mark.requires("kernel-gate")

#: Fields that differ between two runs of the same schedules.
APART = ("wall_s", "steps_per_s", "workers", "peak_bytes", "voided", "explorers")

# `Hungry`, `Starts` and `Threads` do so as long as the file `wait` is beside this one.
FENCES = """\
from fence.ledger import LedgerFence

FLAG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wait")


class Hungry(LedgerFence):
    calls = 0

    def guarded_write(self, entries):
        Hungry.calls += 1
        if Hungry.calls > 20 and os.path.exists(FLAG):
            self.eaten = [bytes([1]) * (1 << 20) for _ in range(300)]
        super().guarded_write(entries)


class HungryRaises(Fence):
    def guarded_write(self, entries):
        if os.path.exists(FLAG):
            self.eaten = [bytes([1]) * (1 << 20) for _ in range(300)]
        raise KeyError("on purpose")


class OpensMany(LedgerFence):
    def guarded_write(self, entries):
        files = [open("/dev/null", "rb") for _ in range(70)]
        super().guarded_write(entries)
        for file in files:
            file.close()


class Starts(LedgerFence):
    def guarded_write(self, entries):
        children = [subprocess.Popen(["sleep", "600"]) for _ in range(30)] if os.path.exists(FLAG) else []
        for child in children:
            child.kill()
            child.wait()
        super().guarded_write(entries)


class Threads(LedgerFence):
    def guarded_write(self, entries):
        end = threading.Event()
        threads = [threading.Thread(target=end.wait) for _ in range(30)] if os.path.exists(FLAG) else []
        try:
            for thread in threads:
                thread.start()
        finally:
            end.set()
        super().guarded_write(entries)


class Raises(Fence):
    def guarded_write(self, entries):
        raise KeyError("on purpose")


class Waits(LedgerFence):
    calls = 0

    def guarded_write(self, entries):
        Waits.calls += 1
        if Waits.calls == 5:
            ctypes.CDLL(None).prctl(15, b"waiting")
            while os.path.exists(FLAG):
                pass
        super().guarded_write(entries)
"""
#: The processes of one scenario, more than there are descriptors for.
_MANY = [f"  - {{role: cron, process: p{number}, name: c{number}}}\n" for number in range(15)]
MANY = SCENARIO.replace("  - role: heartbeat\n    process: other\n", "".join(_MANY))

TOO_FEW = "at most 63 files may be open at a time, at least 64 are needed"
TOO_LITTLE = "the control group may use 60 MiB of memory, at least 96 MiB are needed"
#: Processes that are allowed, until there are enough.
FEW = (1, 2, 3, 5, 8, 13, 21, 34, 50)
#: `run` stands for the others, which start processes in the same way.
COMMANDS = (
    "run",
    *(pytest.param(name, marks=pytest.mark.long) for name in ("resume", "matrix", "replay", "shrink")),
)


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    return write_fence(tmp_path, FENCES)


@pytest.fixture
def subjects(harness: Harness, fences: Path, tmp_path: Path) -> dict[str, list[object]]:
    """Return the arguments of each command, for a run that can be resumed and a witness."""
    scenario, there = write_scenario(tmp_path), ("--session-root", harness.session_root)
    out = ("--out", tmp_path / "elsewhere")
    assert harness.run(scenario, "--fence", f"{fences}:Raises", "--schedules", 2, "--no-shrink").status == 1
    (witness,) = harness.witnesses()
    return {
        "run": ["run", scenario, "--fence", "ledger", *there, *out],
        "resume": ["run", "--resume", harness.out, "--allow-programs", *there],
        "matrix": ["matrix", scenario, "--fences", "ledger,none", *there, *out],
        "replay": ["replay", witness, "--allow-programs", *there],
        "shrink": ["shrink", witness, "--allow-programs", *there, "--out", "/dev/stdout"],
        "doctor": ["doctor", *there],
    }


def _undisturbed(harness: Harness, scenario: Path, fence: str, tmp_path: Path) -> list[dict[str, Any]]:
    ended = harness.run(scenario, "--fence", fence, "--json", "--out", tmp_path / "undisturbed")
    assert ended.status == 0
    return _figures(ended)


def _figures(ended: Ended) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key not in APART} for one in ended.objects]


def _assert_told(ended: Ended, *words: str) -> None:
    """It was refused, or is inconclusive, and says what is short and what to do."""
    assert ended.status in (2, 3), ended
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


def _assert_not_accused(ended: Ended) -> None:
    assert all(one["violations"] == {} for one in ended.objects)


# Open files


def test_sixty_four_open_files_are_enough(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    ended = harness.run(scenario, "--fence", "ledger", "--json", within=few_files(64))
    assert ended.status == 0
    assert _figures(ended) == _undisturbed(harness, scenario, "ledger", tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_fewer_open_files_are_refused(
    harness: Harness, subjects: dict[str, list[object]], command: str
) -> None:
    ended = harness.call(*subjects[command], within=few_files(63))
    assert ended.status == 2
    assert (
        ended.err
        == "at most 63 files may be open at a time, at least 64 are needed; raise the limit (ulimit -n)\n"
    )


def test_doctor_says_which_limit_is_too_small(harness: Harness) -> None:
    ended = harness.call("doctor", "--session-root", harness.session_root, within=few_files(63))
    assert ended.status == 0
    assert (
        "machine limits         at most 63 files may be open at a time, at least 64 are needed; raise"
        in ended.out
    )


def test_more_processes_than_descriptors_are_for_is_told(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, MANY)
    ended = harness.run(scenario, "--fence", "ledger", "--json", within=few_files(64))
    assert ended.status == 3
    _assert_told(ended, "at most 64 files may be open at a time", "raise the limit (ulimit -n)")
    _assert_not_accused(ended)
    resumed = harness.call("run", "--resume", harness.out, "--session-root", harness.session_root, "--json")
    assert resumed.status == 0
    assert _figures(resumed) == _undisturbed(harness, scenario, "ledger", tmp_path)


def test_more_explorers_than_descriptors_are_for_is_told(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.replace("schedules: 20", "schedules: 100"))
    ended = harness.run(scenario, "--fence", "ledger", "--explorers", 60, "--json", within=few_files(64))
    assert ended.status == 3
    _assert_told(ended, "at most 64 files may be open at a time", "use fewer --explorers")


@pytest.mark.parametrize("gate", ["kernel", "free"])
def test_a_fence_short_of_descriptors_is_not_accused(
    harness: Harness, fences: Path, tmp_path: Path, gate: str
) -> None:
    arguments = (write_scenario(tmp_path), "--fence", f"{fences}:OpensMany", "--gate", gate, "--json")
    ended = harness.run(*arguments, within=few_files(64))
    assert ended.status == 3
    _assert_not_accused(ended)
    assert "at most 64 files may be open at a time on this machine" in ended.object["why_inconclusive"]
    assert harness.run(*arguments, within=few_files(200)).status == 0


def test_an_interrupt_ends_a_run_with_few_files(
    harness: Harness, fences: Path, flag: Path, tmp_path: Path
) -> None:
    arguments = (write_scenario(tmp_path), "--fence", f"{fences}:Waits", "--json")
    with harness.start_run(*arguments, within=few_files(64)) as running:
        eventually(lambda: running.worker_named("waiting") or running.process.poll() is not None)
        running.process.send_signal(signal.SIGINT)
        flag.unlink()
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    _assert_not_accused(ended)


# Memory


@pytest.mark.requires("memory-group")
@pytest.mark.parametrize("command", COMMANDS)
def test_too_little_memory_is_refused(
    harness: Harness, subjects: dict[str, list[object]], command: str
) -> None:
    with memory_group(60) as group:
        ended = harness.call(*subjects[command], within=group.within)
    assert ended.status == 2
    assert ended.err.startswith(f"{TOO_LITTLE}; raise ")
    assert str(group.directory / group.limit) in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.requires("memory-group")
def test_doctor_says_that_memory_is_too_small(harness: Harness) -> None:
    with memory_group(60) as group:
        ended = harness.call("doctor", "--session-root", harness.session_root, within=group.within)
    assert ended.status == 0
    assert (
        "machine limits         the control group may use 60 MiB of memory, at least 96 MiB are needed"
        in ended.out
    )


@pytest.mark.requires("memory-group")
def test_two_hundred_megabytes_are_enough(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    with memory_group(200) as group:
        ended = harness.run(scenario, "--fence", "ledger", "--json", within=group.within)
    assert ended.status == 0
    assert _figures(ended) == _undisturbed(harness, scenario, "ledger", tmp_path)


@pytest.mark.requires("memory-group")
@pytest.mark.parametrize("most_mib", [100, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("gate", ["kernel", pytest.param("free", marks=pytest.mark.long)])
def test_memory_that_runs_out_ends_the_run(
    harness: Harness, fences: Path, flag: Path, tmp_path: Path, gate: str, most_mib: int
) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.replace("schedules: 20", "schedules: 60"))
    fence = f"{fences}:Hungry"
    # The second question is not asked: it would end in the same way.
    arguments = (scenario, "--fence", fence, "--fence", "ledger", "--gate", gate, "--json")
    with memory_group(most_mib) as group:
        ended = harness.run(*arguments, within=group.within)
    assert ended.status == 3
    _assert_told(ended, "memory ran out and the kernel killed a process", f"may use {most_mib} MiB; raise ")
    _assert_not_accused(ended)
    assert "memory ran out" in ended.object["why_inconclusive"]
    flag.unlink()
    resumed = harness.call(
        *("run", "--resume", harness.out, "--allow-programs"),
        *("--session-root", harness.session_root, "--json"),
    )
    assert resumed.status == 0
    if gate == "kernel":
        undisturbed = harness.run(*arguments, "--out", tmp_path / "undisturbed")
        assert _figures(resumed) == _figures(undisturbed)


@pytest.mark.requires("memory-group")
@pytest.mark.long
@pytest.mark.parametrize("command", ["matrix", "replay", "shrink"])
def test_memory_that_runs_out_is_told_by_each_command(
    harness: Harness, fences: Path, tmp_path: Path, command: str
) -> None:
    scenario, fence = write_scenario(tmp_path), f"{fences}:HungryRaises"
    there = ("--session-root", harness.session_root)
    assert harness.run(scenario, "--fence", fence, "--schedules", 2, "--no-shrink").status == 1
    (witness,) = harness.witnesses()
    arguments: dict[str, Sequence[object]] = {
        "matrix": (scenario, "--fences", f"{fence},ledger", "--out", tmp_path / "elsewhere"),
        "replay": (witness, "--allow-programs"),
        "shrink": (witness, "--allow-programs", "--out", "/dev/stdout"),
    }
    (tmp_path / "wait").touch()
    with memory_group(100) as group:
        ended = harness.call(command, *arguments[command], *there, within=group.within)
    assert ended.status == 3
    _assert_told(ended, "memory ran out and the kernel killed a process", "may use 100 MiB; raise ")
    assert "crash:" not in ended.out


# Processes


@pytest.mark.requires("process-limit")
@pytest.mark.parametrize("gate", ["kernel", pytest.param("free", marks=pytest.mark.long)])
def test_too_few_processes_are_told(harness: Harness, tmp_path: Path, gate: str) -> None:
    scenario = write_scenario(tmp_path)
    arguments = (scenario, "--fence", "ledger", "--gate", gate, "--json")

    def enough(most: int) -> bool:
        ended = harness.run(*arguments, "--force", within=few_processes(most))
        if ended.status == 0:
            return True
        _assert_told(ended, f"no further process or thread is allowed (this user may have {most}: ulimit -u)")
        _assert_not_accused(ended)
        assert "raise the limit" in ended.err
        return False

    allowed = range(1, 50)
    most = allowed[bisect.bisect_left(allowed, True, key=enough)]
    assert most > 3
    ended = harness.run(*arguments, "--force", within=few_processes(most))
    # One process less, and the run that it left.
    assert harness.run(*arguments, "--force", within=few_processes(most - 1)).status == 3
    resumed = harness.call("run", "--resume", harness.out, "--session-root", harness.session_root, "--json")
    assert resumed.status == 0
    if gate == "kernel":
        assert _figures(resumed) == _figures(ended)
        assert _figures(ended) == _undisturbed(harness, scenario, "ledger", tmp_path)


@pytest.mark.requires("process-limit")
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_tells_that_no_process_is_allowed(
    harness: Harness, subjects: dict[str, list[object]], command: str
) -> None:
    told, again = 0, "--force" if command in ("run", "matrix") else "--json"
    for most in FEW:
        ended = harness.call(*subjects[command], again, within=few_processes(most))
        if ended.status not in (2, 3):
            break
        _assert_told(ended, "cannot be started: no further process or thread is allowed", "raise the limit")
        told += 1
    assert ended.status in (0, 1)
    assert told >= 3


@pytest.mark.requires("process-limit")
def test_doctor_tells_that_no_process_is_allowed(harness: Harness) -> None:
    ended = harness.call("doctor", "--session-root", harness.session_root, within=few_processes(1))
    assert ended.status == 3
    _assert_told(
        ended, "a process that tries the kernel gate cannot be started", "this user may have 1: ulimit -u"
    )


@pytest.mark.requires("process-limit")
@pytest.mark.parametrize("gate", ["kernel", "free"])
@pytest.mark.parametrize("name", ["Starts", "Threads"])
def test_a_fence_that_may_start_nothing_is_not_accused(
    harness: Harness, fences: Path, flag: Path, tmp_path: Path, gate: str, name: str
) -> None:
    arguments = (write_scenario(tmp_path), "--fence", f"{fences}:{name}", "--gate", gate, "--json")
    ended = harness.run(*arguments, "--schedules", 3, within=few_processes(20))
    assert ended.status == 3
    _assert_not_accused(ended)
    assert "this machine allows no further process or thread" in ended.object["why_inconclusive"]


# A read-only root

#: /dev/shm is a file system of the namespace's own, which the others do not see.
_READ_ONLY = """\
mount -t tmpfs -o size=200m none /dev/shm &&
mount -o remount,bind,ro / &&
for one in /tmp /var/tmp "$@"; do
    if mountpoint -q "$one"; then mount -o remount,bind,ro "$one" || exit; fi
done"""


def _read_only(*more: object) -> Any:
    return mount_namespace(_READ_ONLY, *map(str, more))


@pytest.fixture
def read_only() -> Iterator[Namespace]:
    with _read_only("/dev/shm") as namespace:
        yield namespace


@pytest.fixture
def shared_memory() -> Iterator[Namespace]:
    """A namespace in which nothing can be written to but /dev/shm."""
    with _read_only() as namespace:
        yield namespace


@pytest.mark.requires("mounts")
@pytest.mark.parametrize("command", [*COMMANDS, "doctor"])
def test_a_read_only_root_is_refused(
    harness: Harness, subjects: dict[str, list[object]], read_only: Namespace, command: str
) -> None:
    ended = harness.call(*subjects[command], within=read_only.within)
    assert ended.status == 2
    assert f"{harness.session_root}: no " in ended.err
    assert "directory can be made: Read-only file system; give another --session-root" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.requires("mounts")
def test_a_results_folder_that_is_read_only_is_refused(
    harness: Harness, subjects: dict[str, list[object]], shared_memory: Namespace, tmp_path: Path
) -> None:
    arguments = (*subjects["run"], "--session-root", "/dev/shm")
    ended = harness.call(*arguments, within=shared_memory.within)
    assert ended.status == 2
    assert f"{tmp_path / 'elsewhere'}: cannot be made: Read-only file system; give another --out" in ended.err
    small = tmp_path / "small.json"
    arguments = (*subjects["shrink"], "--session-root", "/dev/shm", "--out", small)
    ended = harness.call(*arguments, within=shared_memory.within)
    assert (ended.status, ended.err) == (
        2,
        f"--out {small}: its folder may not be written to; give another\n",
    )


@pytest.mark.requires("mounts")
@pytest.mark.parametrize("gate", ["kernel", "free"])
def test_shared_memory_alone_is_enough(
    harness: Harness, shared_memory: Namespace, tmp_path: Path, gate: str
) -> None:
    scenario, out = write_scenario(tmp_path), Path("/dev/shm/out")
    arguments = ("run", scenario, "--fence", "ledger", "--gate", gate, "--out", out, "--explorers", 1)
    there = () if gate == "kernel" else ("--session-root", "/dev/shm")
    ended = harness.call(*arguments, *there, "--json", within=shared_memory.within)
    assert (ended.status, ended.err) == (0, "")
    eventually(lambda: [one.name for one in shared_memory.outside(Path("/dev/shm")).iterdir()] == ["out"])
    if gate == "kernel":
        assert _figures(ended) == _undisturbed(harness, scenario, "ledger", tmp_path)


@pytest.mark.requires("mounts")
def test_a_witness_is_replayed_in_shared_memory_alone(
    harness: Harness, subjects: dict[str, list[object]], shared_memory: Namespace
) -> None:
    there = ("--session-root", "/dev/shm", "--json")
    replayed = harness.call(*subjects["replay"], *there, within=shared_memory.within)
    assert (replayed.status, replayed.object["same_history"]) == (0, True)
    shrunk = harness.call(*subjects["shrink"], "--session-root", "/dev/shm", within=shared_memory.within)
    assert shrunk.status == 0
    doctor = harness.call("doctor", "--session-root", "/dev/shm", "--json", within=shared_memory.within)
    assert (doctor.status, doctor.object["session_root"]) == (0, "/dev/shm")
    eventually(lambda: not list(shared_memory.outside(Path("/dev/shm")).iterdir()))


@pytest.mark.requires("mounts")
def test_a_read_only_proc_is_told_as_the_kernel_gate_missing(harness: Harness, tmp_path: Path) -> None:
    arguments = (write_scenario(tmp_path), "--fence", "ledger", "--gate", "kernel")
    with mount_namespace("mount -o remount,bind,ro /proc") as namespace:
        ended = harness.run(*arguments, within=namespace.within)
    assert (ended.status, ended.out) == (2, "")
    assert (
        "/proc/self/mem cannot be written to: Read-only file system; mount /proc so that it can" in ended.err
    )


# Clocks


@pytest.mark.requires("time-namespace")
@pytest.mark.parametrize("seconds", [-100, 1_000_000_000])
def test_moved_clocks_change_nothing(harness: Harness, tmp_path: Path, seconds: int) -> None:
    scenario = write_scenario(tmp_path)
    ended = harness.run(scenario, "--fence", "ledger", "--json", within=shifted_clocks(seconds))
    assert ended.status == 0
    assert _figures(ended) == _undisturbed(harness, scenario, "ledger", tmp_path)


def test_a_clock_that_steps_changes_nothing(harness: Harness, tmp_path: Path) -> None:
    """No namespace has a real-time clock of its own: each call of `time.time` is another time of 1970."""
    steps = tmp_path / "sitecustomize.py"
    # A built-in function, which is how the harness knows a clock.
    steps.write_text("import random, time\ntime.time = random.Random(1).random\n")
    scenario = write_scenario(tmp_path)
    path = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    ended = harness.run(scenario, "--fence", "ledger", "--json", environment=path)
    assert ended.status == 0
    assert _figures(ended) == _undisturbed(harness, scenario, "ledger", tmp_path)
