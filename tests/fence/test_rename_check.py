from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fence import rename_check
from fence.atomic_replace import exchange
from fence.rename_check import RenameCheck


def _moved(tmp_path: Path, before: bool, after: bool, other_file: bool = False) -> bool:
    path, aside = tmp_path / "path", tmp_path / "aside"
    path.write_bytes(b"old")
    aside.write_bytes(b"new")
    with path.open("ab", buffering=0) as file, RenameCheck(str(path)) as watched:
        if before:
            file.write(b"b")
        if other_file:
            os.rename(path, tmp_path / "away")
            path.write_bytes(b"other")
        exchange(str(aside), str(path))
        if after:
            file.write(b"a")
        return watched.is_unchanged(str(aside))


def test_an_unchanged_file_is_unchanged_after_the_rename(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=False)


def test_a_change_before_the_rename_does_not_count(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=True, after=False)


@pytest.mark.parametrize("before", [False, True])
def test_a_change_after_the_rename_is_detected(tmp_path: Path, before: bool) -> None:
    assert not _moved(tmp_path, before=before, after=True)


def test_another_file_in_its_place_counts_as_changed(tmp_path: Path) -> None:
    assert not _moved(tmp_path, before=False, after=False, other_file=True)


def test_a_file_made_after_the_watch_began_counts_as_changed(tmp_path: Path) -> None:
    path, aside = tmp_path / "path", tmp_path / "aside"
    aside.write_bytes(b"new")
    with RenameCheck(str(path)) as watched:
        path.write_bytes(b"made meanwhile")
        exchange(str(aside), str(path))
        assert not watched.is_unchanged(str(aside))


def test_a_missing_file_is_unchanged(tmp_path: Path) -> None:
    with RenameCheck(str(tmp_path / "none")) as watched:
        assert watched.is_unchanged(str(tmp_path / "none"))


def test_without_inotify_the_file_counts_as_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rename_check, "_init", None)
    monkeypatch.setattr(rename_check, "_queues", [])
    assert _moved(tmp_path, before=False, after=True)


def test_a_file_without_a_watch_counts_as_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rename_check, "_add", lambda *_: -1)
    assert _moved(tmp_path, before=False, after=True)


def test_without_a_queue_the_file_counts_as_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rename_check, "_queues", [])
    with monkeypatch.context() as patch:
        patch.setattr(rename_check, "_init", lambda flags: -1)
        assert _moved(tmp_path, before=False, after=True)
    # The next check asks for a queue again.
    assert not _moved(tmp_path, before=False, after=True)


def test_a_refused_watch_is_not_taken_for_a_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RenameCheck(str(tmp_path / "none")) as watched:
        assert watched.is_unchanged(str(tmp_path / "none"))
    monkeypatch.setattr(rename_check, "_add", lambda *_: -1)
    assert _moved(tmp_path, before=False, after=True)


def _watches() -> int:
    """Return how many watches this process has."""
    found = [
        path.read_text().count("inotify wd:") for path in Path("/proc/self/fdinfo").iterdir() if path.exists()
    ]
    return sum(found)


def test_no_check_leaves_a_watch_or_a_queue(tmp_path: Path) -> None:
    path = tmp_path / "path"
    _moved(tmp_path, before=True, after=True)
    watches, descriptors = _watches(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        _moved(tmp_path, before=True, after=True)
        with pytest.raises(KeyError), RenameCheck(str(path)):
            assert _watches() == watches + 1
            raise KeyError
    assert (_watches(), len(os.listdir("/proc/self/fd"))) == (watches, descriptors)


def test_a_check_that_has_ended_stays_ended(tmp_path: Path) -> None:
    path, aside = tmp_path / "path", tmp_path / "aside"
    path.write_bytes(b"old")
    with RenameCheck(str(path)) as watched:
        os.rename(path, aside)
        assert watched.is_unchanged(str(aside))
    # Its number may belong to another watch by now.
    path.write_bytes(b"new")
    with RenameCheck(str(path)) as other:
        assert not watched.is_unchanged(str(aside))
        os.rename(path, aside)
        assert other.is_unchanged(str(aside))


def test_a_file_that_was_never_renamed_counts_as_changed(tmp_path: Path) -> None:
    path = tmp_path / "path"
    path.write_bytes(b"old")
    with RenameCheck(str(path)) as watched:
        assert not watched.is_unchanged(str(path))


def test_only_changes_after_the_last_rename_count(tmp_path: Path) -> None:
    path, aside = tmp_path / "path", tmp_path / "aside"
    path.write_bytes(b"old")
    with path.open("ab", buffering=0) as file, RenameCheck(str(path)) as watched:
        os.rename(path, aside)
        file.write(b"between two renames")
        os.rename(aside, path)
        assert watched.is_unchanged(str(path))


def test_many_changes_are_all_read(tmp_path: Path) -> None:
    path, aside = tmp_path / "path", tmp_path / "aside"
    path.write_bytes(b"old")
    with path.open("ab", buffering=0) as file, RenameCheck(str(path)) as watched:
        # The kernel merges equal events that follow each other.
        for _ in range(1500):
            os.rename(path, aside)
            file.write(b"x")
            os.rename(aside, path)
        assert watched.is_unchanged(str(path))
        os.rename(path, aside)


_FORK = """
import os, sys
from pathlib import Path
from tests.fence.test_rename_check import _moved
here = Path(sys.argv[1])
first = _moved(here, before=False, after=True)
child = os.fork()
if child == 0:
    os._exit(1 if _moved(here, before=True, after=True) else 0)
print(first, os.waitpid(child, 0)[1], _moved(here, before=False, after=True))
"""


def test_a_forked_child_has_a_queue_of_its_own(tmp_path: Path) -> None:
    # In a separate process, because forking with other threads is unsafe.
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", _FORK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
        env=environment,
    )
    assert done.stdout.split() == ["False", "0", "False"]


def test_watches_of_several_threads_are_kept_apart(tmp_path: Path) -> None:
    answers: dict[int, set[bool]] = {}

    def watch(number: int) -> None:
        directory = tmp_path / str(number)
        directory.mkdir()
        answers[number] = {_moved(directory, True, number % 2 == 1) for _ in range(50)}

    threads = [threading.Thread(target=watch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=600)
    assert answers == {0: {True}, 1: {False}, 2: {True}, 3: {False}}
