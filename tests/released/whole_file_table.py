"""Asks packages that write whole files about some scenarios, and writes results/whole-file.md and .json.

    python -m tests.released.whole_file_table      # what is not there yet, of all that is in the cache
    python -m tests.released.whole_file_table --scenarios full-disk --fences write-file-atomic@8.0.0

Cells that are there already with at least as many schedules are kept, so that it may be interrupted. A
witness of each violation, shrunk, goes to results/whole-file/.
"""

from __future__ import annotations

import functools

from tests.released.lock_table import WRITERS
from tests.released.tables import Table, fetched, text_of

__all__ = ["TABLE", "main"]

#: In the order of the table, all of `scenarios/`.
SCENARIOS = (
    "busy-gateway",
    "new-file-cut-short",
    "rename-refused",
    "full-disk",
    "compactor-killed",
    "transcript-is-a-link",
)
_SHORT = {"lost_entry": "lost", "altered_entry": "altered", "missed_takeover": "let in"}


def main() -> None:
    """Ask what is not known yet and write the table."""
    TABLE.fill(TABLE.parser(__doc__ or "").parse_args())


TABLE = Table(
    name="whole-file",
    row="package",
    head=(
        "# Packages that write whole files under search",
        "",
        "Made by `python -m tests.released.whole_file_table`; the command of each cell and its figures",
        "are in whole-file.json. Every change is a read of the transcript and a new file over it, by the",
        "package. A cell says in how many of 100 schedules something was wrong: *lost*, a line that was",
        "acknowledged is not there; *altered*, a line has other bytes; *let in*, the runner went on over",
        "a user's edit; *dead end*, a lane waits for a lock that no lane has. A dot: nothing was found;",
        "empty: not asked; a dash: a fault did not strike. `+sync` is the synchronous call; with",
        "`+unlocked` no lane takes a lock. Why each violation is true is in docs/writers.md.",
    ),
    paths={name: f"scenarios/{name}.yaml" for name in SCENARIOS},
    schedules=40,
    cached=functools.partial(fetched, WRITERS),
    text=functools.partial(text_of, short=_SHORT),
)

if __name__ == "__main__":
    main()
