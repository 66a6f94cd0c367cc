from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fence import movement
from fence.movement import Movement
from fence.swap import exchange


def _moved(tmp_path: Path, before: bool, after: bool, other_file: bool = False) -> str:
    path, aside = tmp_path / "path", tmp_path / "aside"
    path.write_bytes(b"old")
    aside.write_bytes(b"new")
    with path.open("ab", buffering=0) as file, Movement(str(path)) as watched:
        if before:
            file.write(b"b")
        if other_file:
            os.rename(path, tmp_path / "away")
            path.write_bytes(b"other")
        exchange(str(aside), str(path))
        if after:
            file.write(b"a")
        return watched.which(str(aside))


def test_a_file_that_nobody_changes_shows_itself_after_the_move(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=False) == "after"


def test_a_change_before_the_move_is_seen_after_it(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=True, after=False) == "after"


def test_a_change_after_the_move_was_not_there_when_it_was_moved(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=True) == "before"


def test_changes_on_both_sides_leave_it_open(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=True, after=True) == "neither"


def test_changes_of_a_file_that_was_moved_by_somebody_else_do_not_count(tmp_path: Path) -> None:
    assert _moved(tmp_path, before=False, after=True, other_file=True) == "after"


def test_a_missing_file_and_a_missing_inotify_leave_the_later_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Movement(str(tmp_path / "none")) as watched:
        assert watched.which(str(tmp_path / "none")) == "after"
    monkeypatch.setattr(movement, "_init", None)
    monkeypatch.setattr(movement, "_queues", [])
    assert _moved(tmp_path, before=False, after=True) == "after"


_FORK = """
import os, sys
from pathlib import Path
from tests.fence.test_movement import _moved
here = Path(sys.argv[1])
first = _moved(here, before=False, after=True)
child = os.fork()
if child == 0:
    os._exit(0 if _moved(here, before=True, after=True) == "neither" else 1)
print(first, os.waitpid(child, 0)[1], _moved(here, before=False, after=True))
"""


def test_a_forked_child_has_a_queue_of_its_own(tmp_path: Path) -> None:
    # In a process of its own: nobody should fork with threads around.
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", _FORK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    assert done.stdout.split() == ["before", "0", "before"]


def test_watches_of_several_threads_are_kept_apart(tmp_path: Path) -> None:
    answers: dict[int, set[str]] = {}

    def watch(number: int) -> None:
        directory = tmp_path / str(number)
        directory.mkdir()
        answers[number] = {_moved(directory, number % 2 == 1, True) for _ in range(50)}

    threads = [threading.Thread(target=watch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == {0: {"before"}, 1: {"neither"}, 2: {"before"}, 3: {"neither"}}
