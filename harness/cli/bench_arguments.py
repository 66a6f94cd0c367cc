"""The options of ``bench``."""

from __future__ import annotations

import argparse

from harness.cli.argument_types import (
    allow_programs,
    at_least,
    explorers,
    extension,
    positive,
    scenario_folder,
    session_root,
)

__all__ = ["add_bench"]


def add_bench(command: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    command.description = (
        "Measures the time of steps and schedules, the cost of fences as the transcript grows, and the time "
        "until controls are caught. Each sample is compared with a built-in workload. See docs/bench.md."
    )
    command.epilog = (
        "Exit status: 0 measured, and nothing is slower; 1 with --compare: something is slower or counts "
        "more, with --check: the comparison errs more often than it promises; 2 bad arguments or baseline; "
        "3 with --compare: times could not be compared; 130 interrupted."
    )
    _measured(command)
    _judged(command)
    session_root(command)
    command.add_argument(
        "--out", metavar="FILE.json", help="store the figures in this file, and the curves beside it as SVG"
    )
    allow_programs(command)
    extension(command)
    command.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    command.add_argument("--controls", metavar="NAME,NAME", help="controls to measure (default: all)")
    command.add_argument(
        "--rounds",
        type=at_least(1, 1000),
        metavar="R",
        help="number of samples (default: 16; with --versus: 3)",
    )
    command.add_argument(
        "--seed",
        type=at_least(0),
        metavar="N",
        default=1,
        help="the number that fixes every random choice (default: 1)",
    )
    scenario_folder(command)
    _versus(command.add_argument_group("time until controls are caught, compared with the free gate"))


def _measured(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is measured."""
    command.add_argument(
        "--parts",
        metavar="NAME,NAME",
        help="parts to measure: scenarios, growth, controls, walls, gate (default: all)",
    )
    command.add_argument(
        "--scenario",
        metavar="FILE",
        action="append",
        help="scenario to measure with; may be given several times (default: six of the harness)",
    )
    command.add_argument(
        "--fence",
        metavar="REF",
        action="append",
        help="fence to measure; the part growth takes several (default: ledger; for growth every fence "
        "that is not broken on purpose)",
    )
    command.add_argument(
        "--schedules",
        type=at_least(1, 62),
        metavar="N",
        help="schedules in a sample of the part scenarios (default: 5)",
    )
    command.add_argument(
        "--largest-kib",
        type=at_least(1),
        metavar="N",
        help="largest transcript of the part growth (default: 65536)",
    )


def _judged(command: argparse.ArgumentParser) -> None:
    """Add the options that judge figures, or the judging itself."""
    command.add_argument(
        "--compare",
        metavar="BASELINE.json",
        help="compare with the figures in this file, and name the slower ones",
    )
    command.add_argument(
        "--check",
        action="store_true",
        help="do not measure, but count how often a comparison raises a false alarm or misses 15 %% more "
        "steps",
    )
    command.add_argument(
        "--comparisons",
        type=at_least(4),
        metavar="N",
        help="with --check: comparisons of a run with an equal one (default: 200)",
    )


def _versus(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--versus", action="store_true", help="measure that time and nothing else")
    group.add_argument(
        "--limit-s",
        type=positive,
        metavar="S",
        help="seconds after which a gate gives up on a control (default: 20)",
    )
    explorers(group)
