"""Bad files and bad command lines: no traceback, no hang, no growth, nothing written elsewhere.

Case N of a seed is always the same: ``--only KIND:N`` does it alone and shows it.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.cli import checkpoint
from harness.cli.checkpoint import Finished
from harness.cli.run_plan import plan_of
from harness.cli.sink import Task
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import SearchTask
from harness.report.html.page_data import Entry, Example, Finding
from harness.results.search_progress import Progress
from harness.scenario import load
from tests.assault import readers
from tests.assault.command_lines import attempt
from tests.assault.limited import Figures, attack
from tests.assault.mutations import broken_bytes, broken_data, broken_lines

__all__ = ["ABOUT", "add_options", "run"]

ABOUT = "bad scenarios, witnesses, histories, progress, plans, baselines and command lines"
_ROOT = Path(__file__).parents[2]
_KINDS = ("witness", "history", "progress", "plan", "corpus", "baseline")
_SCHEDULES = 40
_FENCE = "stat-2026.5.17"


class _Good(NamedTuple):
    """Files as the harness writes them, by kind, and the task that progress and plan are about."""

    files: dict[str, Sequence[bytes]]
    task: SearchTask


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the sizes."""
    command.add_argument("--scenarios", type=int, default=100_000, metavar="N", help="default: 100000")
    command.add_argument(
        "--files", type=int, default=20_000, metavar="N", help="default: 20000, all kinds together"
    )
    command.add_argument("--command-lines", type=int, default=5_000, metavar="N", help="default: 5000")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    command.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    command.add_argument("--only", metavar="KIND:N", help="one case, whose file is kept")


def run(options: argparse.Namespace) -> bool:
    """Carry out the cases, print the figures, and return whether nothing failed."""
    os.chdir(_ROOT)
    good = _good()
    readers.prepared()
    cases: dict[str, tuple[int, Callable[[int, str], str]]] = {
        "scenario": (options.scenarios, functools.partial(_case, "scenario", good, options.seed))
    }
    for kind in _KINDS:
        cases[kind] = (options.files // len(_KINDS), functools.partial(_case, kind, good, options.seed))
    cases["command line"] = (options.command_lines, functools.partial(attempt, options.seed))
    if options.only:
        kind, _, number = options.only.rpartition(":")
        chosen = cases[kind][1]
        cases = {kind: (1, lambda _, folder: chosen(int(number), folder))}
    whole = [_carry_out(kind, count, case, options) for kind, (count, case) in cases.items() if count]
    return not any(figures.failures for figures in whole)


def _carry_out(
    kind: str, count: int, case: Callable[[int, str], str], options: argparse.Namespace
) -> Figures:
    folder = tempfile.mkdtemp(prefix="assault-")
    began = time.monotonic()
    jobs = 1 if options.only else options.jobs
    figures = attack(count, case, folder, jobs, kind == "command line", lambda _: None)
    outcomes = ", ".join(f"{name} {number}" for name, number in sorted(figures.outcomes.items()))
    slow, peak = figures.slowest_s, figures.peak_kib
    print(
        f"{kind}: {figures.cases} in {time.monotonic() - began:.0f} s: {outcomes}; "
        f"slowest {slow[0]:.2f} s of processor time (case {slow[1]}), "
        f"most memory {peak[0] / 1024:.0f} MB (case {peak[1]}), "
        f"failures {sum(figures.failures.values())}",
        flush=True,
    )
    for text in figures.shown:
        print(text)
    if figures.failures:
        print(f"{kind}: {figures.failures}")
    if figures.failures or options.only:
        print(f"{kind}: files are in {folder}")
    else:
        _remove(folder)
    return figures


def _remove(folder: str) -> None:
    for at, folders, names in os.walk(folder, topdown=False):
        for name in names:
            os.unlink(os.path.join(at, name))
        for name in folders:
            os.rmdir(os.path.join(at, name))
    os.rmdir(folder)


def _good() -> _Good:
    """Return good files of each kind: those of the repository, and those that a small search makes."""
    scenarios = [path.read_bytes() for path in sorted(Path("scenarios").rglob("*.yaml"))]
    witnesses = [path.read_bytes() for path in sorted(Path("results/openclaw").glob("*.json"))]
    histories = [msgspec.json.decode(data)["history"].encode() for data in witnesses]
    found = load("scenarios/quickstart.yaml")
    task = SearchTask(found, _FENCE, "kernel", "portfolio", 1, _SCHEDULES)
    saved: list[bytes] = []
    with Coordinator(1) as coordinator:
        result = coordinator.ask(task, save=lambda progress: saved.append(msgspec.msgpack.encode(progress)))
    findings = tuple(
        Finding(kind, one.schedule_index, 1, True, "detail", "replay", "w.json",
                Example(one.history, one.judgement, one.violation))
        for kind, one in result.stats.first.items()
    )  # fmt: skip
    summary = result.summary()
    finished = Finished(summary, Entry(summary, findings, _SCHEDULES), "story")
    progress = [*saved, msgspec.msgpack.encode(finished)]
    assert isinstance(msgspec.msgpack.decode(saved[0], type=Progress), Progress)
    arguments = argparse.Namespace(
        command="run", resume=None, scenarios=["scenarios/quickstart.yaml"], fence=[_FENCE], gate="kernel",
        strategy="portfolio", schedules=_SCHEDULES, seed=1, argv=["run"], min_schedules="50%",
    )  # fmt: skip
    plans = [msgspec.json.encode(plan_of(arguments, [Task(task, "scenarios/quickstart.yaml", ())]))]
    baselines = [Path("results/bench/baseline.json").read_bytes()]
    files = {
        "scenario": scenarios,
        "witness": witnesses,
        "history": histories,
        "progress": progress,
        "plan": plans,
        "corpus": witnesses,
        "baseline": baselines,
    }
    return _Good(files, task)


def _case(kind: str, good: _Good, seed: int, number: int, folder: str) -> str:
    """Make the file of a case and have it read."""
    rng = random.Random(f"{seed} {kind} {number}")
    files = good.files[kind]
    data, other = rng.choice(files), rng.choice(files)
    if kind == "scenario":
        return readers.scenario(_written(folder, "case.yaml", _broken_scenario(data, other, rng)))
    if kind == "progress":
        os.makedirs(os.path.join(folder, "progress"), exist_ok=True)
        os.makedirs(os.path.join(folder, "witnesses"), exist_ok=True)
        _written(folder, "progress/0.msgpack", _broken_progress(data, other, rng))
        return readers.progress(folder, good.task)
    if kind == "history":
        data = broken_lines(data, rng) if rng.random() < 0.6 else broken_bytes(data, rng, other)
        return readers.history(_written(folder, "case.history.jsonl", data))
    data = _broken_json(data, other, rng)
    if kind == "plan":
        _written(folder, "plan.json", data)
        os.chdir(_ROOT)
        return readers.plan(folder)
    if kind == "corpus":
        os.makedirs(os.path.join(folder, "case.witnesses"), exist_ok=True)
        _written(folder, "case.witnesses/one.json", data)
        return readers.corpus(os.path.join(folder, "case.yaml"))
    read = readers.witness if kind == "witness" else readers.baseline
    return read(_written(folder, "case.json", data))


def _broken_scenario(data: bytes, other: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return broken_bytes(data, rng, other)
    return msgspec.json.encode(broken_data(_plain(data), rng))


@functools.cache
def _plain(data: bytes) -> Any:
    import yaml

    return yaml.safe_load(data)


def _broken_json(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return a JSON file broken in its structure, in its bytes, or in the history that it carries."""
    manner = rng.random()
    if manner < 0.4:
        return broken_bytes(data, rng, other)
    plain = _decoded(data)
    if manner < 0.6 and isinstance(plain, dict) and "history" in plain:
        return _indented({**plain, "history": broken_lines(plain["history"].encode(), rng).decode()})
    return _indented(broken_data(plain, rng))


@functools.lru_cache(64)
def _decoded(data: bytes) -> Any:
    return msgspec.json.decode(data)


def _indented(data: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _broken_progress(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return stored progress that is damaged, or whose digest is right and whose content is not."""
    if rng.random() < 0.2:
        return broken_bytes(checkpoint.sealed(data), rng, checkpoint.sealed(other))
    if rng.random() < 0.2:
        return checkpoint.sealed(broken_bytes(data, rng, other))
    return checkpoint.sealed(
        msgspec.msgpack.encode(broken_data(msgspec.msgpack.decode(data, strict=False), rng))
    )


def _written(folder: str, name: str, data: bytes) -> str:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path
