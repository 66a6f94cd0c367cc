"""Search longer where the table of OpenClaw's versions says that nothing was found.

    python -m tests.released.deepen                 # 300 schedules, all scenarios
    python -m tests.released.deepen --scenarios reclaim-race,contention

Of the fences that had the same histories in a scenario, one is asked for more schedules. The result is
noted in the cells of all of them, as ``deeper``. Where it shows a violation, each of them is asked for as
many, and its cell replaced. A pair that is there already is not asked again, so it may be interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from tests.released.stored_witnesses import load
from tests.released.verdict_table import RESULTS, asked_of, keep, known_cells, one_a_core

__all__ = ["alike", "main"]

Cell = dict[str, Any]


def main() -> None:
    """Ask the groups that are not known yet, each core one at a time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=300)
    parser.add_argument("--scenarios", default="", help="names with commas; all without")
    asked = parser.parse_args()
    names = set(asked.scenarios.split(",")) if asked.scenarios else set()
    places = {(cell["scenario"], cell["fence"]): cell for cell in known_cells()}
    order = list(places)
    witnesses = load(RESULTS)
    for scenario in dict.fromkeys(name for name, _ in order):
        if names and scenario not in names:
            continue
        cells = [cell for (name, _), cell in places.items() if name == scenario]
        groups = alike(cells, asked.schedules)
        if not groups:
            continue
        new = _all_deeper(groups, asked.schedules, witnesses)
        places |= {(cell["scenario"], cell["fence"]): cell for cell in new}
        keep([places[place] for place in order], witnesses)
        shown = sorted({kind for cell in new for kind in cell["violations"]})
        print(f"{scenario}: {len(groups)} groups, {', '.join(shown) or 'nothing found'}", flush=True)


def alike(cells: Sequence[Cell], schedules: int) -> list[list[Cell]]:
    """Return a scenario's cells that found nothing in fewer schedules, grouped by their histories."""
    groups: dict[tuple[int, str], list[Cell]] = {}
    for cell in cells:
        searched = max(cell["schedules"], cell.get("deeper", {}).get("schedules", 0))
        if not cell["violations"] and searched < schedules:
            groups.setdefault((cell["schedules"], cell["histories"]), []).append(cell)
    return list(groups.values())


def _all_deeper(groups: Sequence[Sequence[Cell]], schedules: int, witnesses: dict[str, bytes]) -> list[Cell]:
    new: list[Cell] = []
    one_a_core(lambda group: new.extend(_deeper(group, schedules, witnesses)), groups)
    return new


def _deeper(group: Sequence[Cell], schedules: int, witnesses: dict[str, bytes]) -> list[Cell]:
    first = group[0]
    place = first["command"].split(" scenarios/")[1].split(".yaml")[0]
    (found,) = asked_of(place, [first["fence"]], schedules, witnesses, shrink=False)
    if not found["violations"]:
        facts = {key: found[key] for key in ("fence", "schedules", "histories", "inconclusive")}
        exercised = {"not_exercised": found["not_exercised"]}
        return [{**cell, **exercised, "deeper": facts} for cell in group]
    fences = [cell["fence"] for cell in group[1:]]
    others = asked_of(place, fences, schedules, witnesses, shrink=False) if fences else []
    return [found, *others]


if __name__ == "__main__":
    main()
