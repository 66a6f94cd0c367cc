"""Asks released lock libraries about the scenarios of locks, and writes results/locks.md and .json.

    python -m tests.released.lock_table      # what is not there yet, of all that is in the cache
    python -m tests.released.lock_table --scenarios busy-lock --fences filelock@3.0.0
    python -m tests.released.lock_table --silent --schedules 300  # again, where nothing was found

Cells that are there already with at least as many schedules are kept, so that it may be
interrupted. A witness of each violation, shrunk, goes to results/locks/.
"""

from __future__ import annotations

from fence.targets import TARGETS, target_of
from tests.released.tables import Cell, Table

__all__ = ["OPENCLAW", "STORES", "TABLE", "main"]

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
#: Packages that write whole files, which have one, too.
WRITERS = ("write-file-atomic@",)
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
    parser = TABLE.parser(__doc__ or "")
    parser.add_argument("--silent", action="store_true", help="only cells that found nothing")
    asked = parser.parse_args()
    TABLE.fill(
        asked,
        lambda cell, scenario, fence: _is_apt(scenario, fence) and (not asked.silent or _is_silent(cell)),
    )


def _cached() -> list[str]:
    """Every fence of every library in the cache, and those of OpenClaw that are."""
    found = [fence for name in TARGETS for one in target_of(name).fetched() for fence in one.fences]
    found = [fence for fence in found if not fence.startswith(STORES + WRITERS)]
    return [fence for fence in found if not fence.startswith("openclaw@") or fence in OPENCLAW]


def _is_silent(cell: Cell | None) -> bool:
    """Return whether a cell was asked and found nothing of the lock."""
    return cell is not None and not set(cell["violations"]) - {"false_positive"}


def _is_apt(scenario: str, fence: str) -> bool:
    """No lane dies in the adapter of OpenClaw, and only some locks grow old."""
    name = fence.partition("@")[0]
    if scenario == "lock-reclaimed-twice":
        return name in ("openclaw", "proper-lockfile", "lockfile", "cross-process-lock") or "+short" in fence
    return not (name == "openclaw" and scenario == "lock-of-the-dead")


def _text(cell: Cell | None) -> str:
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


TABLE = Table(
    name="locks",
    row="lock",
    head=(
        "# Released locks under search",
        "",
        "Made by `python -m tests.released.lock_table`; the command of each cell and its figures are in",
        "locks.json. A cell says in how many of 100 schedules the lock was wrong: *double*, two held it;",
        "*stolen*, one of them had been robbed while it lived and went on writing; *dead end*, the lock",
        "stayed and no lane can ever have it; *unlocked write*, the robbed one wrote while another trusted",
        "it; *early time-out*, a lane was told that its time was over when it was not. A dot: nothing was",
        "found in 300 schedules; in brackets, in fewer; a dash: nothing was found, and too little was",
        "exercised for a pass. Why each violation is true is in docs/locks.md.",
    ),
    paths=SCENARIOS,
    schedules=60,
    cached=_cached,
    text=_text,
)

if __name__ == "__main__":
    main()
