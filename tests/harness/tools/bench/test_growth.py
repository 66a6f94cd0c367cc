"""Turns on a transcript of a size leave nothing behind, and their hashed bytes are counted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest

from fence.ledger import LedgerFence
from fence.pr84046 import Pr84046Fence
from harness.model.errors import UsageError
from harness.tools.bench.figures import Quantity
from harness.tools.bench.growth import SIZES, GrowthBench, _content, _Stage, size_of

_REFUSING = """
from fence.errors import TakeoverError
from fence.protocol import Fence


class Refusing(Fence):
    about = "refuses every write"

    def guarded_write(self, entries):
        raise TakeoverError("always")
"""


@pytest.mark.parametrize("size", SIZES[:5])
def test_a_transcript_has_its_exact_size_in_whole_lines(size: int) -> None:
    content = _content(size)
    assert len(content) == size
    assert content.endswith(b"\n")
    assert all(isinstance(json.loads(line), dict) for line in content.splitlines())


def test_a_turn_restores_the_transcript_and_its_folder(tmp_path: Path) -> None:
    with _Stage(LedgerFence, 4096, str(tmp_path)) as stage:
        (folder,) = tmp_path.iterdir()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        stage.time_turns(3)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert os.listdir(tmp_path) == []


def test_the_calls_of_a_turn_are_timed_apart(tmp_path: Path) -> None:
    class Slow(Pr84046Fence):
        about: ClassVar[str] = "works at its release for as long as a hundred hashes"

        def release_for_prompt(self) -> None:
            for _ in range(100):
                self._digest(bytes(100_000))
            super().release_for_prompt()

    with _Stage(Slow, 4096, str(tmp_path)) as stage:
        taken = stage.time_turns(2)
    assert taken.release.cpu_ns > taken.decision.cpu_ns > 0


def _quantities(fence: str, root: Path, sizes: tuple[int, ...]) -> list[Quantity]:
    return [one for one in GrowthBench(fence, sizes, 2).run(str(root)) if isinstance(one, Quantity)]


def test_hashed_bytes_are_counted_exactly(tmp_path: Path) -> None:
    found = {one.name: one for one in _quantities("pr-84046", tmp_path, (1024, 4096))}
    assert list(found) == [
        f"{call} of pr-84046, {size}" for size in ("1 KiB", "4 KiB") for call in ("release", "decision")
    ]
    # Its snapshot at the release is of the whole file.
    assert [found[f"release of pr-84046, {size}"].counters for size in ("1 KiB", "4 KiB")] == [
        {"bytes_hashed": 1024},
        {"bytes_hashed": 4096},
    ]
    assert all(len(one.ratios) == 2 and one.cost > 0 for one in found.values())
    again = {one.name: one for one in _quantities("pr-84046", tmp_path, (1024, 4096))}
    assert {name: one.counters for name, one in again.items()} == {
        name: one.counters for name, one in found.items()
    }
    assert os.listdir(tmp_path) == []


def test_a_fence_that_refuses_an_undisturbed_turn_is_not_measured(tmp_path: Path) -> None:
    file = tmp_path / "refusing.py"
    file.write_text(_REFUSING)
    with pytest.raises(UsageError, match=r"an undisturbed turn fails: .*always; give other fences"):
        _quantities(f"{file}:Refusing", tmp_path, (1024,))
    assert set(os.listdir(tmp_path)) - {"__pycache__"} == {"refusing.py"}


def test_sizes_are_shown_in_kib_and_mib() -> None:
    assert [size_of(size) for size in (1024, 262_144, 1 << 20, 1 << 26)] == [
        *("1 KiB", "256 KiB"),
        *("1 MiB", "64 MiB"),
    ]
