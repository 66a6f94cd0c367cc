"""Costs of the ledger's load and guarded write over the transcript's size, beside another commit's.

``make ledger-size BASE=<commit>`` plays turns in both trees in turns, in processor time, so that other load
on the machine disturbs both alike. Writes `results/bench/ledger-size.json` and prints its tables.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.same_histories import unpack

__all__: list[str] = []

KIB, MIB = 1 << 10, 1 << 20
#: Bytes of the transcript, and of each line.
SIZES = (*((1 << bits, 430) for bits in range(10, 27, 2)), (64 * MIB, 100), (64 * MIB, MIB))
RESULT = Path("results/bench/ledger-size.json")
#: A sample takes about so many bytes of transcripts, or so many turns.
_SAMPLE_BYTES, _TURNS_MAX = 4 * MIB, 300


class _Tree:
    """A process that plays turns in a tree."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("ledger_turns.py"))]
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def sample(self, path: str, turns: int, memory: bool = False) -> dict[str, float]:
        """Play some turns on a file; see `tests.ledger_turns`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"path": path, "turns": turns, "memory": memory}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("ledger-size: a turn failed; its traceback is above")
        found: dict[str, float] = json.loads(answer)
        return found

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()


def main() -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="ledger-size", description=__doc__)
    parser.add_argument("--base", metavar="COMMIT", required=True, help="the commit to compare with")
    parser.add_argument(
        "--rounds", type=int, default=9, help="samples of each tree, size and length of lines"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-size-") as folder:
        base = Path(folder, "base")
        unpack(arguments.base, base)
        trees = {"before": _Tree(base), "now": _Tree(Path.cwd())}
        try:
            rows = [_row(trees, *size, arguments.rounds, folder) for size in SIZES]
        finally:
            for tree in trees.values():
                tree.end()
    found = {"base": arguments.base, "rounds": arguments.rounds, "rows": rows}
    arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(_table(rows)))
    return 0


def _row(trees: dict[str, _Tree], size: int, line: int, rounds: int, folder: str) -> dict[str, Any]:
    turns = max(1, min(_TURNS_MAX, _SAMPLE_BYTES // size))
    with _transcript(size, line, folder) as path:
        taken = [{name: tree.sample(path, turns) for name, tree in trees.items()} for _ in range(rounds)]
        held = {name: tree.sample(path, 1, memory=True) for name, tree in trees.items()}
    row: dict[str, Any] = {"bytes": size, "line_bytes": line}
    for call in ("load", "write"):
        key = f"{call}_us"
        row[key] = {name: round(statistics.median(one[name][key] for one in taken), 1) for name in trees}
        quotients = sorted(one["now"][key] / one["before"][key] for one in taken)
        middle, least, most = statistics.median(quotients), quotients[0], quotients[-1]
        row[f"{call}_ratio"] = [round(ratio, 3) for ratio in (middle, least, most)]
        row[f"{call}_bytes"] = {name: one[f"{call}_bytes"] for name, one in held.items()}
    return row


@contextlib.contextmanager
def _transcript(size: int, line: int, folder: str) -> Iterator[str]:
    """Make a transcript of whole lines, of about so many bytes."""
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        path = os.path.join(inside, "transcript.jsonl")
        with open(path, "wb") as file:
            for number in range(max(1, size // line)):
                head = b'{"id":"m%08d","text":"' % number
                file.write(head + b"x" * (min(line, size) - len(head) - 3) + b'"}\n')
        yield path


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| transcript | lines of | write before | now | ratio | load before | now | ratio | a write holds |",
        f"|{'---|' * 9}",
    ]
    for row in rows:
        cells = [_size(row["bytes"]), _size(row["line_bytes"])]
        for call in ("write", "load"):
            cells += [_time(row[f"{call}_us"]["before"]), _time(row[f"{call}_us"]["now"])]
            cells.append(f"{row[f'{call}_ratio'][0]:.2f}")
        held = row["write_bytes"]
        cells.append(f"{held['before'] / MIB:.1f}, {held['now'] / MIB:.1f} MiB")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _size(count: int) -> str:
    if count >= MIB:
        return f"{count // MIB} MiB"
    return f"{count // KIB} KiB" if count >= KIB else f"{count} bytes"


def _time(us: float) -> str:
    return f"{us / 1e3:.0f} ms" if us >= 1e4 else f"{us / 1e3:.1f} ms" if us >= 1e3 else f"{us:.0f} us"


if __name__ == "__main__":
    sys.exit(main())
