"""Unmodified programs as rogue lanes: each file call a step, and the same history every time."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.explore.explorer import Explorer
from harness.gates.kernel import process_tree
from harness.model.history import History, Return, Step
from harness.scenario import load_data
from harness.strategies import make
from harness.system import reap
from tests.harness.gates.kernel.stage import as_explorer

pytestmark = pytest.mark.requires("kernel-gate")

CORE = min(os.sched_getaffinity(0))
ROGUE = 1
#: Of each of two runs; `STRESS_PROGRAMS=100` takes minutes.
COUNT = int(os.environ.get("STRESS_PROGRAMS", "10"))

_STATIC = r"""
#include <fcntl.h>
#include <unistd.h>
int main(int count, char **words) {
    int fd = open(words[1], O_WRONLY | O_APPEND);
    if (fd < 0 || write(fd, "static\n", 7) != 7) return 1;
    return close(fd);
}
"""


@contextlib.contextmanager
def explorer(root: Path, argv: list[str]) -> Iterator[Explorer]:
    data = {
        "name": "program",
        "about": "A program beside a runner.",
        "source": "made up",
        "policy": "coordinated",
        "lanes": [
            {"role": "runner", "think_steps": [30, 50]},
            # Mostly while the runner thinks.
            {"role": "program", "argv": argv, "delay_steps": 0, "pause_ms": [20, 40]},
        ],
        "expect": {},
    }
    root.mkdir(exist_ok=True)
    with as_explorer(CORE):
        found = Explorer(load_data(data), "ledger", "kernel", str(root))
        try:
            yield found
        finally:
            found.close()


def histories(root: Path, argv: list[str], count: int) -> list[History]:
    picks = make("random")
    with explorer(root, argv) as found:
        return [found.run(found.program(1, index), picks, 1, index)[0] for index in range(count)]


def steps(history: History) -> list[str]:
    """``call path`` of each step of the program."""
    return [
        f"{event.call} {event.path}"
        for event in history.events
        if isinstance(event, Step) and event.lane == ROGUE and event.call != "think"
    ]


def told(history: History) -> str:
    """Return the words of the history about the program's end."""
    return [event.detail for event in history.events if isinstance(event, Return) and event.lane == ROGUE][-1]


def static(folder: Path) -> list[str]:
    (folder / "append.c").write_text(_STATIC)
    subprocess.run(["gcc", "-static", "-o", folder / "append", folder / "append.c"], check=True)
    return [str(folder / "append"), "{transcript}"]


def repository(folder: Path) -> list[str]:
    """A checkout of the transcript from a repository elsewhere, with its index in the session directory."""
    tree, git = folder / "tree", ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    tree.mkdir()
    (tree / "transcript.jsonl").write_text("from the repository\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], cwd=tree, check=True)
    index = "GIT_INDEX_FILE={directory}/index"
    where = [f"--git-dir={tree}/.git", "--work-tree={directory}"]
    return ["env", index, "git", *where, "checkout", "-q", "-f", "HEAD", "--", "transcript.jsonl"]


def other(folder: Path) -> list[str]:
    (folder / "other").write_text("from elsewhere\n")
    return ["rsync", "--inplace", "--ignore-times", str(folder / "other"), "{transcript}"]


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.requires(program)


VIM = ["vim", "-es", "-u", "NONE", "-i", "NONE", "-c", "%s/a/b/e", "-c", "wq", "{transcript}"]
PIPE = ["bash", "-c", "(printf 'x\\n'; printf 'y\\n') | tee -a {transcript}"]
PROGRAMS = [
    pytest.param(["sed", "-i", "s/a/b/", "{transcript}"], "rename tmp1 > T", id="sed -i"),
    pytest.param(["mv", "{transcript}", "{transcript}.old"], "renameat2 T > T.old", id="mv"),
    pytest.param(["cp", "{transcript}", "{transcript}.copy"], "openat T.copy", id="cp"),
    pytest.param(["tee", "-a", "{transcript}"], "openat T", id="tee -a"),
    pytest.param(["truncate", "-s", "10", "{transcript}"], "ftruncate T", id="truncate"),
    pytest.param(PIPE, "write T", id="pipeline"),
    pytest.param(VIM, "write T", id="vim -es", marks=needs("vim")),
    pytest.param(repository, "write T", id="git checkout", marks=needs("git")),
    pytest.param(other, "write T", id="rsync --inplace", marks=needs("rsync")),
    pytest.param(static, "write T", id="static binary", marks=needs("gcc")),
]


@pytest.mark.parametrize(("program", "call"), PROGRAMS)
def test_calls_of_a_program_are_steps_and_the_same_twice(tmp_path: Path, program: object, call: str) -> None:
    argv = program(tmp_path) if callable(program) else program
    once = histories(tmp_path / "once", argv, COUNT)
    again = histories(tmp_path / "again", argv, COUNT)
    assert not {history.events[-1].inconclusive for history in once} - {""}
    # A program that finds its file changed or made again by another may give up.
    done = [history for history in once if call in steps(history) and told(history) == "exit status 0"]
    assert len(done) > COUNT // 2, ({told(history) for history in once}, steps(once[0]))
    for index, (one, other) in enumerate(zip(once, again, strict=True)):
        assert one == other, index
    # Others went in between.
    assert len({history.events for history in once}) > COUNT // 2


def test_the_complaint_and_the_end_of_a_program_are_told(tmp_path: Path) -> None:
    [history] = histories(tmp_path / "one", ["cp", "{directory}/nothing", "{transcript}"], 1)
    assert told(history) == "exit status 1: cp: cannot stat 'nothing': No such file or directory"
    [history] = histories(tmp_path / "two", ["bash", "-c", "kill -9 $$"], 1)
    assert told(history) == "killed by SIGKILL"


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    [history] = histories(tmp_path / "one", ["no-such-program"], 1)
    assert told(history) == "not started: No such file or directory"
    assert not history.events[-1].inconclusive


def test_a_call_that_a_signal_takes_back_costs_no_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listener had announced it, so the worker seemed to have ended; it was waited for, a second."""
    found = []

    def ended(process: Any, patience_s: float) -> bool:
        found.append(reap.ended(process, 0))
        return found[-1]

    monkeypatch.setattr(process_tree, "ended", ended)
    many = "for i in 1 2 3 4 5 6 7 8 9 10; do x=$(pwd); /bin/true; done; echo x >> {transcript}"
    for history in histories(tmp_path, ["bash", "-c", many], COUNT):
        assert told(history) == "exit status 0"
    assert False not in found
