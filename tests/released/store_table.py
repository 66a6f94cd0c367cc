"""Asks released session stores about the scenarios of stores, and writes results/stores.md and .json.

    python -m tests.released.store_table      # what is not there yet, of all that is in the cache
    python -m tests.released.store_table --scenarios two-terminals --fences oh-my-pi@18.2.3

Cells that are there already with at least as many schedules are kept, so that it may be interrupted. A
witness of each violation, shrunk, goes to results/stores/.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from fence.targets import target_of
from tests.released.lock_table import RESULTS, ROOT, ask, order
from tests.released.lock_table import STORES as NAMES

__all__ = ["RESULTS", "ROOT", "SCENARIOS", "STORES", "main", "rendered"]

STORES = ROOT / "scenarios" / "stores"
#: In the order of the table.
SCENARIOS = (
    "one-terminal",
    "two-terminals",
    "terminal-and-heartbeat",
    "not-there-yet",
    "older-format",
    "killed-in-its-append",
    "edited-by-hand",
)
_SHORT = {
    "invariant": "rule",
    "lost_entry": "lost",
    "altered_entry": "altered",
    "missed_takeover": "let in",
    "false_positive": "refused",
}


def main() -> None:
    """Ask what is not known yet and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=40)
    parser.add_argument("--fences", default="")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    asked = parser.parse_args()
    fences = asked.fences.split(",") if asked.fences else _cached()
    place = RESULTS / "stores.json"
    cells: list[dict[str, Any]] = json.loads(place.read_text())["cells"] if place.exists() else []
    for scenario in asked.scenarios.split(","):
        for fence in fences:
            here = [one for one in cells if (one["scenario"], one["fence"]) == (scenario, fence)]
            if any(one["schedules"] >= asked.schedules for one in here):
                continue
            path = str((STORES / f"{scenario}.yaml").relative_to(ROOT))
            cell = ask(scenario, path, fence, asked.schedules, RESULTS / "stores")
            cells = [one for one in cells if one not in here] + [cell]
            cells.sort(key=lambda one: (SCENARIOS.index(one["scenario"]), order(one["fence"])))
            place.write_text(json.dumps({"format": 1, "cells": cells}, indent=1) + "\n")
            (RESULTS / "stores.md").write_text(rendered(cells))
            print(scenario, fence, _text(cell), flush=True)


def _cached() -> list[str]:
    """Every fence of every session store in the cache."""
    names = [name.rstrip("@") for name in NAMES]
    return [fence for name in names for one in target_of(name).fetched() for fence in one.fences]


def rendered(cells: Sequence[dict[str, Any]]) -> str:
    """The table as Markdown, and each violation with its witness.

    Args:
        cells: of one or more scenarios and fences.
    """
    fences = sorted({cell["fence"] for cell in cells}, key=order)
    scenarios = [one for one in SCENARIOS if any(cell["scenario"] == one for cell in cells)]
    by_place = {(cell["scenario"], cell["fence"]): cell for cell in cells}
    rows = [
        "# Released session stores under search",
        "",
        "Made by `python -m tests.released.store_table`; the command of each cell and its figures are in",
        "stores.json. A cell says in how many of 100 schedules something was wrong: *rule*, a step of a",
        "terminal broke a rule of the format (an id twice, a second header, a parent that is missing or has",
        "a child already, a line that is no JSON); *lost*, a line that was acknowledged is not there;",
        "*crash*, the store raised an error that is not documented; *let in*, the terminal went on over a",
        "user's edit. A dot: nothing was found; empty: not asked. Why each violation is true is in",
        "docs/stores.md.",
        "",
        f"| store | {' | '.join(scenarios)} |",
        f"|---|{'---|' * len(scenarios)}",
    ]
    for fence in fences:
        rows.append(f"| {fence} | {' | '.join(_text(by_place.get((one, fence))) for one in scenarios)} |")
    rows += ["", "## Each violation", "", "| scenario | store | | replay |", "|---|---|---|---|"]
    for cell in cells:
        for one in cell["found"].values():
            rows.append(f"| {cell['scenario']} | {cell['fence']} | {one['detail']} | `{one['replay']}` |")
    return "\n".join(rows) + "\n"


def _text(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    said = [
        f"{_SHORT.get(kind, kind.replace('_', ' '))} {100 * count / cell['schedules']:.0f}"
        for kind, count in sorted(cell["violations"].items())
    ]
    if cell["inconclusive"]:
        said.append(f"({cell['inconclusive']} unknown)")
    return ", ".join(said) or ("-" if cell["not_exercised"] else ".")


if __name__ == "__main__":
    main()
