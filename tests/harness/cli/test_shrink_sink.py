"""Which violations are shrunk: each unexpected one, and each expected one once for fence and kind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from harness.cli.checkpoint import StoredWitness
from harness.cli.shrink_sink import Shrinker, ShrinkSink
from harness.cli.sink import Answer, Task, WriteFaults
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import StoreError
from harness.results.stats import Stats
from harness.scenario import load

SCENARIO = load(Path(__file__).parents[3] / "scenarios" / "quickstart.yaml")
#: The scenario expects a kind of violation of it.
FLAWED = "stat-2026.5.17"
(EXPECTED,) = SCENARIO.expectation(FLAWED).must


class _Shrunk:
    """Shrunk witnesses without figures."""

    def witness(self, original: Any) -> str:
        return f"shrunk {original}"

    def figures(self) -> dict[str, int]:
        return {"steps": 1}


@pytest.fixture
def shrunk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the witnesses that have been shrunk so far."""
    found: list[str] = []

    def shrink(self: Shrinker, witness: Any) -> Any:
        found.append(witness)
        return None if "stays" in witness else _Shrunk()

    monkeypatch.setattr(Shrinker, "shrink", shrink)
    return found


class _Folder:
    def __init__(self, full: bool = False) -> None:
        self._full = full

    def shrunk(self, name: str, witness: Any) -> str:
        if self._full:
            raise StoreError("no room")
        return f"{name}.shrunk.json"


def sink(
    limit_s: float = 5.0, interrupted: bool = False, full: bool = False
) -> tuple[ShrinkSink, WriteFaults]:
    coordinator: Any = SimpleNamespace(interrupted=interrupted)
    folder: Any = _Folder(full)
    faults = WriteFaults()
    return ShrinkSink(coordinator, limit_s, None, folder, faults, keep=False), faults


def answer(witness: str = "", kind: str = EXPECTED, fence: str = FLAWED, gate: str = "kernel") -> Answer:
    search = SearchTask(SCENARIO, fence, gate, "random", 1, 4)
    result = Result(search, Stats(), 1)
    checkpoint: Any = SimpleNamespace(name=lambda kind: kind)
    stored: dict[str, Any] = {kind: StoredWitness("a.json", witness)} if witness else {}  # type: ignore[arg-type]
    return Answer(Task(search, "a.yaml", ()), result, (), checkpoint, 0.0, result.summary(), stored)


def test_a_shrunk_witness_is_stored_and_reported(shrunk: list[str]) -> None:
    found = sink()[0].add(answer("one"))
    small = found.shrunk[EXPECTED]
    assert (small.path, small.witness, small.kept) == (f"{EXPECTED}.shrunk.json", "shrunk one", "")
    assert found.summary.shrunk == {EXPECTED: {"witness": small.path, "kept": None, "steps": 1}}


def test_an_expected_violation_is_shrunk_once(shrunk: list[str]) -> None:
    shrinks, _ = sink()
    found = [shrinks.add(answer(one)) for one in ("one", "two")]
    assert shrunk == ["one"]
    assert found[1].shrunk == {} and found[1].summary.shrunk == {}


def test_an_expected_violation_is_shrunk_for_each_fence(shrunk: list[str]) -> None:
    shrinks, _ = sink()
    shrinks.add(answer("one"))
    shrinks.add(answer("two", fence="ledger"))
    assert shrunk == ["one", "two"]


def test_an_unexpected_violation_is_always_shrunk(shrunk: list[str]) -> None:
    shrinks, _ = sink()
    for one in ("one", "two"):
        shrinks.add(answer(one, kind="crash"))
    assert shrunk == ["one", "two"]


def test_a_violation_shrunk_before_the_resume_is_left(shrunk: list[str]) -> None:
    shrinks, _ = sink()
    summary = msgspec.structs.replace(answer().summary, shrunk={EXPECTED: {}})
    shrinks.restore(SimpleNamespace(summary=summary))  # type: ignore[arg-type]
    shrinks.add(answer("one"))
    assert shrunk == []


@pytest.mark.parametrize(
    ("limit_s", "interrupted", "gate"), [(0.0, False, "kernel"), (5.0, True, "kernel"), (5.0, False, "free")]
)
def test_nothing_is_shrunk_without_time_or_kernel_gate(
    shrunk: list[str], limit_s: float, interrupted: bool, gate: str
) -> None:
    shrinks, _ = sink(limit_s, interrupted)
    assert shrinks.add(answer("one", gate=gate)).shrunk == {}
    assert shrunk == []


def test_a_witness_that_stays_as_it_is_is_left_out(shrunk: list[str]) -> None:
    assert sink()[0].add(answer("stays")).shrunk == {}


def test_a_shrunk_witness_without_room_is_a_fault(
    shrunk: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shrinks, faults = sink(full=True)
    assert shrinks.add(answer("one")).shrunk == {}
    assert faults.any and capsys.readouterr().err == "no room\n"
