"""Asks released session stores about the scenarios of stores, and writes results/stores.md and .json.

    python -m tests.released.store_table      # what is not there yet, of all that is in the cache
    python -m tests.released.store_table --scenarios two-terminals --fences oh-my-pi@18.2.3

Cells that are there already with at least as many schedules are kept, so that it may be interrupted. A
witness of each violation, shrunk, goes to results/stores/.
"""

from __future__ import annotations

import functools

from tests.released.lock_table import STORES as NAMES
from tests.released.tables import ROOT, Table, fetched, text_of

__all__ = ["STORES", "TABLE", "main"]

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
    TABLE.fill(TABLE.parser(__doc__ or "").parse_args())


TABLE = Table(
    name="stores",
    row="store",
    head=(
        "# Released session stores under search",
        "",
        "Made by `python -m tests.released.store_table`; the command of each cell and its figures are in",
        "stores.json. A cell says in how many of 100 schedules something was wrong: *rule*, a step of a",
        "terminal broke a rule of the format (an id twice, a second header, a parent that is missing or has",
        "a child already, a line that is no JSON); *lost*, a line that was acknowledged is not there;",
        "*crash*, the store raised an error that is not documented; *let in*, the terminal went on over a",
        "user's edit. A dot: nothing was found; empty: not asked. Why each violation is true is in",
        "docs/stores.md.",
    ),
    paths={name: str((STORES / f"{name}.yaml").relative_to(ROOT)) for name in SCENARIOS},
    schedules=40,
    cached=functools.partial(fetched, NAMES),
    text=functools.partial(text_of, short=_SHORT),
)

if __name__ == "__main__":
    main()
