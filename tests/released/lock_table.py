"""Asks released lock libraries about the scenarios of locks, and writes results/locks.md and .json.

    python -m tests.released.lock_table      # what is not there yet, of all that is in the cache
    python -m tests.released.lock_table --scenarios busy-lock --fences filelock@3.0.0
    python -m tests.released.lock_table --silent --schedules 300  # again, where nothing was found

Cells that are there already with at least as many schedules are kept, so that it may be
interrupted. A witness of each violation, shrunk, goes to results/locks/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fence.targets import TARGETS, target_of
from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from harness.results.witness import read

__all__ = ["ask", "main", "order", "rendered"]

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"
SCENARIOS = {
    "busy-lock": "scenarios/busy-lock.yaml",
    "lock-let-go-while-awaited": "scenarios/locks/lock-let-go-while-awaited.yaml",
    "lock-of-the-dead": "scenarios/locks/lock-of-the-dead.yaml",
    "lock-of-a-stalled-holder": "scenarios/locks/lock-of-a-stalled-holder.yaml",
    "lock-reclaimed-twice": "scenarios/locks/lock-reclaimed-twice.yaml",
    "killed-holder-two-waiters": "scenarios/killed-holder-two-waiters.yaml",
}
#: Of OpenClaw, whose lock changed once: it robs live holders that overstay, and then reports them.
OPENCLAW = ("openclaw@2026.5.18", "openclaw@2026.7.35")
#: Session stores, which have a table of their own.
STORES = ("pi-coding-agent@", "oh-my-pi@")
#: Schedules that a dot stands for.
_DEEP = 300
_STOLEN = "was robbed of it"
_SHORT = {
    "double_hold": "double",
    "dead_end": "dead end",
    "missed_takeover": "unlocked write",
    "lost_entry": "lost",
    "false_lock_error": "early time-out",
}


def main() -> None:
    """Ask what is not known yet and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=60)
    parser.add_argument("--fences", default="")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--silent", action="store_true", help="only cells that found nothing")
    asked = parser.parse_args()
    fences = asked.fences.split(",") if asked.fences else _cached()
    place = RESULTS / "locks.json"
    cells: list[dict[str, Any]] = json.loads(place.read_text())["cells"] if place.exists() else []
    for scenario in asked.scenarios.split(","):
        for fence in fences:
            if _is_known(cells, scenario, fence, asked.schedules) or not _is_apt(scenario, fence):
                continue
            if asked.silent and not _is_silent(cells, scenario, fence):
                continue
            cell = ask(scenario, SCENARIOS[scenario], fence, asked.schedules, RESULTS / "locks")
            cells = [one for one in cells if (one["scenario"], one["fence"]) != (scenario, fence)] + [cell]
            cells.sort(key=lambda one: (list(SCENARIOS).index(one["scenario"]), order(one["fence"])))
            place.write_text(json.dumps({"format": 1, "cells": cells}, indent=1) + "\n")
            (RESULTS / "locks.md").write_text(rendered(cells))
            print(scenario, fence, _text(cell), flush=True)


def _cached() -> list[str]:
    """Every fence of every library in the cache, and those of OpenClaw that are."""
    found = [fence for name in TARGETS for one in target_of(name).fetched() for fence in one.fences]
    found = [fence for fence in found if not fence.startswith(STORES)]
    return [fence for fence in found if not fence.startswith("openclaw@") or fence in OPENCLAW]


def _is_known(cells: Sequence[dict[str, Any]], scenario: str, fence: str, schedules: int) -> bool:
    return any(
        (one["scenario"], one["fence"]) == (scenario, fence) and one["schedules"] >= schedules
        for one in cells
    )


def _is_silent(cells: Sequence[dict[str, Any]], scenario: str, fence: str) -> bool:
    """Return whether a pair was asked and found nothing of the lock."""
    return any(
        (one["scenario"], one["fence"]) == (scenario, fence)
        and not set(one["violations"]) - {"false_positive"}
        for one in cells
    )


def _is_apt(scenario: str, fence: str) -> bool:
    """No lane dies in the adapter of OpenClaw, and only some locks grow old."""
    name = fence.partition("@")[0]
    if scenario == "lock-reclaimed-twice":
        return name in ("openclaw", "proper-lockfile", "lockfile", "cross-process-lock") or "+short" in fence
    return not (name == "openclaw" and scenario == "lock-of-the-dead")


def ask(scenario: str, path: str, fence: str, schedules: int, folder: Path) -> dict[str, Any]:
    """Run one scenario under one fence; return its cell.

    Args:
        scenario: its name.
        path: of its file, from the root.
        fence: to ask.
        schedules: how many.
        folder: for the witnesses.
    """
    words = ["run", path, "--fence", fence, "--schedules", str(schedules), "--seed", "1"]
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "harness", *words, "--json", "--out", f"{out}/run"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (OK, NOT_EXPECTED, INCONCLUSIVE):
            raise SystemExit(f"{scenario}, {fence}: status {done.returncode}: {done.stderr[-2000:]}")
        line = json.loads(done.stdout.splitlines()[0])
        kept = _kept(scenario, fence, line["violations"], Path(out) / "run" / "witnesses", folder)
    facts = ("scenario", "fence", "policy", "gate", "strategy", "seed", "schedules", "steps", "verdicts")
    more = ("violations", "inconclusive", "why_inconclusive", "histories", "not_exercised")
    return {
        **{key: line[key] for key in facts + more},
        "found": kept,
        "command": " ".join(["python -m harness", *words]),
    }


def _kept(
    scenario: str, fence: str, kinds: Sequence[str], witnesses: Path, folder: Path
) -> dict[str, dict[str, str]]:
    """By kind of violation: its witness, put among the results, and what it tells."""
    found = {}
    for kind in kinds:
        if kind == "false_positive":
            continue
        stem = f"{scenario}.{fence.replace('@', '_').replace('+', '_')}.{kind}"
        files = sorted(witnesses.glob(f"{stem}*.shrunk.json")) or sorted(witnesses.glob(f"{stem}*.json"))
        if not files:
            continue
        place = folder / f"{scenario}.{fence}.{kind}.json"
        place.parent.mkdir(exist_ok=True)
        shutil.copy(files[0], place)
        name = str(place.relative_to(ROOT))
        found[kind] = {
            "witness": name,
            "detail": read(str(place)).claim.detail,
            "replay": f"python -m harness replay {name}",
        }
    return found


def order(fence: str) -> tuple[int, list[int], str]:
    """Return the place of a fence in a table: by library, version and variant."""
    name, _, rest = fence.partition("@")
    version, _, variant = rest.partition("+")
    numbers = [int(part) if part.isdigit() else 0 for part in version.split(".")]
    return list(TARGETS).index(name), numbers, variant


def rendered(cells: list[dict[str, Any]]) -> str:
    """The table as Markdown, and each violation with its witness.

    Args:
        cells: of one or more scenarios and fences.
    """
    fences = sorted({cell["fence"] for cell in cells}, key=order)
    scenarios = [one for one in SCENARIOS if any(cell["scenario"] == one for cell in cells)]
    by_place = {(cell["scenario"], cell["fence"]): cell for cell in cells}
    rows = [
        "# Released locks under search",
        "",
        "Made by `python -m tests.released.lock_table`; the command of each cell and its figures are in",
        "locks.json. A cell says in how many of 100 schedules the lock was wrong: *double*, two held it;",
        "*stolen*, one of them had been robbed while it lived and went on writing; *dead end*, the lock",
        "stayed and nobody can ever have it; *unlocked write*, the robbed one wrote while another trusted",
        "it; *early time-out*, a lane was told that its time was over when it was not. A dot: nothing was",
        "found in 300 schedules; in brackets, in fewer; a dash: nothing was found, and too little was",
        "exercised for a pass. Why each violation is true is in docs/locks.md.",
        "",
        f"| lock | {' | '.join(scenarios)} |",
        f"|---|{'---|' * len(scenarios)}",
    ]
    for fence in fences:
        rows.append(f"| {fence} | {' | '.join(_text(by_place.get((one, fence))) for one in scenarios)} |")
    rows += ["", "## Each violation", "", "| scenario | lock | | replay |", "|---|---|---|---|"]
    for cell in cells:
        for kind, one in cell["found"].items():
            if kind == "false_positive":
                continue
            rows.append(f"| {cell['scenario']} | {cell['fence']} | {one['detail']} | `{one['replay']}` |")
    return "\n".join(rows) + "\n"


def _text(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    said = []
    for kind, count in sorted(cell["violations"].items()):
        if kind == "false_positive":
            # Of the fence that OpenClaw has above its lock.
            continue
        stolen = kind == "double_hold" and _STOLEN in cell["found"].get(kind, {}).get("detail", "")
        said.append(f"{'stolen' if stolen else _SHORT.get(kind, kind)} {100 * count / cell['schedules']:.0f}")
    said += [f"({cell['inconclusive']} unknown)"] if cell["inconclusive"] else []
    said += ["-"] if cell.get("not_exercised") and not said else []
    return ", ".join(said) or ("." if cell["schedules"] >= _DEEP else "(.)")


if __name__ == "__main__":
    main()
