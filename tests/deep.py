"""Schedules to the first hit of deep races, strategy by strategy: ``python -m tests.deep``.

The races are those of `tests.harness.strategies.deep_shapes`. All seeds run in the model; the first few run
by real processes under the kernel gate as well, and have to come to the same numbers. The exit status is 1 if
one does not.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import msgspec

from harness.explore.calibration import calibrate
from harness.model.gate import Outcome
from harness.model.program import Program
from harness.strategies import make
from harness.strategies.forecast import Forecast
from harness.strategies.strategy import Strategy
from harness.system.machine import Facts, machine
from tests.harness.gates.kernel.frequencies import order_of
from tests.harness.gates.kernel.stage import Seen, Stage, program_of
from tests.harness.strategies.deep_shapes import DEEP, Deep, DeepFence, Hit, first_hit, model_forecast
from tests.harness.strategies.shapes import Shape, chance, evenly

__all__ = ["main", "real"]

#: The default portfolio with a fifth of the schedules for the guided strategy.
MIXED = "portfolio:guided=25,surw=50,pos=9,random=8,pct:2=17,pct:3=16"
STRATEGIES = ("random", "surw", "pos", "pct:2", "pct:3", "portfolio", "guided", MIXED)


class Row(msgspec.Struct, frozen=True):
    """One race and one strategy.

    Args:
        race, strategy: names.
        staged: whether the lanes take other steps once a window was met.
        quartiles: schedules to the first hit: lower quartile, median, upper quartile; the limit where it was
            not hit by then.
        missed: seeds that did not hit within the limit.
        theory: median that theory gives; for PCT the highest that its bound allows; None without theory.
        real: schedules to the first hit by real processes, seed by seed; None for none within their limit.
    """

    race: str
    strategy: str
    staged: bool
    quartiles: tuple[int, int, int]
    missed: int
    theory: int | None
    real: tuple[int | None, ...]


class Figures(msgspec.Struct, frozen=True):
    """The benchmark as it is stored.

    Args:
        machine: facts of the machine.
        seeds, limit: seeds from 1, and schedules for each, in the model.
        real_seeds, real_limit: the same for real processes.
        rows: one a race and strategy.
    """

    machine: Facts
    seeds: int
    limit: int
    real_seeds: int
    real_limit: int
    rows: tuple[Row, ...]


@contextmanager
def real(race: Deep, directory: Path) -> Iterator[tuple[Forecast, Callable[[Strategy, int], bool]]]:
    """Yield the forecast of a race by real processes, and a function that runs one schedule.

    Args:
        race: to run.
        directory: an empty one.

    Yields:
        The function takes a strategy and a seed, and says whether the schedule shows the race.
    """
    processes = [f"p{n}" for n in range(len(race.lanes))]
    with Stage(directory, DeepFence, processes, race=race.name) as stage:
        drawn = program_of(stage.lanes, [["go"]] * len(race.lanes))
        # A kind of operation for each lane, as in the model.
        lanes = [
            msgspec.structs.replace(lane, ops=(msgspec.structs.replace(lane.ops[0], how=lane.name),))
            for lane in drawn.lanes
        ]
        drawn = msgspec.structs.replace(drawn, lanes=tuple(lanes))

        def run(index: int, drawn: Program, strategy: Strategy) -> Outcome:
            return stage.play(drawn, strategy, index).outcome

        yield (
            calibrate(lambda _: drawn, run).forecast(drawn),
            lambda strategy, seed: race.shows(_hit(stage.play(drawn, strategy, seed))),
        )


def _hit(seen: Seen) -> Hit:
    assert not seen.end.inconclusive, seen.end.inconclusive
    return Hit(order_of(seen), seen.said(0)[0])


def _theory(race: Deep, strategy: str, forecast: Forecast) -> int | None:
    """Return the median number of schedules to the first hit."""
    found: Fraction | float | None = None
    if strategy == "surw":
        found = race.share
    elif strategy == "random" and race.letters:
        found = chance(
            Shape(race.name, race.letters, lambda o: race.shows(Hit([*o], "")), Fraction(0), 0), evenly
        )
    elif strategy == f"pct:{race.depth}":
        length = 1 + 1.25 * sum(map(sum, forecast.visible))
        found = 1 / (len(race.lanes) * length ** (race.depth - 1))
    return None if found is None else math.ceil(math.log(0.5) / math.log1p(-float(found)))


def _row(race: Deep, strategy: str, arguments: argparse.Namespace) -> Row:
    forecast = model_forecast(race)
    found = [
        first_hit(race, make(strategy), forecast, seed, arguments.limit)
        for seed in range(1, arguments.seeds + 1)
    ]
    ordered = sorted(one or arguments.limit for one in found)
    by_processes: list[int | None] = []
    for seed in range(1, arguments.real_seeds + 1):
        with tempfile.TemporaryDirectory() as own, real(race, Path(own)) as (learned, play):
            hit = first_hit(race, make(strategy), learned, seed, arguments.real_limit, play)
        by_processes.append(hit)
        in_model = found[seed - 1]
        if hit != (in_model if in_model is not None and in_model <= arguments.real_limit else None):
            raise SystemExit(
                f"{race.name}, {strategy}, seed {seed}: {hit} by processes, {in_model} in the model"
            )
    at = [ordered[(len(ordered) - 1) * quarter // 4] for quarter in (1, 2, 3)]
    return Row(
        race.name,
        strategy,
        not race.letters,
        (at[0], at[1], at[2]),
        found.count(None),
        _theory(race, strategy, forecast),
        tuple(by_processes),
    )


def main() -> int:
    """Measure and print a row for each race and strategy; with ``--out`` store them."""
    parser = argparse.ArgumentParser(prog="deep", description=__doc__)
    parser.add_argument("--seeds", type=int, default=9, help="in the model, from 1")
    parser.add_argument("--limit", type=int, default=800, help="schedules for each seed")
    parser.add_argument("--real-seeds", type=int, default=1, help="by real processes, from 1")
    parser.add_argument("--real-limit", type=int, default=100, help="schedules for each of those")
    parser.add_argument("--race", choices=list(DEEP), action="append", help="only this one; may be repeated")
    parser.add_argument("--out", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    rows = []
    for race in [DEEP[name] for name in arguments.race or DEEP]:
        for strategy in STRATEGIES:
            row = _row(race, strategy, arguments)
            rows.append(row)
            low, median, high = row.quartiles
            theory = "" if row.theory is None else f", theory {row.theory}"
            print(
                f"{row.race}: {strategy}: {median} ({low} to {high}), missed {row.missed}{theory}; "
                f"real {row.real}",
                flush=True,
            )
    if arguments.out is not None:
        figures = Figures(
            machine(),
            arguments.seeds,
            arguments.limit,
            arguments.real_seeds,
            arguments.real_limit,
            tuple(rows),
        )
        arguments.out.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
