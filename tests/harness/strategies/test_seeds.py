"""The choices of a seed stay as they are, and the needs of a strategy from outside are checked."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import pytest

from harness import strategies
from harness.explore.schedule_runner import run_schedule
from harness.model.gate import Candidate
from harness.strategies import make
from tests.harness.strategies.shapes import SHAPES, ModelGate, forecast_of, program_of


def test_a_seed_chooses_the_lanes_it_always_chose() -> None:
    """Seeds that documents and stored results name must not come to mean other schedules."""
    picks: list[object] = []
    for name in (
        "portfolio",
        "surw",
        "urw",
        "pos",
        "pct",
        "pct:4",
        "delay",
        "delay:2",
        "random",
        "round-robin",
    ):
        for shape in SHAPES[:3]:
            for forecast in (None, forecast_of(shape)):
                gate, program, strategy = ModelGate(shape.lanes), program_of(shape), make(name)
                strategy.set_forecast(forecast)
                for seed in range(10):
                    part = strategy.part(seed)
                    run_schedule(gate, program, part, random.Random(seed), 1000)  # type: ignore[arg-type]
                    picks.append([str(one) for one in gate.order])
    assert hashlib.sha256(repr(picks).encode()).hexdigest() == (
        "5d8e2b75e8476e0a41f7dcc66aba08eef4ae214945627c433745341197615ac6"
    )


class Whole:
    """A strategy from outside."""

    name, about = "whole", "picks the first"

    def begin(self, rng: random.Random, lanes: int) -> None: ...

    def pick(self, candidates: Sequence[Candidate]) -> int:
        return 0

    def end(self, steps: int) -> None: ...


@pytest.mark.parametrize("lacks", ["", "name", "about", "begin", "pick", "end"])
def test_a_strategy_from_outside_has_every_part(lacks: str) -> None:
    members = {key: value for key, value in vars(Whole).items() if key[0] != "_" and key != lacks}
    found = type("Found", (), members)
    fault = strategies._fault("whole", found)
    assert (fault == "") == (not lacks)
    assert not lacks or fault.startswith("is no class with name, about, begin, pick, end")
    assert strategies._fault("whole", Whole()) != ""
    assert strategies._fault("other", Whole) == "its name is 'whole', expected 'other'"
