"""Are histories and tallies those of another commit, byte for byte: ``make same-histories BASE=<commit>``.

Both builds run the same schedules: 16 scenarios, 6 fences, 40 schedules each. Each is recorded by
the copy of this file that it holds, so a rename between them needs no table of old names.
Compared are the histories as text and what ``run --json`` prints, without what depends on the
clock, on memory or on the folder of the run.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.explore.explorer import Explorer, ticking
from harness.model.history_text import encode
from harness.scenario import load
from harness.strategies import make
from harness.strategies.portfolio import Portfolio

__all__ = ["unpack"]

SCENARIOS = (
    "quickstart",
    "busy-gateway",
    "coarse-time",
    "compaction-new-file",
    "contention-and-writers",
    "full-disk",
    "holder-killed",
    "laundering-by-cotenant",
    "locks/lock-reclaimed-twice",
    "mmap-store-dirty",
    "programs/sed-in-place",
    "queued-user-turn-other-process",
    "recovery-from-takeover",
    "rogue-zoo",
    "two-containers",
    "wait-interrupted",
)
FENCES = (
    "ledger",
    "none",
    "stat-2026.5.17",
    "pr-84046",
    "pr-84149",
    "exec:node examples/node/stat.mjs",
)
SCHEDULES = 40
SEED = 20261129
#: Fields of ``run --json`` that say what a run cost or where it is kept.
CHANGING = frozenset(
    {"peak_bytes", "seconds", "shrunk", "steps_per_s", "usage", "wall_s", "witness", "workers"}
)


def main() -> int:
    """Compare this tree with another commit, or (``--record``) only record this tree."""
    parser = argparse.ArgumentParser(prog="same-histories", description=__doc__)
    parser.add_argument("--base", metavar="COMMIT")
    parser.add_argument("--record", metavar="DIR", type=Path, help="write what this tree does")
    parser.add_argument("--recorded", metavar="DIR", type=Path, help="compare with an earlier --record")
    arguments = parser.parse_args()
    if arguments.record is not None:
        _record(arguments.record)
        return 0
    if arguments.recorded is not None:
        with tempfile.TemporaryDirectory(prefix="same-histories-") as folder:
            _record(Path(folder))
            return _compare(arguments.recorded, Path(folder))
    if not arguments.base:
        parser.error("name the commit to compare with: make same-histories BASE=<commit>")
    with tempfile.TemporaryDirectory(prefix="same-histories-") as folder:
        base = Path(folder, "base")
        unpack(arguments.base, base)
        if not (base / "tests/same_histories.py").exists():
            parser.error(f"{arguments.base} has no tests/same_histories.py; name a commit that has it")
        for name, tree in (("before", base), ("after", Path.cwd())):
            command = [sys.executable, "-m", "tests.same_histories", "--record", str(Path(folder, name))]
            subprocess.run(command, cwd=tree, check=True)
        return _compare(Path(folder, "before"), Path(folder, "after"))


def unpack(commit: str, folder: Path) -> None:
    """Write the tree of a commit into a folder."""
    archive = subprocess.run(["git", "archive", commit], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def _record(folder: Path) -> None:
    for scenario in SCENARIOS:
        for fence in FENCES:
            into = folder / scenario / hashlib.sha256(fence.encode()).hexdigest()[:8]
            into.mkdir(parents=True)
            for index, text in enumerate(_histories(scenario, fence)):
                (into / f"{index}.jsonl").write_bytes(text)
        (folder / scenario / "tallies.json").write_text(json.dumps(_tallies(scenario), indent=1))


def _histories(scenario: str, fence: str) -> Iterator[bytes]:
    loaded = load(f"scenarios/{scenario}.yaml")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    explorer = Explorer(loaded, fence, "kernel")
    portfolio = make("portfolio")
    assert isinstance(portfolio, Portfolio)
    with ticking():
        try:
            calibration = explorer._calibrate(SEED)
            assert calibration is not None
            for index in range(SCHEDULES):
                program, part = explorer.program(SEED, index), portfolio.part(index)
                if part.uses_forecast:
                    part.set_forecast(calibration.forecast(program))
                yield encode(explorer.run(program, part, SEED, index)[0])
        finally:
            explorer.close()


def _tallies(scenario: str) -> list[object]:
    rows: list[object] = []
    with tempfile.TemporaryDirectory(prefix="same-histories-") as out:
        for number, fence in enumerate(FENCES):
            command = [sys.executable, "-m", "harness", "run", f"scenarios/{scenario}.yaml", "--fence", fence]
            command += [
                "--schedules",
                str(SCHEDULES),
                "--seed",
                str(SEED),
                "--json",
                "--allow-programs",
                "--no-shrink",
                "--explorers",
                "1",
            ]
            command += ["--out", f"{out}/{number}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 1, 3):
                raise SystemExit(f"status {done.returncode} of {command}:\n{done.stderr}")
            rows += [done.returncode, *(_steady(json.loads(line)) for line in done.stdout.splitlines())]
    return rows


def _steady(value: object) -> object:
    if isinstance(value, dict):
        return {name: _steady(part) for name, part in value.items() if name not in CHANGING}
    return [_steady(part) for part in value] if isinstance(value, list) else value


def _compare(before: Path, after: Path) -> int:
    names = {path.relative_to(side) for side in (before, after) for path in side.rglob("*.json*")}
    different = 0
    for name in sorted(names):
        texts = [(side / name).read_bytes() if (side / name).exists() else b"" for side in (before, after)]
        if texts[0] != texts[1]:
            different += 1
            pairs = zip(*(text.splitlines() for text in texts), strict=False)
            at = next(((old, new) for old, new in pairs if old != new), (b"one ends before the other", b""))
            print(f"{name}: {at[0][:300]!r} before, {at[1][:300]!r} now")
    histories = sum(name.suffix == ".jsonl" for name in names)
    print(f"{histories} histories and {len(names) - histories} files of tallies compared, {different} differ")
    return 1 if different or not histories else 0


if __name__ == "__main__":
    sys.exit(main())
