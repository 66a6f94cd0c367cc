"""Races of which the chance is known, run by real processes under the kernel gate.

As a command: ``python -m tests.harness.gates.kernel.frequencies SHAPE STRATEGY SAMPLES`` prints one JSON
object with the share that was found, what theory says, and the distance in standard errors.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from harness.explore.calibration import calibrate
from harness.model.gate import Outcome
from harness.model.history import Step
from harness.model.program import Program
from harness.strategies import make
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.pct import draw_length
from harness.strategies.strategy import Strategy
from tests.harness.gates.kernel.racing import Racing
from tests.harness.gates.kernel.stage import INITIAL, Seen, Stage, program_of
from tests.harness.strategies.shapes import SHAPES, Shape, by_left, chance, evenly

__all__ = ["Frequency", "learned", "least", "measure", "order_of", "words_of"]

_WORDS = {"r": "look", "w": "grow", "-": "own"}


class Frequency(msgspec.Struct, frozen=True):
    """The result of a measurement.

    Args:
        expected: what theory says; for PCT the least that it may be.
        found: share of the schedules.
        errors: distance in standard errors of what is expected.
        bound: whether more than expected is as good.
    """

    shape: str
    strategy: str
    samples: int
    expected: float
    found: float
    errors: float
    bound: bool
    wall_s: float

    @property
    def holds(self) -> bool:
        """Within three standard errors."""
        return self.errors > -3 and (self.bound or self.errors < 3)


def words_of(stage: Stage, shape: Shape) -> Program:
    """The shape as a program of one step an operation, each letter a kind of its own."""
    program = program_of(stage.lanes, [[_WORDS[letter] for letter in lane] for lane in shape.lanes])
    replace = msgspec.structs.replace
    lanes = tuple(
        replace(lane, ops=tuple(replace(op, how=op.entries[0].id) for op in lane.ops))
        for lane in program.lanes
    )
    return replace(program, lanes=lanes)


def learned(stage: Stage, program: Program) -> Forecast:
    """Return the forecast of a calibration on the real processes for the program."""

    def run(index: int, drawn: Program, strategy: Strategy) -> Outcome:
        return stage.play(drawn, strategy, index).outcome

    return calibrate(lambda _: program, run).forecast(program)


def order_of(seen: Seen) -> list[str]:
    """Return the steps on the transcript as they really came, as `Shape.shows` wants them."""
    count: dict[int, int] = {}
    order = []
    for step in seen.steps:
        assert isinstance(step, Step)
        if step.path == "T":
            order.append(f"{step.lane}.{count.get(step.lane, 0)}")
            count[step.lane] = count.get(step.lane, 0) + 1
    return order


def _check(shape: Shape, seen: Seen, shown: bool) -> None:
    """Check that the real outcome is the one that follows from the order of the steps."""
    assert not seen.end.inconclusive, seen.end.inconclusive
    if shape.name == "lost update":
        assert seen.end.final.size == len(INITIAL) + (1 if shown else 2)
    elif "window" in shape.name or shape.name == "stat to read":
        looks = [detail for detail in seen.said(0) if detail]
        sizes = [str(len(INITIAL)), *map(str, range(1, len(looks)))]
        wanted = [size for before, after in itertools.pairwise(sizes) for size in (before, after)]
        assert (looks == wanted[: len(looks)]) == shown


def least(shape: Shape, forecast: Forecast, depth: int) -> float:
    """PCT's bound: 1 / (n k^(d-1))."""
    length = draw_length(random.Random(0), Remaining(forecast.visible))
    return 1 / (len(shape.lanes) * length ** (depth - 1))


def _expected(shape: Shape, strategy: str, forecast: Forecast) -> float:
    if strategy == "surw":
        return float(shape.selectively)
    if strategy == "random":
        return float(chance(shape, evenly))
    if strategy == "urw":
        return float(chance(shape, by_left))
    return least(shape, forecast, int(strategy.removeprefix("pct:")))


def measure(shape: Shape, name: str, samples: int, directory: Path) -> Frequency:
    """Run so many schedules.

    Args:
        shape: what to run, each lane in a process of its own.
        name: ``surw``, ``urw``, ``random`` or ``pct:D``.
        samples: with the seeds from 0.
        directory: an empty one.
    """
    started = time.monotonic()
    strategy = make(name)
    with Stage(directory, Racing, [f"p{n}" for n in range(len(shape.lanes))]) as stage:
        program = words_of(stage, shape)
        forecast = learned(stage, program)
        strategy.set_forecast(forecast)
        found = 0
        for seed in range(samples):
            seen = stage.play(program, strategy, seed)
            shown = shape.shows(order_of(seen))
            _check(shape, seen, shown)
            found += shown
    expected = _expected(shape, name, forecast)
    error = math.sqrt(expected * (1 - expected) / samples)
    return Frequency(
        shape.name, name, samples, expected, found / samples, (found / samples - expected) / error,
        name.startswith("pct"), time.monotonic() - started,
    )  # fmt: skip


if __name__ == "__main__":
    (wanted,) = [shape for shape in SHAPES if shape.name == sys.argv[1]]
    with tempfile.TemporaryDirectory() as own:
        result = measure(wanted, sys.argv[2], int(sys.argv[3]), Path(own))
    print(json.dumps(msgspec.to_builtins(result) | {"holds": result.holds}))
