"""Programs that make directories: monitors whose lock is a folder, and git."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.explore.explorer import Explorer
from harness.model.history import History, Return, Step
from harness.scenario import load_data
from harness.strategies import make
from tests.harness.gates.kernel.stage import as_explorer
from tests.harness.gates.kernel.test_programs import CORE

pytestmark = pytest.mark.requires("kernel-gate")

#: Each writes its line unless it is there, while it has the lock.
_WRITE = (
    'grep -q mine {transcript} || { sleep 0.03; echo \'{"id":"mine"}\' >> {transcript}; }; '
    "rmdir {directory}/mon.lock"
)
#: Each lock that is there counts as a dead monitor's, and both may move it away.
BROKEN = (
    "until mkdir {directory}/mon.lock 2>/dev/null; do "
    "mv {directory}/mon.lock {directory}/mon.stale.$$ && rm -rf {directory}/mon.stale.$$; done; " + _WRITE
)
#: It waits until the lock is given up.
SOUND = "until mkdir {directory}/mon.lock 2>/dev/null; do sleep 0.01; done; " + _WRITE
GIT = (
    "cd {directory} && git init -q . && git add transcript.jsonl && "
    "git -c user.name=a -c user.email=a@b commit -qm x && git rev-parse HEAD >> {transcript}"
)


def histories(root: Path, script: str, count: int, lanes: int = 1) -> list[History]:
    data = {
        "name": "program",
        "about": "Programs beside a runner.",
        "source": "made up",
        "policy": "coordinated",
        "lanes": [
            {"role": "runner", "process": "gateway", "rounds": 1, "think_steps": [30, 60]},
            {
                "role": "program",
                "count": lanes,
                "argv": ["bash", "-c", script],
                "delay_steps": 0,
                "pause_ms": [25, 30],
            },
        ],
        "expect": {},
    }
    root.mkdir()
    picks = make("random")
    with as_explorer(CORE):
        explorer = Explorer(load_data(data), "none", "kernel", str(root))
        try:
            return [explorer.run(explorer.program(1, index), picks, 1, index)[0] for index in range(count)]
        finally:
            explorer.close()


def written_twice(history: History) -> bool:
    return any(content.count(b"mine") > 1 for content in history.blobs.values())


def test_two_monitors_that_move_a_lock_folder_away_write_twice(tmp_path: Path) -> None:
    found = histories(tmp_path / "broken", BROKEN, 20, lanes=2)
    assert not {history.events[-1].inconclusive for history in found} - {""}
    assert any(map(written_twice, found))
    steps = {f"{event.call} {event.path}" for one in found for event in one.events if isinstance(event, Step)}
    assert {"mkdir mon.lock", "rmdir mon.lock"} <= steps


def test_two_monitors_that_wait_for_the_lock_folder_write_once(tmp_path: Path) -> None:
    found = histories(tmp_path / "sound", SOUND, 20, lanes=2)
    assert not {history.events[-1].inconclusive for history in found} - {""}
    assert not any(map(written_twice, found))
    # Some had to wait: each program begins with a sleep, and one sleeps while it has the lock.
    waits = [sum(isinstance(event, Step) and event.call == "sleep" for event in one.events) for one in found]
    assert max(waits) > 3


@pytest.mark.requires("git")
def test_git_commits_beside_a_runner_and_does_the_same_twice(tmp_path: Path) -> None:
    once, again = (histories(tmp_path / name, GIT, 4) for name in ("once", "again"))
    for one, other in zip(once, again, strict=True):
        assert not one.events[-1].inconclusive
        assert one == other
        told = [event.detail for event in one.events if isinstance(event, Return) and event.lane == 1]
        assert told[-1] == "exit status 0"
    # The commit ids that git wrote: the same number in each schedule that committed the same bytes.
    assert all(re.search(rb"^[0-9a-f]{40}$", max(one.blobs.values(), key=len), re.MULTILINE) for one in once)
    paths = {event.path for event in once[0].events if isinstance(event, Step) and event.lane == 1}
    assert {".git", ".git/HEAD", ".git/index.lock > .git/index", ".git/logs/refs"} <= paths
