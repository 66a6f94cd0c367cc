"""Findings of the search on released versions of OpenClaw: scenario by version, as measured.

    python -m tests.released.verdict_table --schedules 30 --fences all --scenarios all

writes results/openclaw.json after each scenario, results/openclaw.md from it, and keeps the
witnesses as `tests.released.stored_witnesses` says. A scenario that is there already, with
the same figures asked for, is not asked again.

    python -m tests.released.verdict_table --shrink-stored

asks nothing, and shrinks the witnesses that were kept as they were found (`--no-shrink`).

    python -m tests.released.verdict_table --replay-stored

replays each cell's witnesses on the cell's own version, and tells which do not show the same
history again. Versions under which a scenario's schedules had the same histories share theirs.

    python -m tests.released.verdict_table --store

asks nothing, and keeps the witnesses and the tables anew as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from fence.targets import openclaw
from harness.cli.status import NOT_EXPECTED, OK
from harness.results.witness import decode
from tests.program_table import CATALOGUE
from tests.released.store_table import STORES
from tests.released.stored_witnesses import causes, load, name_of, store

__all__ = ["RESULTS", "asked_of", "keep", "known_cells", "main", "one_a_core", "rendered", "shared"]

RESULTS = Path(__file__).parents[2] / "results"
SHIPPED = RESULTS.parent / "scenarios"
#: A version of each generation, without and with the merge callback.
GENERATIONS = (
    "2026.5.18",
    "2026.5.20",
    "2026.5.22",
    "2026.5.27",
    "2026.6.5",
    "2026.6.6",
    "2026.6.9",
    "2026.6.9+merge",
    "2026.7.35",
    "2026.7.35+merge",
    "2026.7.2-beta.3",
    "2026.7.2-beta.3+merge",
)
#: One for each bug class of the tracker that has a scenario, then rogues.
SCENARIOS = (
    "cotenant-same-process",
    "cotenant-other-process",
    "queued-user-turn",
    "queued-user-turn-as-takeover",
    "runner-own-writer",
    "delivery-mirror",
    "yield-and-announce",
    "control-metadata",
    "compaction-own-append",
    "compaction-in-place",
    "compaction-new-file",
    "migration-in-place",
    "identical-rewrite",
    "metadata-drift",
    "contention",
    "sticky-after-false-alarm",
    "transcript-rotated",
    "transcript-deleted",
    "reclaim-race",
    "second-gateway",
    "external-script",
    "script-in-the-runners-name",
    "laundering-by-own-writer",
    "laundering-by-cotenant",
    "write-before-baseline",
    "takeover-and-cotenant",
    "rogue-zoo",
)
#: Schedules that a dot stands for.
_DEEP = 300
#: The adapter serves the lanes of a process on one transcript.
_NOT_SERVED = ("two-transcripts",)
_SHORT = {
    "false_positive": "fp",
    "missed_takeover": "missed",
    "lost_entry": "lost",
    "double_hold": "double",
    "dead_end": "dead end",
    "crash": "crash",
    "refused_write": "refused write",
    "altered_entry": "altered",
    "false_lock_error": "false lock error",
}


def main() -> None:
    """Ask what is not known yet and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=40)
    parser.add_argument("--fences", default="generations", help="generations, all, or names with commas")
    parser.add_argument("--scenarios", default="bugs", help="bugs, all, or names with commas")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--shrink-stored", action="store_true")
    parser.add_argument("--replay-stored", action="store_true")
    parser.add_argument("--store", action="store_true")
    asked = parser.parse_args()
    cells = known_cells()
    if asked.replay_stored:
        sys.exit(_replay_stored(cells))
    if asked.shrink_stored:
        _shrink_stored(cells)
        return
    if asked.store:
        keep(cells, load(RESULTS))
        return
    fences = {
        "generations": [f"openclaw@{one}" for one in GENERATIONS],
        "all": [name for cut in openclaw.fetched() for name in cut.fences],
    }.get(asked.fences) or asked.fences.split(",")
    scenarios = {"bugs": SCENARIOS, "all": _all()}.get(asked.scenarios) or asked.scenarios.split(",")
    for scenario in scenarios:
        known = {
            cell["fence"]
            for cell in cells
            if cell["scenario"] == Path(scenario).stem and cell["schedules"] >= asked.schedules
        }
        missing = [one for one in fences if one not in known]
        if not missing:
            continue
        found, new = _asked(scenario, missing, asked.schedules, shrink=not asked.no_shrink)
        asked_now = {cell["fence"] for cell in found}
        cells = [
            cell
            for cell in cells
            if cell["scenario"] != Path(scenario).stem or cell["fence"] not in asked_now
        ]
        cells = keep(sorted(cells + found, key=_order), {**load(RESULTS), **new})
        print(f"{scenario}: {len(found)} fences", flush=True)


def _all() -> list[str]:
    """The bug classes, then every other scenario, then those that start programs."""
    files = [path for path in sorted(SHIPPED.rglob("*.yaml")) if path.parent not in (CATALOGUE, STORES)]
    places = [path.relative_to(SHIPPED).with_suffix("") for path in files]
    others = sorted(str(place) for place in places if str(place) not in {*SCENARIOS, *_NOT_SERVED})
    return [*SCENARIOS, *sorted(others, key=lambda name: "/" in name)]


def known_cells() -> list[dict[str, Any]]:
    """Return the cells of the table that is there."""
    place = RESULTS / "openclaw.json"
    return json.loads(place.read_text())["cells"] if place.exists() else []


def keep(cells: Sequence[dict[str, Any]], contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Write witnesses and tables; return the cells with the paths of their witnesses.

    Args:
        cells: in the order of the table, with names or paths of witnesses.
        contents: of all witnesses by name; those that no cell names are left out.
    """
    named = [
        {**cell, "witnesses": {kind: name_of(path) for kind, path in cell["witnesses"].items()}}
        for cell in cells
    ]
    named = shared(named, lambda name: bool(decode(contents[name], name).shrunk_from))
    wanted = {name for cell in named for name in cell["witnesses"].values()}
    kept = {name: contents[name] for name in sorted(wanted)}
    places = store(RESULTS, kept)
    result = [
        {**cell, "witnesses": {kind: places[name] for kind, name in cell["witnesses"].items()}}
        for cell in named
    ]
    text = json.dumps({"format": 1, "cells": result}, indent=1) + "\n"
    (RESULTS / "openclaw.json").write_text(text)
    (RESULTS / "openclaw.md").write_text(f"{rendered(result)}\n{causes(kept)}")
    return result


def shared(cells: Sequence[dict[str, Any]], is_small: Callable[[str], bool]) -> list[dict[str, Any]]:
    """Cells that came to the same histories have the witnesses of the first one of them.

    Args:
        cells: in the order of the versions.
        is_small: whether the witness of a name has been shrunk; such a one is preferred.
    """
    best: dict[tuple[str, str, int, str], str] = {}
    for cell in cells:
        for kind, name in cell["witnesses"].items():
            key = cell["scenario"], cell["histories"], cell["schedules"], kind
            if key not in best or (is_small(name) and not is_small(best[key])):
                best[key] = name
    result = []
    for cell in cells:
        alike = cell["scenario"], cell["histories"], cell["schedules"]
        kept = {kind: best[*alike, kind] for kind in cell["violations"] if (*alike, kind) in best}
        result.append({**cell, "witnesses": kept})
    return result


def _shrink_stored(cells: Sequence[dict[str, Any]]) -> None:
    """Put the smallest story in the place of each witness that is stored as it was found."""
    contents = load(RESULTS)
    with tempfile.TemporaryDirectory() as folder:

        def shrink(name: str) -> None:
            path = Path(folder) / name
            path.write_bytes(contents[name])
            command = [sys.executable, "-m", "harness", "shrink", str(path), "--out", str(path), "--json"]
            command += ["--allow-programs"]
            done = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
            figures = json.loads(done.stdout) if done.stdout else {}
            print(name, figures.get("steps") or done.stderr[-300:], flush=True)
            contents[name] = path.read_bytes()

        try:
            one_a_core(
                shrink, [name for name, data in contents.items() if not decode(data, name).shrunk_from]
            )
        finally:
            keep(cells, contents)


def _replay_stored(cells: Sequence[dict[str, Any]]) -> int:
    """Replay every cell's witnesses on its version; 1 when one does not show the same history, else 0."""
    others: list[str] = []
    pairs = [(cell["fence"], path) for cell in cells for path in cell["witnesses"].values()]

    def replay(pair: tuple[str, str]) -> None:
        fence, path = pair
        command = [sys.executable, "-m", "harness", "replay", path, "--fence", fence, "--json"]
        command += ["--allow-programs"]
        done = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
        result = json.loads(done.stdout) if done.stdout else {}
        if not (result.get("shows") == "as recorded" and result["same_step"] and not result["diverged"]):
            others.append(path)
            print(f"{path} on {fence}: {result or done.stderr[-300:]}", flush=True)

    one_a_core(replay, pairs)
    print(f"{len(pairs) - len(others)} of {len(pairs)} replay to the same history", flush=True)
    return 1 if others else 0


_Thing = TypeVar("_Thing")


def one_a_core(do: Callable[[_Thing], None], things: Iterable[_Thing]) -> None:
    """Do something with each thing, in as many threads as there are cores; the first exception ends it."""
    cores: queue.SimpleQueue[int] = queue.SimpleQueue()
    for core in os.sched_getaffinity(0):
        cores.put(core)

    def stay() -> None:
        # This thread, and so all that it starts.
        os.sched_setaffinity(0, {cores.get()})

    with ThreadPoolExecutor(cores.qsize(), initializer=stay) as pool:
        for _ in pool.map(do, things):
            pass


def _asked(
    scenario: str, fences: list[str], schedules: int, *, shrink: bool
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Run one scenario under some fences, those of a core by one explorer.

    Returns:
        A cell for each fence, and the witnesses by name.
    """
    cells: list[dict[str, Any]] = []
    witnesses: dict[str, bytes] = {}
    count = len(os.sched_getaffinity(0))
    shares = [fences[number::count] for number in range(count)]
    one_a_core(
        lambda share: cells.extend(asked_of(scenario, share, schedules, witnesses, shrink=shrink)),
        [share for share in shares if share],
    )
    return cells, witnesses


def asked_of(
    scenario: str, fences: list[str], schedules: int, witnesses: dict[str, bytes], *, shrink: bool
) -> list[dict[str, Any]]:
    """Run one scenario under some fences by one explorer; return their cells, and add to the witnesses."""
    words = ["run", f"scenarios/{scenario}.yaml", "--schedules", str(schedules), "--seed", "1", "--json"]
    words += [] if shrink else ["--no-shrink"]
    words += ["--allow-programs"] if "/" in scenario else []
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "harness", *words, "--explorers", "1", "--out", f"{out}/run"]
        for fence in fences:
            command += ["--fence", fence]
        done = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
        if done.returncode not in (OK, NOT_EXPECTED) and not done.stdout:
            raise SystemExit(f"{scenario}: status {done.returncode}: {done.stderr[-2000:]}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [_cell(line, Path(out) / "run" / "witnesses", witnesses, words) for line in lines]


def _cell(
    line: dict[str, Any], folder: Path, witnesses: dict[str, bytes], words: list[str]
) -> dict[str, Any]:
    kept = {}
    stem = f"{line['scenario']}.{line['fence'].replace('@', '_').replace('+', '_')}."
    for kind in line["violations"]:
        found = sorted(folder.glob(f"{stem}{kind}*.shrunk.json")) or [
            path
            for path in sorted(folder.glob(f"{stem}{kind}*.json"))
            if not path.name.endswith(".shrunk.json")
        ]
        if found:
            name = f"{line['scenario']}.{line['fence'].removeprefix('openclaw@')}.{kind}.json"
            witnesses[name] = found[0].read_bytes()
            kept[kind] = name
    facts = ("scenario", "fence", "policy", "gate", "strategy", "seed", "schedules", "steps", "verdicts")
    more = ("violations", "stuck", "absorbed", "late", "inconclusive", "why_inconclusive", "histories")
    more += ("not_exercised",)
    return {
        **{key: line[key] for key in facts + more},
        "witnesses": kept,
        "command": " ".join(["python -m harness", *words, "--fence", line["fence"]]),
    }


def _order(cell: dict[str, Any]) -> tuple[int, int]:
    version, plus, _ = cell["fence"].removeprefix("openclaw@").partition("+")
    known = _PLACES.get(cell["scenario"], len(_PLACES))
    return known, openclaw.VERSIONS.index(version) * 2 + bool(plus)


#: By its name a scenario's row in the table.
_PLACES = {Path(name).stem: row for row, name in enumerate(_all())}


def rendered(cells: list[dict[str, Any]]) -> str:
    """The table as Markdown.

    Args:
        cells: of one or more scenarios and fences.
    """
    fences = sorted({cell["fence"] for cell in cells}, key=lambda one: _order({"scenario": "", "fence": one}))
    by_place = {(cell["scenario"], cell["fence"]): cell for cell in cells}
    names = [fence.removeprefix("openclaw@2026.") for fence in fences]
    rows = [
        "# Released versions of OpenClaw under search",
        "",
        "Made by `python -m tests.released.verdict_table --scenarios all --fences all --schedules 30",
        "--no-shrink`, then `--shrink-stored`; the command of each cell, its figures and witnesses are in",
        "openclaw.json. A cell says in how many of 100 schedules the fence was wrong:",
        "*fp*, a lawful write refused; *missed*, a takeover let in; *lost*, *double*, *dead end*, *crash*.",
        "A dot: nothing was found in 300 schedules of this fence, or of one with the same histories in",
        "the first 30 (`python -m tests.released.deepen`). A dot in brackets: in fewer. A dash: nothing",
        "was found, and too little was exercised for a pass. An empty cell was not asked. Policies are",
        "the scenarios'.",
        "Versions with the same histories in a scenario share its witnesses: to see one on another of",
        "them, `python -m harness replay WITNESS --fence openclaw@VERSION`.",
        "",
        f"| scenario | policy | {' | '.join(names)} |",
        f"|---|---|{'---|' * len(names)}",
    ]
    for scenario in dict.fromkeys(cell["scenario"] for cell in cells):
        row = [by_place.get((scenario, fence)) for fence in fences]
        policy = next(cell["policy"] for cell in row if cell is not None)
        rows.append(f"| {scenario} | {policy} | {' | '.join(_text(cell) for cell in row)} |")
    return "\n".join(rows) + "\n"


def _text(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    said = [
        f"{_SHORT.get(kind, kind)} {100 * count / cell['schedules']:.0f}"
        for kind, count in sorted(cell["violations"].items())
    ]
    said += [f"({cell['inconclusive']} unknown)"] if cell["inconclusive"] else []
    deeper = cell.get("deeper", {})
    said += ["-"] if cell.get("not_exercised") and not said else []
    return ", ".join(said) or ("." if max(cell["schedules"], deeper.get("schedules", 0)) >= _DEEP else "(.)")


if __name__ == "__main__":
    main()
