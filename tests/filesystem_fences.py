"""Verdicts of each built-in fence on each named file system.

    python -m tests.filesystem_fences                  # 100 schedules of each situation
    python -m tests.filesystem_fences --only quiet,rename

Writes results/filesystem-fences.json and .md; cells of situations that are not asked are kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from fence import FENCES
from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from harness.scenario.filesystems import FILESYSTEMS
from tests.scenarios.probe import is_control

__all__ = ["RESULTS", "SCHEDULES", "SEED", "SITUATIONS", "Cell", "asked", "fences", "rendered", "stored"]

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "results" / "filesystem-fences.json"
SCHEDULES: Final = 100
SEED: Final = 1
#: Schedules of a random walk are the same beside any other question in the same run.
_STRATEGY: Final = "random"
_KINDS: Final = {"false_positive": "false", "missed_takeover": "missed"}

_RUNNER: Final = {"role": "runner", "process": "gateway", "think_steps": [30, 50]}


def _editor(*actions: str) -> dict[str, Any]:
    # The runner has mostly let its lock go by then.
    return {"role": "editor", "process": "other", "actions": actions, "delay_steps": 0, "pause_ms": [10, 40]}


#: By name: the lanes, and the right answer.
SITUATIONS: Final[dict[str, tuple[list[dict[str, Any]], str]]] = {
    "quiet": ([{**_RUNNER, "rounds": 2}], "only the runner writes; no refusal is right"),
    "co-tenant": (
        [{**_RUNNER, "rounds": 2}, {"role": "cron", "process": "cron", "delay_steps": [8, 24]}],
        "a job in another process takes the lock and appends; no refusal is right",
    ),
    "rename": (
        [_RUNNER, _editor("replace-other-bytes", "replace-other-bytes-mtime-copied", "exchange")],
        "a changed copy is renamed over the transcript, without the lock; that is to be refused",
    ),
    "number again": (
        [_RUNNER, _editor("recreate-other-bytes")],
        "the transcript is unlinked and made anew with other bytes of the same size; that is to be refused",
    ),
    "same-size rewrite": (
        [_RUNNER, _editor("same-size-rewrite", "same-size-rewrite-mtime-restored")],
        "bytes of a line are changed in place, without the lock; that is to be refused",
    ),
}
_HEAD: Final = """\
# Fences on the file systems of users

Made by `python -m tests.filesystem_fences`; do not edit. Each built-in fence in each situation, {schedules}
schedules (random walk, seed {seed}) on each named file system ([filesystems.md](filesystems.md) has what they
tell). *False*: schedules with a refusal where nothing unlawful had changed. *Missed*: schedules in which an
unlawful change was let in. A dash: neither. The runner waits some 40 ms of virtual time for its model, and
others write within that time: with stamps of a second, or attributes that a client remembers for three, stat
shows them nothing new. A fence that refuses in all quiet schedules misses nothing because it refuses always.
"""


class Cell(msgspec.Struct, frozen=True, order=True):
    """The findings on one fence in one situation on one file system.

    Args:
        situation: a key of SITUATIONS.
        filesystem: its name.
        fence: its name.
        schedules: how many were judged.
        violations: schedules by kind of violation.
        inconclusive: schedules of which the truth is not known.
    """

    situation: str
    filesystem: str
    fence: str
    schedules: int
    violations: dict[str, int]
    inconclusive: int

    @property
    def text(self) -> str:
        """The cell of the document."""
        parts = [f"{_KINDS.get(kind, kind)} {count}" for kind, count in self.violations.items()]
        parts += [f"inconclusive {self.inconclusive}"] if self.inconclusive else []
        return ", ".join(parts) or "-"


def fences() -> list[str]:
    """Return the names of the built-in fences that are not broken on purpose."""
    return [name for name in FENCES if not is_control(name)]


def asked(
    situations: Sequence[str], filesystems: Sequence[str], names: Sequence[str], schedules: int
) -> list[Cell]:
    """Run fences in situations on file systems.

    Args:
        situations: keys of SITUATIONS.
        filesystems: names that a scenario's `filesystem` takes.
        names: of fences, as the command line takes them.
        schedules: so many of each.
    """
    with tempfile.TemporaryDirectory() as folder:
        for situation in situations:
            for filesystem in filesystems:
                name = f"{situation.replace(' ', '-')}.{filesystem}"
                (Path(folder) / f"{name}.yaml").write_text(json.dumps(_scenario(situation, filesystem)))
        command = [
            sys.executable,
            "-m",
            "harness",
            "run",
            folder,
            "--allow-programs",
            "--json",
            "--no-shrink",
        ]
        command += ["--schedules", str(schedules), "--seed", str(SEED), "--strategy", _STRATEGY]
        command += [word for fence in names for word in ("--fence", fence)]
        command += ["--out", str(Path(folder) / "out")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (OK, NOT_EXPECTED, INCONCLUSIVE):
        raise SystemExit(f"status {done.returncode}: {done.stderr[-2000:]}")
    asked_for = {one.replace(" ", "-"): one for one in situations}
    return sorted(_cell(json.loads(line), asked_for) for line in done.stdout.splitlines())


def _scenario(situation: str, filesystem: str) -> dict[str, Any]:
    lanes, about = SITUATIONS[situation]
    return {
        "about": about,
        "source": "our own",
        "policy": "coordinated",
        "lanes": lanes,
        "filesystem": filesystem,
        "expect": {},
    }


def _cell(line: dict[str, Any], names: dict[str, str]) -> Cell:
    situation, _, filesystem = line["scenario"].partition(".")
    return Cell(
        names[situation],
        filesystem,
        line["fence"],
        line["schedules"],
        line["violations"],
        line["inconclusive"],
    )


def stored() -> list[Cell]:
    """Return the cells of the last runs."""
    if not RESULTS.exists():
        return []
    return msgspec.json.decode(RESULTS.read_bytes(), type=list[Cell])


def rendered(cells: Sequence[Cell]) -> str:
    """Return the document."""
    return "\n".join(_lines(cells))


def _lines(cells: Sequence[Cell]) -> Iterator[str]:
    at = {(cell.situation, cell.filesystem, cell.fence): cell for cell in cells}
    yield _HEAD.format(schedules=max(cell.schedules + cell.inconclusive for cell in cells), seed=SEED)
    for situation, (_, about) in SITUATIONS.items():
        yield f"## {situation.capitalize()}\n"
        yield f"{about[0].upper()}{about[1:]}.\n"
        yield f"| | {' | '.join(fences())} |"
        yield "|---" * (len(fences()) + 1) + "|"
        for filesystem in FILESYSTEMS:
            found = [at[situation, filesystem, fence].text for fence in fences()]
            yield f"| {filesystem} | {' | '.join(found)} |"
        yield ""


def main() -> None:
    """Ask every fence, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SITUATIONS), help="situations, with commas between")
    situations = parser.parse_args().only.split(",")
    if unknown := [one for one in situations if one not in SITUATIONS]:
        parser.error(f"no situation {', '.join(unknown)}; there are {', '.join(SITUATIONS)}")
    kept = [cell for cell in stored() if cell.situation not in situations]
    cells = sorted([*kept, *asked(situations, list(FILESYSTEMS), fences(), SCHEDULES)])
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(cells), indent=1) + b"\n")
    RESULTS.with_suffix(".md").write_text(rendered(cells))
    print(rendered(cells))


if __name__ == "__main__":
    main()
