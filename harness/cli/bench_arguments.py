"""The options of ``bench``."""

from __future__ import annotations

import argparse

from harness.cli.argument_types import EXPLORERS_MAX, allow_programs, at_least, positive, session_root

__all__ = ["add_bench"]


def add_bench(command: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    command.description = (
        "Measures steps and schedules, what fences cost as the transcript grows, and how soon controls are "
        "caught; each sample against a built-in workload beside it. See docs/bench.md."
    )
    command.epilog = (
        "Exit status: 0 measured, and nothing is slower; 1 --compare: something is slower or counts more, "
        "--check: the comparison does not hold what it promises; 2 bad arguments or baseline; "
        "3 --compare: times could not be compared; 130 interrupted."
    )
    command.add_argument(
        "--parts", metavar="NAME,NAME", help="of scenarios, growth, controls, walls, gate (default: all)"
    )
    command.add_argument("--scenario", metavar="FILE", action="append", help="default: six of ours")
    command.add_argument(
        "--fence",
        metavar="REF",
        action="append",
        help="default: ledger; for growth, which alone takes several, all that are not broken on purpose",
    )
    command.add_argument(
        "--schedules", type=at_least(1, 62), metavar="N", help="a sample of scenarios (default: 5)"
    )
    command.add_argument(
        "--largest-kib", type=at_least(1), metavar="N", help="growth: no transcript beyond (default: 65536)"
    )
    command.add_argument("--compare", metavar="BASELINE.json", help="say what is slower than these figures")
    command.add_argument(
        "--check",
        action="store_true",
        help="instead: try out whether comparisons cry wolf, and find 15 percent",
    )
    command.add_argument(
        "--comparisons", type=at_least(4), metavar="N", help="--check: of like with like (default: 200)"
    )
    session_root(command)
    command.add_argument(
        "--out", metavar="FILE.json", help="store the figures, and the curves beside them as SVG"
    )
    allow_programs(command)
    command.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    command.add_argument("--controls", metavar="NAME,NAME", help="these (default: all)")
    command.add_argument(
        "--rounds",
        type=at_least(1, 1000),
        metavar="R",
        help="samples (default: 16; --versus: 3)",
    )
    command.add_argument(
        "--seed", type=at_least(0), metavar="N", default=1, help="of what is drawn (default: 1)"
    )
    command.add_argument(
        "--scenarios", metavar="DIR", help="where the scenarios are (default: those of the harness)"
    )
    _versus(command.add_argument_group("how soon controls are caught, against the free gate"))


def _versus(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--versus", action="store_true", help="measure this instead")
    group.add_argument(
        "--limit-s", type=positive, metavar="S", help="a gate gives up after S seconds (default: 20)"
    )
    group.add_argument(
        "--explorers", type=at_least(1, EXPLORERS_MAX), metavar="N", help="default: one a core"
    )
