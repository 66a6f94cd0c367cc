"""Name the sound fences, and the scenarios whose policy they claim."""

from __future__ import annotations

from pathlib import Path

from harness.scenario import load_all
from tests.program_table import CATALOGUE
from tests.scenarios.probe import runs_programs

__all__ = ["SOUND", "claimed_scenarios"]

ROOT = Path(__file__).resolve().parents[3]
_FOLDER = "tests/fence/sound"

#: By a short name: how the command line, started at the root of the repository, is told the fence.
SOUND = {
    "ledger": "ledger",
    "operation-log": f"{_FOLDER}/operation_log.py:OperationLogFence",
    "whole-turn-lock": f"{_FOLDER}/whole_turn_lock.py:WholeTurnLockFence",
    "hash-chain": f"{_FOLDER}/hash_chain.py:HashChainFence",
    "sqlite-journal": f"{_FOLDER}/sqlite_journal.py:SqliteJournalFence",
    "copy-with-journal": f"{_FOLDER}/copy_with_journal.py:CopyWithJournalFence",
}


def claimed_scenarios(*, programs: bool = True) -> list[str]:
    """Return the shipped scenarios under the policy ``coordinated``, as paths from the root.

    Args:
        programs: also those in which programs run, whose schedules cost up to a hundred times as much.
    """
    files = [path for path in sorted((ROOT / "scenarios").rglob("*.yaml")) if path.parent != CATALOGUE]
    loaded = zip(files, load_all(files), strict=True)
    return [
        str(path.relative_to(ROOT))
        for path, scenario in loaded
        if scenario.resolved_policy().name == "coordinated" and (programs or not runs_programs(scenario))
    ]
