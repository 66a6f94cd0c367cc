"""A session root whose lock is free is removed; only processes that are proved to be its own are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.system import session_roots
from harness.system.janitor import SessionRoot, clean
from harness.system.session_roots import MARK, kill_processes, make, stale
from tests.acceptance.harness_process import eventually

_SLEEPS = [sys.executable, "-c", "import time; time.sleep(1000)"]


@contextlib.contextmanager
def process(
    where: Path, *argv: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that sleeps in a directory."""
    running = subprocess.Popen(argv or _SLEEPS, cwd=where, env=environment or {})
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def test_a_root_is_stale_when_its_lock_is_free(tmp_path: Path) -> None:
    root = make(str(tmp_path))
    Path(root.path, "session").mkdir()
    assert list(stale(str(tmp_path))) == []
    assert clean(str(tmp_path)) == ([], [])
    root.close()
    assert [found.path for found in stale(str(tmp_path))] == [root.path]
    assert clean(str(tmp_path)) == ([root.path], [])
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_had_as_long_as_one_of_two_processes_lives(tmp_path: Path) -> None:
    root = make(str(tmp_path))
    running = subprocess.Popen(_SLEEPS, pass_fds=[root.lock])
    try:
        root.close()
        assert list(stale(str(tmp_path))) == []
    finally:
        running.kill()
        running.wait()
    assert len(list(stale(str(tmp_path)))) == 1


@pytest.mark.parametrize("name", ["harness-research", "harness-0123456789abcdef", "harness-test-abcdefgh"])
def test_a_directory_without_a_lock_file_is_not_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "work").mkdir(parents=True)
    assert clean(str(tmp_path)) == ([], [])
    assert (tmp_path / name / "work").is_dir()


@pytest.mark.parametrize("content", ["", "4711\n", "takeover-harness: the lock of a session root\nx y\n"])
def test_a_file_that_is_no_lock_file_proves_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "harness-0123456789abcdef" / "work").mkdir(parents=True)
    (tmp_path / "harness-0123456789abcdef.lock").write_text(content)
    assert clean(str(tmp_path)) == ([], [])
    assert (tmp_path / "harness-0123456789abcdef" / "work").is_dir()
    assert (tmp_path / "harness-0123456789abcdef.lock").read_text() == content


def test_a_lock_file_is_not_followed_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    root = make(str(tmp_path / "elsewhere"))
    root.close()
    (tmp_path / "harness-0123456789abcdef").mkdir()
    (tmp_path / "harness-0123456789abcdef.lock").symlink_to(root.lock_path)
    os.mkfifo(tmp_path / "harness-0123456789abcdee.lock")
    assert clean(str(tmp_path)) == ([], [])
    assert (tmp_path / "harness-0123456789abcdef").is_dir()


def test_another_directory_in_the_place_of_a_root_is_left(tmp_path: Path) -> None:
    root = make(str(tmp_path))
    os.rename(root.path, f"{root.path}.away")
    Path(root.path, "work").mkdir(parents=True)
    root.close()
    assert clean(str(tmp_path)) == ([], [root.path])
    assert Path(root.path, "work").is_dir()


def test_a_root_that_was_not_noted_yet_is_removed_if_it_is_empty(tmp_path: Path) -> None:
    for number in range(2):
        path = tmp_path / f"harness-000000000000000{number}"
        (tmp_path / f"{path.name}.lock").write_bytes(session_roots._MAGIC)
        path.mkdir()
    (tmp_path / "harness-0000000000000001" / "work").mkdir()
    empty, full = (str(tmp_path / f"harness-000000000000000{number}") for number in range(2))
    assert clean(str(tmp_path)) == ([empty], [full])
    assert (tmp_path / "harness-0000000000000001" / "work").is_dir()


def test_a_janitor_that_takes_a_lock_first_does_not_get_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the lock file and locking it another one may take it for left behind."""
    locked, seen = session_roots._locked, []

    def late(lock: int, made: bool = True) -> bool:
        if made and not seen:
            seen.append(os.readlink(f"/proc/self/fd/{lock}"))
            os.unlink(seen[0])
        return locked(lock, made)

    monkeypatch.setattr(session_roots, "_locked", late)
    root = make(str(tmp_path))
    assert root.lock_path != seen[0]
    assert sorted(os.listdir(tmp_path)) == sorted(map(os.path.basename, (root.path, root.lock_path)))
    assert root.clear(0)
    root.close()


def test_a_process_dies_by_its_mark_and_its_children_with_it(tmp_path: Path) -> None:
    sleeps = "import time; time.sleep(1000)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeps!r}], env={{}})"
    with process(Path("/"), sys.executable, "-c", child, environment={MARK: str(tmp_path)}) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        eventually(children.read_text)
        grandchild = psutil.Process(int(children.read_text()))
        assert kill_processes(str(tmp_path)) == 2
        assert running.wait() == -signal.SIGKILL
        eventually(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_users_shell_in_the_root_is_left_alone(tmp_path: Path) -> None:
    """Neither where it is, nor a mark of another root, makes a process ours."""
    with (
        process(tmp_path) as shell,
        process(tmp_path, environment={MARK: f"{tmp_path}x"}) as other,
        process(tmp_path, environment={f"{MARK}S": str(tmp_path)}) as third,
    ):
        assert kill_processes(str(tmp_path)) == 0
        assert [shell.poll(), other.poll(), third.poll()] == [None] * 3


def test_a_root_goes_although_its_janitor_was_killed(tmp_path: Path) -> None:
    root = SessionRoot(str(tmp_path))
    with root as path:
        Path(path, "session").mkdir()
        root._janitor.kill()
        root._janitor.wait()
        assert clean(str(tmp_path)) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_a_janitor_that_is_killed_at_its_start_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, killed = SessionRoot._start_janitor, []

    def kill_the_first(self: SessionRoot, parent: str) -> None:
        start(self, parent)
        if not killed:
            killed.append(self._janitor)
            self._janitor.kill()
            self._janitor.wait()

    monkeypatch.setattr(SessionRoot, "_start_janitor", kill_the_first)
    with SessionRoot(str(tmp_path)) as path:
        assert os.path.isdir(path)
        assert len(killed) == 1
        # The second one removes all that the first may have made.
        eventually(lambda: len(os.listdir(tmp_path)) == 2)
    assert list(tmp_path.iterdir()) == []


def test_the_next_root_removes_the_directories_of_killed_ones(tmp_path: Path) -> None:
    left = make(str(tmp_path))
    Path(left.path, "session").mkdir()
    left.close()
    with SessionRoot(str(tmp_path)):
        eventually(lambda: not os.path.exists(left.lock_path))
        assert not os.path.exists(left.path)
    assert list(tmp_path.iterdir()) == []
