"""Programs that write their process id make the same history each time for an ordinary user, too."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ordinary_user
from tests.acceptance.harness_process import Harness, write_scenario

pytestmark = [
    pytest.mark.requires("kernel-gate"),
    pytest.mark.requires("pid-namespace of an ordinary user"),
]

HEAD = """\
about: Programs write their process ids.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: [30, 60]}
"""
LANE = "  - {role: program, name: %s, argv: %s, delay_steps: 0, pause_ms: [25, 40]}\n"
TAIL = "schedules: 1\nexpect:\n  ledger: []\n"

SHELL = 'echo "$$ $PPID $(readlink /proc/self)" >> $0; sleep 0.1 & echo $! >> $0; wait'
#: The lock is not the transcript's: it counts only that its payload comes there.
PYTHON = """\
import json, os, sys
lock = sys.argv[1] + ".own.lock"
file = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR)
os.write(file, json.dumps({"pid": os.getpid(), "alive": os.path.exists(f"/proc/{os.getpid()}")}).encode())
open(sys.argv[1], "a").write(open(lock).read() + chr(10))
os.unlink(lock)
"""
NODE = "require('fs').appendFileSync(process.argv[1], `${process.pid} ${process.ppid}\\n`)"


@pytest.fixture
def folder() -> Iterator[Path]:
    with ordinary_user.folder() as folder:
        yield folder


def run_as(become: Callable[[], None], folder: Path, explorers: int, **programs: list[str]) -> dict[str, Any]:
    """Return the result of a run by an ordinary user, as JSON."""
    lanes = "".join(LANE % (name, json.dumps(argv)) for name, argv in programs.items())
    scenario = write_scenario(folder, HEAD + lanes + TAIL, "ids.yaml")
    harness = Harness(folder)
    os.chown(harness.session_root, ordinary_user.USER, -1)
    options = (
        "--allow-programs",
        "--json",
        "--no-shrink",
        "--explorers",
        explorers,
        "--min-schedules",
        1,
        "--strategy",
        "random",
    )
    home = {"HOME": str(folder)}
    ended = harness.run(scenario, *options, before=become, environment=home)
    harness.session_root.rmdir()
    assert ended.status in (0, 3), ended
    return ended.object


@pytest.mark.requires("node")
def test_process_ids_are_the_same_each_time(folder: Path) -> None:
    programs = {
        "shell": ["sh", "-c", SHELL, "{transcript}"],
        "python": [sys.executable, "-c", PYTHON, "{transcript}"],
        "node": ["node", "-e", NODE, "{transcript}"],
    }
    first, second = (run_as(ordinary_user.become, folder, explorers, **programs) for explorers in (1, 2))
    assert first["inconclusive"] == second["inconclusive"] == 0, (first, second)
    assert first["histories"] == second["histories"]


def test_without_namespaces_the_reason_names_difference_and_remedy(folder: Path) -> None:
    shell = ["sh", "-c", "echo $$ >> $0", "{transcript}"]
    found = run_as(ordinary_user.become_one_without_namespaces, folder, 1, shell=shell)
    why = found["why_inconclusive"]
    assert "run twice, it differs" in why and "shell wrote other bytes" in why
    assert "Process ids are the machine's own here and differ: `python -m harness doctor` says why" in why
