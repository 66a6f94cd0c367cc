"""A run's folder under ``results/runs/``: the plan first, then witnesses, then verdicts.

Each file is whole or absent, and written as soon as it is known, so that a crash
loses nothing that came before it.
"""

from __future__ import annotations

import os
import re
import time

import msgspec

from harness import witness
from harness.errors import StoreError
from harness.history import History, encode
from harness.witness import Witness

__all__ = ["RunFolder", "run_id"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def run_id() -> str:
    """Name of a run: its time in UTC and this process."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"


class RunFolder:
    """Writes one run's folder.

    Args:
        path: made when it is not there.

    Raises:
        StoreError: it cannot be made.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            os.makedirs(os.path.join(path, "witnesses"), exist_ok=True)
        except OSError as error:
            raise _fault(path, error) from error

    def plan(self, plan: dict[str, object]) -> None:
        """Write down what is about to be run."""
        self._write("plan.json", msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")

    def verdict(self, line: str) -> None:
        """Add one summary."""
        path = os.path.join(self.path, "verdicts.jsonl")
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise _fault(path, error) from error

    def witness(self, name: str, found: Witness, history: History) -> str:
        """Store a witness with its history beside it.

        Returns:
            Path of the witness.
        """
        name = _UNSAFE.sub("_", name)
        path = os.path.join(self.path, "witnesses", f"{name}.json")
        try:
            witness.write(path, found)
        except OSError as error:
            raise _fault(path, error) from error
        self._write(os.path.join("witnesses", f"{name}.history.jsonl"), encode(history))
        return path

    def _write(self, name: str, data: bytes) -> None:
        path = os.path.join(self.path, name)
        try:
            with open(f"{path}.tmp", "wb") as file:
                file.write(data)
            os.replace(f"{path}.tmp", path)
        except OSError as error:
            raise _fault(path, error) from error


def _fault(path: str, error: OSError) -> StoreError:
    return StoreError(f"{path}: {error.strerror}; free some space or give another --out")
