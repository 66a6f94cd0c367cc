"""A file system that is really full, or really small: a tmpfs in a mount namespace of the test's own.

A verdict on a fence must not depend on the disk, and findings must be kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.harness_process import (
    ROGUE,
    SCENARIO,
    Harness,
    Running,
    eventually,
    write_fence,
    write_scenario,
)
from tests.acceptance.mount_namespace import Namespace, mount_namespace

pytestmark = [pytest.mark.requires("mounts"), pytest.mark.requires("kernel-gate")]

_MOUNT = 'mount -t tmpfs -o "$1" none "$2"'

RAISES = """\
class Raises(Fence):
    def guarded_write(self, entries):
        raise KeyError("on purpose")


class Waits(Fence):
    calls = 0
    told = False

    def guarded_write(self, entries):
        Waits.calls += 1
        if Waits.calls == 5:
            signal.signal(signal.SIGUSR1, lambda *_: setattr(Waits, "told", True))
            ctypes.CDLL(None).prctl(15, b"waiting")
            while not Waits.told:
                pass
        super().guarded_write(entries)
"""


class SmallDisk:
    """Make a tmpfs that processes of one mount namespace see.

    Args:
        path: where it is mounted.
        namespace: in which it is.
    """

    def __init__(self, path: Path, namespace: Namespace) -> None:
        self.path = path
        self.within = namespace.within
        # Seen from outside; the harness inside sees it at `path`.
        self.outside = namespace.outside(path)

    def fill(self) -> None:
        """Write until there is no more room."""
        with contextlib.suppress(OSError), open(self.outside / "ballast", "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def clear(self) -> None:
        """Make room again."""
        (self.outside / "ballast").unlink()


@contextlib.contextmanager
def _small_disk(path: Path, options: str) -> Iterator[SmallDisk]:
    path.mkdir()
    with mount_namespace(_MOUNT, options, str(path)) as namespace:
        yield SmallDisk(path, namespace)


def _expecting_crash(folder: Path, fence: str) -> Path:
    return write_scenario(folder, SCENARIO.replace("expect: {}", f'expect: {{"{fence}": [crash]}}'))


def test_results_that_do_not_fit_are_told_as_inconclusive(harness: Harness, tmp_path: Path) -> None:
    fence = f"{write_fence(tmp_path, RAISES)}:Raises"
    scenario = _expecting_crash(tmp_path, fence)
    # Room for the plan and verdicts, not for a witness.
    with _small_disk(tmp_path / "disk", "size=16k") as disk:
        out = disk.path / "out"
        arguments = (scenario, "--fence", fence, "--schedules", 3, "--out", out)
        ended = harness.run(*arguments, within=disk.within)
        seen = disk.outside / "out"
        assert ended.status == 3
        assert (
            f"cannot be written: {os.strerror(28)}; free some space there or give another --out" in ended.err
        )
        assert ended.err.count("\n") == 1
        assert "crash: runner crashed: KeyError: 'on purpose'" in ended.out
        assert "no witness is stored; seed 1 shows it again in this schedule" in ended.out
        harness.out = seen
        (verdict,) = harness.verdicts()
        assert verdict["violations"] == {"crash": 3}
        assert verdict["first_violation"]["witness"] is None
        assert harness.witnesses() == []
        assert not list(seen.rglob("*.tmp"))


def test_a_full_disk_keeps_earlier_findings(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, RAISES)
    chosen = ("--fence", f"{fences}:Raises", "--fence", f"{fences}:Waits")
    with _small_disk(tmp_path / "disk", "size=400k") as disk:
        harness.out = disk.path / "out"
        scenario = write_scenario(tmp_path)
        arguments = (scenario, *chosen, "--schedules", 10, "--json")
        with harness.start_run(*arguments, within=disk.within) as running:
            _waiting(running)
            disk.fill()
            _go_on(running)
            ended = running.end()
            harness.assert_nothing_left(running)
        assert ended.status == 1  # the crash was not expected, and that is known
        assert ended.err.count("verdicts.jsonl: cannot be written") == 1
        assert [found["schedules"] for found in ended.objects] == [10, 10]
        harness.out = disk.outside / "out"
        assert harness.verdicts() == ended.objects[:1]
        (witness,) = harness.witnesses()
        assert not list(harness.out.rglob("*.tmp"))
        replayed = harness.call(
            "replay", witness, "--allow-programs", "--session-root", harness.session_root, "--json"
        )
        assert (replayed.status, replayed.object["same_history"]) == (0, True)


def test_a_full_results_disk_is_refused_before_anything_runs(harness: Harness, tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk", "size=4k") as disk:
        (disk.outside / "ballast").write_bytes(bytes(4096))
        out = disk.path / "out"
        ended = harness.run(write_scenario(tmp_path), "--fence", "none", "--out", out, within=disk.within)
        assert (ended.status, ended.out) == (2, "")
        assert f"{out}/plan.json: cannot be written: {os.strerror(28)}" in ended.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("size=1m", "1024 kB free, sessions need at least 32 MB"),
        ("size=64m,nr_inodes=100", "more files, sessions need at least 500"),
    ],
    ids=["bytes", "files"],
)
@pytest.mark.parametrize("command", ["run", "replay"])
@pytest.mark.parametrize("way", ["--session-root", "TMPDIR"])
def test_too_little_room_for_sessions_is_refused_with_the_remedy(
    harness: Harness, tmp_path: Path, options: str, words: str, command: str, way: str
) -> None:
    fence = f"{write_fence(tmp_path, RAISES)}:Raises"
    subject = write_scenario(tmp_path)
    if command == "replay":
        assert harness.run(subject, "--fence", fence, "--schedules", 1, "--no-shrink").status == 1
        (subject,) = harness.witnesses()
    with _small_disk(tmp_path / "disk", options) as disk:
        there = ("--allow-programs", *((way, disk.path) if way.startswith("--") else ()))
        environment = {} if way.startswith("--") else {way: str(disk.path)}
        ended = harness.call(command, subject, *there, within=disk.within, environment=environment)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"{disk.path}: ")
    assert words in ended.err
    assert "free some space there or give another --session-root" in ended.err


def test_a_fence_is_not_accused_on_a_full_disk(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, RAISES)
    # Entries of a page and more: none of them fits any more.
    text = SCENARIO + "transcript: {entry_bytes: 5000}\n"
    both = ("--fence", f"{fences}:Waits", "--fence", "none")
    with _small_disk(tmp_path / "disk", "size=40m") as disk:
        there = ("--session-root", disk.path)
        arguments = (write_scenario(tmp_path, text), *both, "--schedules", 2000, "--json", *there)
        with harness.start_run(*arguments, within=disk.within) as running:
            _waiting(running)
            disk.fill()
            _go_on(running)
            ended = running.end()
            harness.assert_nothing_left(running)
        disk.clear()
        assert not list(disk.outside.iterdir())
    assert ended.status == 3
    assert "sessions need at least 32 MB; free some space there or give another --session-root" in ended.err
    # The second question was not asked.
    assert ended.object["violations"] == {}
    assert "sessions need at least" in ended.object["why_inconclusive"]
    assert ended.object["schedules"] < 2000
    assert harness.verdicts() == ended.objects


def test_a_disk_that_reuses_no_number_is_refused_where_needed(harness: Harness, tmp_path: Path) -> None:
    text = SCENARIO + "filesystem: {inode_reuse: real}\n"
    with _small_disk(tmp_path / "disk", "size=64m") as disk:
        there = ("--session-root", disk.path)
        scenario = write_scenario(tmp_path, text)
        ended = harness.run(scenario, "--fence", "none", *there, within=disk.within)
    assert (ended.status, ended.out) == (2, "")
    assert "point --session-root at an ext4 directory" in ended.err
    assert not harness.out.exists()


@pytest.mark.requires("ext4")
def test_a_witness_of_real_numbers_needs_a_disk_with_them(harness: Harness, tmp_path: Path) -> None:
    text = ROGUE + "filesystem: {inode_reuse: real}\n"
    assert (
        harness.run(
            write_scenario(tmp_path, text), "--fence", "none", "--schedules", 40, "--no-shrink"
        ).status
        == 1
    )
    (witness,) = harness.witnesses()
    with _small_disk(tmp_path / "disk", "size=64m") as disk:
        ended = harness.call("replay", witness, "--session-root", disk.path, within=disk.within)
    assert (ended.status, ended.out) == (2, "")
    assert "point --session-root at an ext4 directory" in ended.err


def _waiting(running: Running) -> None:
    eventually(lambda: running.worker_named("waiting") or running.process.poll() is not None)
    assert running.process.poll() is None, running.end()


def _go_on(running: Running) -> None:
    worker = running.worker_named("waiting")
    assert worker is not None
    worker.send_signal(signal.SIGUSR1)
