"""Writes of editors and tools to a transcript, and the verdicts of the built-in fences.

    python -m tests.program_table                    # all of scenarios/programs/catalogue, 100 schedules each
    python -m tests.program_table --schedules 20 --only emacs,neovim   # the others stay as they are

Writes results/programs.json and results/programs.md. A program that this machine lacks is named there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fence import FENCES
from harness.explore.explorer import Explorer, ticking
from harness.model.history import End, History, State, Step
from harness.scenario import load, load_data
from harness.scenario.definition import dump
from harness.scenario.exec_program import PYTHON
from harness.strategies import make
from harness.system.janitor import place
from tests.scenarios.probe import is_control

__all__ = ["CATALOGUE", "main", "missing", "rows", "seen"]

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "scenarios" / "programs" / "catalogue"
#: Programs that are not in the catalogue, and why they cannot be run.
_LEFT_OUT = {
    "micro": "2.0.11 computes without end when it is closed, until Go's scheduler, whose clock stands still "
    "meanwhile, takes the processor from it: inconclusive in 5 of 5 schedules",
}
#: Words of a command line that are programs, beside its first one.
_TOOLS = ("nano", "less", "awk", "jq", "sponge", "patch", "rsync", "sqlite3", "dd", "tee", "install", "diff")
_LANE, _OTHER = "program", "other"
_READS = ("read", "pread64", "readv", "mmap", "copy_file_range", "sendfile")
#: Schedules in which another one appends a line meanwhile.
_MEANWHILE = 40
#: An editor does not save what another one has changed meanwhile.
_TRIES = 10
_OWN = ("transcript.jsonl",)
_HEAD = """\
# Editors and tools on a transcript

Made by `python -m tests.program_table`; do not edit. Each program of `scenarios/programs/catalogue` runs
unmodified beside a runner that thinks, so many schedules for each fence, on {system}. *How it saves* is what
its calls did to the file. *A line of others*: another one appended a line after the program had read the
transcript and before it changed it; in so many of these schedules that line was lost, or was kept. An
editor that asks before it writes over a changed file is answered no. A fence's cell has the schedules in
which it let the change in (*missed*) or went wrong otherwise; a dash: nothing of that was found.
"""


def main() -> None:
    """Ask each program of the catalogue, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=100)
    parser.add_argument("--only", default="", help="names with commas; all without")
    asked = parser.parse_args()
    only = set(asked.only.split(",")) if asked.only else set()
    results = ROOT / "results"
    before = json.loads((results / "programs.json").read_text()) if only else []
    found = {row["program"]: row for row in before}
    for path in sorted(CATALOGUE.glob("*.yaml")):
        if not only or path.stem in only:
            found[path.stem] = _row(path, asked.schedules)
            print(path.stem, json.dumps(found[path.stem]), flush=True)
            ordered = [found[name] for name in sorted(found)]
            (results / "programs.json").write_text(json.dumps(ordered, indent=1) + "\n")
            (results / "programs.md").write_text("\n".join(rows(ordered)) + "\n")


def missing(path: Path) -> list[str]:
    """Return the programs of a scenario that this machine lacks."""
    argv = next(lane.argv for lane in load(str(path)).lanes if lane.role == "program")
    words = " ".join(argv).replace("=", " ").split()  # an editor may be named in a variable
    wanted = [argv[0], *(tool for tool in _TOOLS if tool in words)]
    return [name for name in dict.fromkeys(wanted) if name != PYTHON and shutil.which(name) is None]


def seen(path: Path) -> dict[str, Any]:
    """Return the way a program saves, and the files that it leaves beside the transcript."""
    # Where `run` has its sessions: editors save differently below a temporary directory.
    explorer = Explorer(load(str(path)), "none", "kernel", place(None, real=False))
    with ticking():
        try:
            for index in range(_TRIES):
                history, _, _ = explorer.run(explorer.program(1, index), make("random"), 1, index)
                left = sorted(set(os.listdir(explorer._directory)) - set(_OWN))
                if _saves(history):
                    break
        finally:
            explorer.close()
    return {"saves": _saves(history) or "not at all", "leaves": left}


def meanwhile(path: Path) -> dict[str, int]:
    """Return what becomes of a line that another one appends while a program has the transcript open.

    Returns:
        In how many schedules it was ``lost`` and ``kept``; both 0 where it never came in between.
    """
    plain = dump(load(str(path)))
    program = next(lane for lane in plain["lanes"] if lane["role"] == "program")
    other = {"role": "editor", "name": _OTHER, "actions": ["append-user"], "delay_steps": [0, 80]}
    plain["lanes"] = [program | {"pause_ms": 0, "participant": True}, other]
    explorer = Explorer(load_data(plain), "none", "kernel", place(None, real=False))
    found = {"lost": 0, "kept": 0}
    with ticking():
        try:
            for index in range(_MEANWHILE):
                history, _, _ = explorer.run(explorer.program(1, index), make("random"), 1, index)
                if _comes_between(history):
                    final = history.blobs.get(_final(history).content, b"")
                    found["kept" if f'"{_OTHER}-1"'.encode() in final else "lost"] += 1
        finally:
            explorer.close()
    return found


def _comes_between(history: History) -> bool:
    """Return whether the other one's line came after the program's first read and before its first change."""
    names = [lane.name for lane in history.header.lanes]
    program, other, has_read = names.index(_LANE), names.index(_OTHER), False
    for event in history.events:
        if isinstance(event, Step) and event.lane == program:
            has_read |= event.path == "T" and event.call in _READS
            if event.change is not None:
                return False
        elif isinstance(event, Step) and event.lane == other and event.change is not None:
            return has_read
    return False


def _final(history: History) -> State:
    end = history.events[-1]
    assert isinstance(end, End)
    return end.final


def rows(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the document."""
    system = os.uname()
    yield _HEAD.format(system=f"{system.sysname} {system.release.partition('-')[0]}")
    fences = [name for name in FENCES if not is_control(name)]
    yield f"| program | how it saves | leaves | a line of others | schedules | {' | '.join(fences)} | |"
    yield "|" + "---|" * (len(fences) + 6)
    for name, why in _LEFT_OUT.items():
        yield f"| {name} | {'| ' * (len(fences) + 4)}| not in the catalogue: {why} |"
    for row in found:
        if row["missing"]:
            lacks = ", ".join(row["missing"])
            yield f"| {row['program']} | {'| ' * (len(fences) + 4)}| not on this machine: {lacks} |"
            continue
        cells = [_cell(row["fences"].get(name, {})) for name in fences]
        why = dict.fromkeys(one["why"] for one in row["fences"].values() if one["why"])
        leaves = ", ".join(f"`{name}`" for name in row["leaves"]) or "nothing"
        parts = (
            *(row["program"], row["saves"], leaves, _fate(row["others"]), str(row["schedules"])),
            *(*cells, "; ".join(why)),
        )
        yield f"| {' | '.join(parts)} |"


def _row(path: Path, schedules: int) -> dict[str, Any]:
    row: dict[str, Any] = {"program": path.stem, "missing": missing(path), "fences": {}}
    if row["missing"]:
        return row
    row |= seen(path) | {"others": meanwhile(path), "schedules": schedules}
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "harness", "run", str(path), "--allow-programs", "--json"]
        command += ["--no-shrink", "--schedules", str(schedules), "--out", str(Path(out) / "run")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    for one in map(json.loads, done.stdout.splitlines()):
        row["fences"][one["fence"]] = {
            "missed": one["verdicts"]["missed_takeover"],
            "refused": one["verdicts"]["true_positive"],
            "violations": one["violations"],
            "inconclusive": one["inconclusive"],
            "why": one["why_inconclusive"] or "; ".join(one["not_exercised"]),
        }
    return row


def _fate(others: dict[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in others.items() if count) or "-"


def _cell(fence: dict[str, Any]) -> str:
    if not fence:
        return ""
    others = {kind: count for kind, count in fence["violations"].items() if kind != "missed_takeover"}
    parts = [f"missed {fence['missed']}"] if fence["missed"] else []
    parts += [f"{kind} {count}" for kind, count in others.items()]
    parts += [f"inconclusive {fence['inconclusive']}"] if fence["inconclusive"] else []
    return ", ".join(parts) or "-"


def _saves(history: History) -> str:
    """Say in words what the program's calls did to the transcript, in order; empty for nothing."""
    lane = next(at for at, one in enumerate(history.header.lanes) if one.name == _LANE)
    words: list[str] = []
    for event in history.events:
        if isinstance(event, Step) and event.lane == lane and event.change is not None:
            said = _what(history, event.call, event.change.before, event.change.after)
            if not words or words[-1] != said:
                words.append(said)
    return ", ".join(words)


def _what(history: History, call: str, before: State, after: State) -> str:
    if after.file is None:
        return "moves it away" if call.startswith("rename") else "removes it"
    if before.file is None:
        return "makes a new file"
    if before.file != after.file:
        return "renames over it" if call.startswith("rename") else "puts another file in its place"
    old, new = history.blobs.get(before.content, b""), history.blobs.get(after.content, b"")
    if not new:
        return "empties it"
    if new.startswith(old):
        return "appends"
    return "shortens it" if old.startswith(new) else "writes over it"


if __name__ == "__main__":
    main()
