"""The command that searches once more has the options that decide on schedules and verdicts."""

from __future__ import annotations

import argparse

import pytest

from harness.cli import parser
from harness.cli.resume import completed
from harness.cli.search_options import search_options


def options(*words: str) -> list[str]:
    """Return the options for the arguments of a command line."""
    arguments = completed(parser().parse_args(words))
    return search_options(arguments, arguments.strategy)


def kept(arguments: argparse.Namespace) -> dict[str, object]:
    """Return what decides on schedules and verdicts."""
    names = (
        "gate",
        "strategy",
        "schedules",
        "min_schedules",
        "invariant",
        "allow_programs",
        "require_confinement",
    )
    return {name: vars(arguments)[name] for name in (*names, "rogue_actions", "preemptions", "session_root")}


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--gate", "kernel", "--schedules", "7", "--min-schedules", "3"),
        ("--strategy", "pct:3", "--invariant", "unique_ids", "--invariant", "a b.py:rule"),
        ("--allow-programs", "--require-confinement", "--session-root", "/dev/shm"),
        ("--strategy", "exhaustive", "--rogue-actions", "1", "--preemptions", "0"),
    ],
)
def test_options_that_were_given_are_given_again(given: tuple[str, ...]) -> None:
    once = completed(parser().parse_args(("run", "s.yaml", *given)))
    words = options("run", "s.yaml", *given)
    assert kept(completed(parser().parse_args(("run", "s.yaml", *words)))) == kept(once)
    assert len(words) == len(given)


def test_a_confidence_becomes_its_number_of_schedules() -> None:
    assert options("run", "s.yaml", "--confidence", "0.1") == ["--schedules", "29"]


def test_limits_and_files_for_results_are_left_out() -> None:
    assert options("run", "s.yaml", "--time-limit-s", "5", "--out", "x", "--junit", "y", "-q", "--keep") == []


def test_a_matrix_has_the_strategy_that_it_ran() -> None:
    arguments = completed(parser().parse_args(("matrix", "s.yaml", "--fences", "none", "--gate", "free")))
    assert search_options(arguments, "portfolio:surw=1") == [
        "--strategy",
        "portfolio:surw=1",
        "--gate",
        "free",
    ]
