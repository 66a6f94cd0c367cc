"""Tables of released software under search: one cell for each scenario and fence, kept in results/.

`lock_table`, `store_table` and `whole_file_table` have the questions; here are the asking and the files.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fence.targets import TARGETS, target_of
from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from harness.results.witness import read

__all__ = ["RESULTS", "ROOT", "Cell", "Table", "fetched", "of_pair", "text_of"]

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"

#: The result of a search of one scenario under one fence, as `run --json` says it, and its witnesses.
Cell = dict[str, Any]


class Table(NamedTuple):
    """A table of scenarios and fences.

    Args:
        name: of its files in results/ and of the folder of its witnesses.
        row: what a fence of it is called.
        head: the first lines of the page.
        paths: of the scenarios by name, from the root; in the order of the table.
        schedules: how many are asked for, unless the command line says.
        cached: returns every fence that can be asked here.
        text: returns what stands in a cell; None is one that was not asked.
    """

    name: str
    row: str
    head: tuple[str, ...]
    paths: Mapping[str, str]
    schedules: int
    cached: Callable[[], list[str]]
    text: Callable[[Cell | None], str]

    def known(self) -> list[Cell]:
        """Return the cells that are there."""
        place = self._cells
        return json.loads(place.read_text())["cells"] if place.exists() else []

    def parser(self, about: str) -> argparse.ArgumentParser:
        """Return the options that every table has."""
        parser = argparse.ArgumentParser(
            description=about, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("--schedules", type=int, default=self.schedules)
        parser.add_argument("--fences", default="")
        parser.add_argument("--scenarios", default=",".join(self.paths))
        return parser

    def fill(
        self, asked: argparse.Namespace, wanted: Callable[[Cell | None, str, str], bool] | None = None
    ) -> None:
        """Ask for the cells that are not there with as many schedules, and write the table after each.

        Args:
            asked: as `parser` reads them.
            wanted: returns whether a scenario and a fence are asked at all, given their cell.
        """
        cells = self.known()
        names = list(self.paths)
        fences = asked.fences.split(",") if asked.fences else self.cached()
        for scenario in asked.scenarios.split(","):
            for fence in fences:
                known = of_pair(cells, scenario, fence)
                if known is not None and known["schedules"] >= asked.schedules:
                    continue
                if wanted is not None and not wanted(known, scenario, fence):
                    continue
                cell = ask(scenario, self.paths[scenario], fence, asked.schedules, RESULTS / self.name)
                cells = [one for one in cells if one is not known] + [cell]
                cells.sort(key=lambda one: (names.index(one["scenario"]), order(one["fence"])))
                self._cells.write_text(json.dumps({"format": 1, "cells": cells}, indent=1) + "\n")
                (RESULTS / f"{self.name}.md").write_text(self.rendered(cells))
                print(scenario, fence, self.text(cell), flush=True)

    def rendered(self, cells: Sequence[Cell]) -> str:
        """Return the page as Markdown: the table, and each violation with its witness.

        Args:
            cells: of one or more scenarios and fences.
        """
        scenarios = [one for one in self.paths if any(cell["scenario"] == one for cell in cells)]
        rows = [
            *self.head,
            "",
            f"| {self.row} | {' | '.join(scenarios)} |",
            f"|---|{'---|' * len(scenarios)}",
        ]
        for fence in sorted({cell["fence"] for cell in cells}, key=order):
            texts = [self.text(of_pair(cells, scenario, fence)) for scenario in scenarios]
            rows.append(f"| {fence} | {' | '.join(texts)} |")
        rows += ["", "## Each violation", "", f"| scenario | {self.row} | | replay |", "|---|---|---|---|"]
        for cell in cells:
            for one in cell["found"].values():
                rows.append(f"| {cell['scenario']} | {cell['fence']} | {one['detail']} | `{one['replay']}` |")
        return "\n".join(rows) + "\n"

    @property
    def _cells(self) -> Path:
        return RESULTS / f"{self.name}.json"


def of_pair(cells: Sequence[Cell], scenario: str, fence: str) -> Cell | None:
    """Return the cell of a scenario and a fence; None where it was not asked."""
    return next((one for one in cells if (one["scenario"], one["fence"]) == (scenario, fence)), None)


def fetched(prefixes: Sequence[str]) -> list[str]:
    """Return every fence in the cache of some targets.

    Args:
        prefixes: of their fences, each the name of a target and an @.
    """
    names = [prefix.rstrip("@") for prefix in prefixes]
    return [fence for name in names for one in target_of(name).fetched() for fence in one.fences]


def text_of(cell: Cell | None, short: Mapping[str, str]) -> str:
    """Return what stands in a cell: in how many of 100 schedules there was a violation of each kind.

    Args:
        cell: None where it was not asked.
        short: what kinds of violation are called; others have their own names.
    """
    if cell is None:
        return ""
    said = [
        f"{short.get(kind, kind.replace('_', ' '))} {100 * count / cell['schedules']:.0f}"
        for kind, count in sorted(cell["violations"].items())
    ]
    if cell["inconclusive"]:
        said.append(f"({cell['inconclusive']} unknown)")
    return ", ".join(said) or ("-" if cell["not_exercised"] else ".")


def ask(scenario: str, path: str, fence: str, schedules: int, folder: Path) -> Cell:
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
