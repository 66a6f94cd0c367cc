"""``bench --check``: find out whether the comparison gives false alarms and finds a planted slowdown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from harness.cli.output import emit, remark
from harness.cli.status import INTERRUPTED, NOT_EXPECTED, OK
from harness.explore.coordinator import Coordinator
from harness.scenario import load
from harness.system.machine import machine
from harness.system.output_file import OutputFile
from harness.tools.bench.comparing import ALPHA, MARGIN
from harness.tools.bench.self_test import (
    FALSE_MAX,
    FOUND_MIN,
    SCENARIO,
    SITTINGS,
    Outcome,
    Run,
    TrialBench,
    joined,
    judged,
    planted,
)

__all__ = ["trial"]

_COMPARISONS = 200
#: Samples a run, as of a benchmark.
_ROUNDS = 16
#: Sittings that share an explorer process and a reference; the next ones have others.
_TOGETHER = 10
#: Plain runs for each planted one.
_PLANTED = 5
_LIMIT_S = 86_400.0


def trial(arguments: argparse.Namespace, out: OutputFile | None) -> int:
    """Compare and print the figures; store them, with every ratio.

    Args:
        arguments: of the command line.
        out: where the figures are stored; None for nowhere.
    """
    compared, rounds = arguments.comparisons or _COMPARISONS, arguments.rounds or _ROUNDS
    scenario = load(SCENARIO)
    facts = machine()
    slow = planted(compared, max(1, compared // _PLANTED))
    sittings: list[Run] = []
    for begin in range(0, SITTINGS * len(slow), _TOGETHER):
        with Coordinator(1, arguments.session_root) as coordinator:
            next_ones = tuple((slow * SITTINGS)[begin : begin + _TOGETHER])
            work = TrialBench(scenario, next_ones, -(-rounds // SITTINGS))
            sittings += [found for found in coordinator.carry_out(work, _LIMIT_S) if isinstance(found, Run)]
            if coordinator.interrupted:
                return INTERRUPTED
        if not arguments.json:
            remark(f"{len(sittings)} of {SITTINGS * len(slow)} sittings")
    runs = [joined(sittings[at :: len(slow)]) for at in range(len(slow))]
    outcome = judged(runs)
    figures = {
        "machine": facts,
        "rounds": rounds,
        "alpha": ALPHA,
        "margin": MARGIN,
        "false": outcome.false,
        "power": outcome.power,
        "holds": outcome.holds,
        **msgspec.to_builtins(outcome),
    }
    if arguments.json:
        emit(msgspec.json.encode(figures).decode())
    else:
        _show(outcome)
    if out is not None:
        out.write(_stored(figures, runs))
    return OK if outcome.holds else NOT_EXPECTED


def _stored(figures: dict[str, object], runs: Sequence[Run]) -> bytes:
    """Return the figures with one line for each run, so that they can be judged again."""
    text = msgspec.json.format(msgspec.json.encode(figures), indent=1).removesuffix(b"\n}")
    lines = b",\n".join(b"  " + msgspec.json.encode(run) for run in runs)
    return text + b',\n "runs": [\n' + lines + b"\n ]\n}\n"


def _show(outcome: Outcome) -> None:
    emit(
        f"like with like: {outcome.compared} comparisons, {outcome.slower} called slower, "
        f"{outcome.faster} faster: {outcome.false:.1%} false (at most {FALSE_MAX:.0%})"
    )
    emit(
        f"{outcome.planted:.1%} more work planted: {outcome.found} of {outcome.tried} found: "
        f"{outcome.power:.1%} (at least {FOUND_MIN:.0%})"
    )
    emit(f"samples of a run: half of them within {outcome.spread:.1%} of its median")
    emit("holds" if outcome.holds else "does not hold")
