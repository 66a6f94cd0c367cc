"""Write the sentences of docs/openclaw.md, locks.md and stores.md that say how often something was seen.

    python -m tests.released.claims          # puts them into the documents
    python -m tests.released.claims --check  # says what is no longer true, or not as the tables have it

A claim selects cells of results/openclaw.json or results/locks.json, by fences and scenarios, and says of
one kind of violation that each pair of fence and scenario showed it, that no pair did, or where it was
shown and where not. Its sentence gets the number of schedules behind it. A claim that the tables do not
bear raises.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fence.targets import openclaw

__all__ = ["DOCUMENTS", "Claim", "Untrue", "filled", "lines_of", "main"]

ROOT = Path(__file__).parents[2]
Cell = Mapping[str, Any]
Holds = Literal["each", "none", "where"]
_BLOCK = re.compile(r"(<!-- claims:[^\n]*-->\n).*?(<!-- end of claims -->)", re.DOTALL)
_LISTED_MAX = 6


class Untrue(Exception):
    """The tables do not bear a claim."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """One sentence about cells.

    Args:
        text: the sentence; ``{counts}`` stands for figures, ``{where}`` for scenarios that showed it.
        kind: of violation; empty for any that is the lock's.
        fences: says whether a fence is meant.
        scenarios: names of those that are meant; empty for all.
        holds: ``each``: every pair showed it; ``none``: no pair did; ``where``: any may have.
    """

    text: str
    kind: str
    fences: Callable[[str], bool]
    scenarios: tuple[str, ...] = ()
    holds: Holds = "where"

    def sentence(self, cells: Sequence[Cell]) -> str:
        """Return the sentence with its figures.

        Raises:
            Untrue: the cells say something else, or there are none.
        """
        meant = [cell for cell in cells if self._is_meant(cell)]
        if not meant:
            raise Untrue(f"{self.text}: no cell is about it")
        shown = [cell for cell in meant if _found(cell, self.kind)]
        silent = [cell for cell in meant if not _found(cell, self.kind)]
        others = silent if self.holds == "each" else shown if self.holds == "none" else []
        if others:
            pairs = [f"{cell['scenario']} under {cell['fence']}" for cell in others[:_LISTED_MAX]]
            raise Untrue(f"{self.text}: not so in {len(others)} pairs: {', '.join(pairs)}")
        return self.text.format(counts=_counts(self.kind, shown, silent), where=_where(shown))

    def _is_meant(self, cell: Cell) -> bool:
        return self.fences(cell["fence"]) and (not self.scenarios or cell["scenario"] in self.scenarios)


def _counts(kind: str, shown: Sequence[Cell], silent: Sequence[Cell]) -> str:
    said = []
    if shown:
        rates = sorted(100 * _found(cell, kind) / cell["schedules"] for cell in shown)
        low, high = f"{rates[0]:.0f}", f"{rates[-1]:.0f}"
        said.append(f"{low if low == high else f'{low} to {high}'} of 100 schedules")
    if silent:
        fences = len({cell["fence"] for cell in silent})
        scenarios = len({cell["scenario"] for cell in silent})
        said.append(
            f"0 of {sum(map(_searched, silent)):,} schedules, "
            f"{_many(scenarios, 'scenario')} by {_many(fences, 'fence')}"
        )
    return "; elsewhere ".join(said)


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _found(cell: Cell, kind: str) -> int:
    """Return how many schedules of a cell, or of its deeper search, showed a kind of violation."""
    found: Mapping[str, int] = cell["violations"]
    if kind:
        return found.get(kind, 0)
    return sum(count for name, count in found.items() if name != "false_positive")


def _searched(cell: Cell) -> int:
    """Return how many schedules found nothing: also those of a fence with the same histories."""
    return max(cell["schedules"], cell.get("deeper", {}).get("schedules", 0))


def _where(shown: Sequence[Cell]) -> str:
    names = list(dict.fromkeys(cell["scenario"] for cell in shown))
    return ", ".join(f"`{name}`" for name in names) or "no scenario"


def _since(first: str, last: str = "") -> Callable[[str], bool]:
    """Return a test for OpenClaw's versions from one on, up to another."""
    order = openclaw.VERSIONS
    begin, end = order.index(first), order.index(last) if last else len(order) - 1

    def meant(fence: str) -> bool:
        name, _, version = fence.partition("@")
        return name == "openclaw" and begin <= order.index(version.partition("+")[0]) <= end

    return meant


def _library(*prefixes: str) -> Callable[[str], bool]:
    return lambda fence: fence.startswith(prefixes)


_ALL = _since("2026.5.16-beta.7")

OPENCLAW: tuple[Claim, ...] = (
    Claim(
        "- A takeover is let in for ever when the runner's own session manager appends after the rogue "
        "and outside a guarded write: it tells the controller to take what stands there for its own (issue "
        "#86584). "
        "From 2026.5.20 on, in `laundering-by-own-writer`: {counts}.",
        "missed_takeover",
        _since("2026.5.20"),
        ("laundering-by-own-writer",),
        "each",
    ),
    Claim(
        "- From 2026.5.20 on a delivery-mirror line is taken for lawful with or without the lock, in "
        "`script-in-the-runners-name`: {counts}.",
        "missed_takeover",
        _since("2026.5.20"),
        ("script-in-the-runners-name",),
        "each",
    ),
    Claim(
        "- A write between the runner's load and its first baseline is let in, in `write-before-baseline`: "
        "{counts}.",
        "missed_takeover",
        _ALL,
        ("write-before-baseline",),
        "each",
    ),
    Claim(
        "- A write beside the runner's own append is let in (the fingerprint is taken after it), in "
        "`write-beside-own-append`: {counts}.",
        "missed_takeover",
        _ALL,
        ("write-beside-own-append",),
        "each",
    ),
    Claim(
        "- A store through a mapping whose page was dirty before is let in, in `mmap-store-dirty`: {counts}.",
        "missed_takeover",
        _ALL,
        ("mmap-store-dirty",),
        "each",
    ),
    Claim(
        "- A write of the same size within a grain of the clock is let in, in `coarse-time`: {counts}.",
        "missed_takeover",
        _ALL,
        ("coarse-time",),
        "each",
    ),
    Claim(
        "- A lock time-out on an untouched file ends the turn, in `contention`: {counts}.",
        "false_positive",
        _ALL,
        ("contention",),
        "each",
    ),
    Claim(
        "- Editors and programs that take no lock (vim, `sed -i`, a pipeline, a rename) while the runner "
        "thinks are refused: a takeover by one of them was let in in {counts}.",
        "missed_takeover",
        _ALL,
        ("saved-by-an-editor", "saved-by-vim", "sed-in-place", "pipeline", "saved-by-rename"),
        "none",
    ),
    Claim(
        "- A job that is killed in the midst of its line leaves half of it, and the next line is glued to "
        "it, in `holder-killed`: {counts}.",
        "lost_entry",
        _ALL,
        ("holder-killed",),
        "each",
    ),
    Claim(
        "- A job in another container (another PID namespace) on the same volume: each side takes the "
        "other's living holder for dead and robs it, because the lock knows a process id and its start time, "
        "and no host. "
        "`two-containers`: {counts}.",
        "double_hold",
        _ALL,
        ("two-containers",),
        "each",
    ),
    Claim(
        "- A holder is killed, and two lanes that wait reclaim its lock: both have it, in "
        "`killed-holder-two-waiters`: {counts}.",
        "double_hold",
        _ALL,
        ("killed-holder-two-waiters",),
        "each",
    ),
    Claim(
        "- A lock file whose process id has come round again is reclaimed, in `process-id-again`: a dead end "
        "in {counts}.",
        "dead_end",
        _ALL,
        ("process-id-again",),
        "none",
    ),
    Claim(
        "- Two holders up to 2026.5.20, in {where}: {counts}.",
        "double_hold",
        _since("2026.5.16-beta.7", "2026.5.20"),
    ),
    Claim(
        "- Two holders from 2026.5.22 to 5.28, where live but overdue holders are robbed besides and still "
        "write, in {where}: {counts}.",
        "double_hold",
        _since("2026.5.22", "2026.5.28"),
    ),
    Claim(
        "- Two holders from 2026.5.31-beta.4 on, where an overdue holder is reported instead of robbed, in "
        "{where}: {counts}.",
        "double_hold",
        _since("2026.5.31-beta.4"),
    ),
)

LOCKS: tuple[Claim, ...] = (
    Claim(
        "- filelock 3.21 to 3.32, `FileLock`, where the file is unlinked while the flock is held, or stays: "
        "{counts}.",
        "",
        lambda fence: fence.startswith(("filelock@3.2", "filelock@3.3")) and not fence.endswith("+soft"),
        holds="none",
    ),
    Claim("- filelock 4.2.12, both locks: {counts}.", "", _library("filelock@4.2.12"), holds="none"),
    Claim("- filelock 4.3.1, both locks: {counts}.", "", _library("filelock@4.3.1"), holds="none"),
    Claim("- portalocker 4.4.2, both locks: {counts}.", "", _library("portalocker@4.4.2"), holds="none"),
    Claim("- fasteners 0.17.3 to 0.20: {counts}.", "", _library("fasteners@"), holds="none"),
    Claim("- zc.lockfile 4.0: {counts}.", "", _library("zc.lockfile@4.0"), holds="none"),
    Claim("- oslo.concurrency 7.6.1: {counts}.", "", _library("oslo.concurrency@7.6.1"), holds="none"),
    Claim("- flufl.lock 10.0.0, in {where}: {counts}.", "", _library("flufl.lock@10.0.0")),
    Claim("- lockfile 0.4.2, in {where}: {counts}.", "", _library("lockfile@0.4.2")),
    Claim("- lockfile 1.0.4, in {where}: {counts}.", "", _library("lockfile@1.0.4")),
    Claim("- cross-process-lock 2.2.0, in {where}: {counts}.", "", _library("cross-process-lock@2.2.0")),
    Claim(
        "- OpenClaw 2026.7.35, in {where}: {counts}.",
        "",
        _library("openclaw@2026.7.35"),
    ),
)
STORES: tuple[Claim, ...] = (
    Claim(
        "- One terminal alone, pi-coding-agent 1.6.0: {counts}.",
        "",
        _library("pi-coding-agent@1.6.0"),
        ("one-terminal",),
        "none",
    ),
    Claim(
        "- One terminal alone, pi-coding-agent 0.74.0, where the session has no reply yet: {counts}.",
        "invariant",
        _library("pi-coding-agent@0.74.0"),
        ("one-terminal",),
        "each",
    ),
    Claim(
        "- Two terminals on one session, pi-coding-agent 1.6.0: the history forks in {counts}.",
        "invariant",
        _library("pi-coding-agent@1.6.0"),
        ("two-terminals",),
        "each",
    ),
    Claim(
        "- One terminal alone, oh-my-pi 18.2.3: {counts}.",
        "",
        _library("oh-my-pi@18.2.3"),
        ("one-terminal",),
        "none",
    ),
    Claim(
        "- Two terminals on one session, oh-my-pi 18.2.3: the history forks in {counts}.",
        "invariant",
        _library("oh-my-pi@18.2.3"),
        ("two-terminals",),
        "each",
    ),
    Claim(
        "- Two terminals on a file that is not there yet, pi-coding-agent 1.6.0: an error that is not "
        "documented in {counts}.",
        "crash",
        _library("pi-coding-agent@1.6.0"),
        ("not-there-yet",),
        "each",
    ),
    Claim(
        "- Two terminals on a session of an older format, pi-coding-agent 1.6.0: a stored line is lost in "
        "{counts}.",
        "lost_entry",
        _library("pi-coding-agent@1.6.0"),
        ("older-format",),
        "each",
    ),
)
DOCUMENTS: Mapping[str, tuple[str, tuple[Claim, ...]]] = {
    "docs/openclaw.md": ("results/openclaw.json", OPENCLAW),
    "docs/locks.md": ("results/locks.json", LOCKS),
    "docs/stores.md": ("results/stores.json", STORES),
}


def lines_of(cells: Sequence[Cell], claims: Sequence[Claim]) -> str:
    """Return the sentences of some claims, one a line.

    Raises:
        Untrue: the cells do not bear one of them.
    """
    return "".join(f"{claim.sentence(cells)}\n" for claim in claims)


def filled(document: str) -> str:
    """Return a document's text with its claims as the tables have them.

    Args:
        document: a key of `DOCUMENTS`.

    Raises:
        Untrue: the tables do not bear a claim, or the document has no place for them.
    """
    table, claims = DOCUMENTS[document]
    cells = json.loads((ROOT / table).read_text())["cells"]
    said = lines_of(cells, claims)
    text, count = _BLOCK.subn(lambda found: found[1] + said + found[2], (ROOT / document).read_text())
    if count != 1:
        raise Untrue(
            f"{document}: {count} places between <!-- claims: ... --> and <!-- end of claims -->, expected 1"
        )
    return text


def main() -> int:
    """Write or check the documents; 1 if one is not as the tables have it."""
    status = 0
    for document in DOCUMENTS:
        try:
            text = filled(document)
        except Untrue as error:
            print(f"{document}: {error}", file=sys.stderr)
            status = 1
            continue
        if sys.argv[1:] != ["--check"]:
            (ROOT / document).write_text(text)
        elif text != (ROOT / document).read_text():
            print(f"{document}: run python -m tests.released.claims", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
