"""Compares the costs of a step and a schedule with an older build's: ``make versus-base BASE=<commit>``.

Both builds run the same schedules of the same files, those of the older one, in turns on one processor. All
figures are processor time, of the harness and all that it started. A run of few schedules and one of many
give a step: the difference of their times over the difference of their steps, so that no start is in it.
Printed and written is the newer build's figure over the older one's: the median of all rounds with its
quartiles, and the quotient of the two best, which load on the machine moves least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.same_histories import unpack

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "bench" / "versus-base.json"
#: By name of a row: scenario, fence, and the two numbers of schedules.
STEPS = {
    "step of quickstart, ledger": ("quickstart", "ledger", 20, 220),
    "step of contention, ledger": ("contention", "ledger", 20, 120),
    "step of quickstart, stat.mjs": ("quickstart", "exec:node examples/node/stat.mjs", 20, 120),
}
_OWN = ": explorer's own user time"
_FOLDER = "the whole folder, ledger"
_POLL_S = 0.005
_SEED = 20261129


class Cost(NamedTuple):
    """The costs of one run.

    Attributes:
        cpu_s: processor time of all processes.
        own_s: user time of the explorer alone.
        steps: of all schedules.
        histories: digest of all histories.
    """

    cpu_s: float
    own_s: float
    steps: int
    histories: tuple[str, ...]


def main() -> int:
    """Measure both builds, print the quotients and write them to results/bench/versus-base.json."""
    parser = argparse.ArgumentParser(prog="versus-base", description=__doc__)
    parser.add_argument("--base", metavar="COMMIT", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder-schedules", type=int, default=10, metavar="N", help="0: leave that row out")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    with tempfile.TemporaryDirectory(prefix="versus-base-") as folder:
        base = Path(folder, "base")
        unpack(arguments.base, base)
        rows: dict[str, list[tuple[float, float]]] = {}
        differing: set[str] = set()
        for _ in range(arguments.rounds):
            for name, (scenario, fence, few, many) in STEPS.items():
                file = str(base / "scenarios" / f"{scenario}.yaml")
                old, new = (_step(tree, file, fence, few, many) for tree in (base, ROOT))
                rows.setdefault(name, []).append((old.cpu_s, new.cpu_s))
                rows.setdefault(name + _OWN, []).append((old.own_s, new.own_s))
                if old.histories != new.histories:
                    differing.add(name)
        if arguments.folder_schedules:
            for _ in range(max(1, arguments.rounds // 3)):
                many = arguments.folder_schedules
                old, new = (_run(tree, [str(base / "scenarios")], "ledger", many) for tree in (base, ROOT))
                rows.setdefault(_FOLDER, []).append((old.cpu_s, new.cpu_s))
    found = {name: _quotients(pairs) for name, pairs in rows.items()}
    for name, row in found.items():
        spread = f"{row['median']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        print(f"{name:55} {row['best']:.3f} of the best, {spread}")
    print("histories: " + (f"others in {', '.join(sorted(differing))}" if differing else "the same"))
    written = {"base": arguments.base, "rounds": arguments.rounds, "rows": found, "differ": sorted(differing)}
    RESULT.write_text(json.dumps(written, indent=1) + "\n")
    return 1 if differing else 0


def _step(tree: Path, file: str, fence: str, few: int, many: int) -> Cost:
    """Return what a step costs, in seconds."""
    short, long = (_run(tree, [file], fence, schedules) for schedules in (few, many))
    steps = long.steps - short.steps
    return Cost((long.cpu_s - short.cpu_s) / steps, (long.own_s - short.own_s) / steps, steps, long.histories)


def _run(tree: Path, files: Sequence[str], fence: str, schedules: int) -> Cost:
    command = [sys.executable, "-m", "harness", "run", *files, "--fence", fence, "--seed", str(_SEED)]
    command += ["--schedules", str(schedules), "--explorers", "1", "--no-shrink", "--json"]
    with tempfile.TemporaryDirectory(prefix="versus-base-") as out, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, "--out", f"{out}/run"],
            cwd=tree,
            env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            stdout=said,
            stderr=subprocess.DEVNULL,
        )
        own_s = _own_time(process)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"status {process.returncode} of {' '.join(command)} in {tree}")
        said.seek(0)
        results: list[Any] = [json.loads(line) for line in said]
    steps = sum(one["steps"] for one in results)
    return Cost(used.ru_utime + used.ru_stime, own_s, steps, tuple(one["histories"] for one in results))


def _own_time(harness: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a run, and return the user time that its explorer had when it was last seen."""
    explorer: psutil.Process | None = None
    seen = 0.0
    while not os.waitid(os.P_PID, harness.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        try:
            explorer = explorer or _explorer(harness.pid)
            if explorer is not None:
                seen = max(seen, explorer.cpu_times().user)
        except psutil.Error:
            pass
        time.sleep(_POLL_S)
    return seen


def _explorer(harness: int) -> psutil.Process | None:
    for child in psutil.Process(harness).children():
        # The janitor has `-I`; only explorers are given a program by `-c`.
        if "-c" in child.cmdline()[1:3]:
            return child
    return None


def _quotients(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    each = sorted(new / old for old, new in pairs)
    low, median, high = statistics.quantiles(each, n=4) if len(each) > 1 else each * 3
    best = min(new for _, new in pairs) / min(old for old, _ in pairs)
    return {
        name: round(value, 3)
        for name, value in zip(("best", "median", "low", "high"), (best, median, low, high), strict=True)
    }


if __name__ == "__main__":
    sys.exit(main())
