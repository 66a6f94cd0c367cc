"""Options of the commands that search: ``run``, ``matrix``, ``fuzz`` and ``controls``."""

from __future__ import annotations

import argparse

from harness.cli.argument_types import (
    allow_programs,
    at_least,
    explorers,
    extension,
    least,
    positive,
    rate,
    scenario_folder,
    session_root,
    shard,
)

__all__ = ["add_controls", "add_fuzz", "add_matrix", "add_merge", "add_run"]

_SCENARIOS = "a scenario file, a folder of them, or a name of `list scenarios`"


def add_run(command: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO.yaml", help=_SCENARIOS)
    command.add_argument(
        "--resume",
        metavar="DIR",
        help="continue the run in this folder, which was killed, was interrupted, or ran out of time; its "
        "options hold unless others are given",
    )
    command.add_argument(
        "--fence",
        metavar="REF",
        action="append",
        help="a fence to test: a name of `list fences`, package.module:Class, path/file.py:Class, "
        "exec:COMMAND or openclaw@VERSION; may be given several times (default: the fences that the "
        "scenario names)",
    )
    _search(command)
    command.add_argument(
        "--rogue-actions",
        type=at_least(0, 8),
        metavar="K",
        help="with --strategy exhaustive: try all sequences of up to K actions of the scenario's editor "
        "(default: the sequence that was drawn)",
    )
    command.add_argument(
        "--preemptions",
        type=at_least(0, 100),
        metavar="B",
        help="with --strategy exhaustive: run every schedule that has at most B preemptions "
        "(default: one schedule of each class, with any number of preemptions)",
    )
    command.add_argument(
        "--keep",
        action="store_true",
        default=None,
        help="store shrunk witnesses beside their scenario, where each later run tries them first",
    )
    command.add_argument(
        "--max-failures",
        type=at_least(1),
        metavar="N",
        help="end the run after N results that are not as expected",
    )
    _telling(command)


def add_matrix(command: argparse.ArgumentParser) -> None:
    """Add the options of `matrix`."""
    command.description = (
        "Runs every fence on the same schedules of every scenario: the same programs, and the same numbers "
        "for the strategy to draw from. Each fence is compared with the first, schedule by schedule."
    )
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO.yaml", help=_SCENARIOS)
    command.add_argument(
        "--fences",
        metavar="REF,REF,...",
        action="append",
        required=True,
        help="fences, as for run; each is compared with the first",
    )
    _search(command)
    shape = command.add_mutually_exclusive_group()
    shape.add_argument(
        "--json", action="store_true", help="print one JSON object a line, for each scenario and fence"
    )
    shape.add_argument(
        "--markdown", action="store_true", help="print tables and stories for a comment on a pull request"
    )
    command.set_defaults(keep=False)


def add_merge(command: argparse.ArgumentParser) -> None:
    """Add the options of `merge`; an option that is not given is that of the shards."""
    command.description = (
        "Adds up what the shards of a run have found. Report, JUnit, lines and exit status are those of one "
        "run. Every shard has to be there, once, and over; the folders of the shards stay as they are."
    )
    command.add_argument("folders", nargs="+", metavar="DIR", help="the folder of each shard (its --out)")
    _out(command)
    command.add_argument(
        "--no-shrink",
        action="store_true",
        default=None,
        help="leave the first violation of each kind as it was found",
    )
    command.add_argument("--shrink-limit-s", type=positive, metavar="S", help="for each of them (default: 5)")
    allow_programs(command)
    extension(command)
    session_root(command)
    command.add_argument("--junit", metavar="FILE", help="write JUnit XML, a testcase a scenario and fence")
    _telling(command)
    command.add_argument(
        "--markdown", action="store_true", help="shards of a matrix: tables and stories for a pull request"
    )


def _telling(command: argparse.ArgumentParser) -> None:
    """Add the options that say how much is told."""
    command.add_argument(
        "--only-failures",
        action="store_true",
        help="leave out results that are as expected, also with --json",
    )
    shape = command.add_mutually_exclusive_group()
    shape.add_argument(
        "--json", action="store_true", help="print one JSON object a line, for each scenario and fence"
    )
    shape.add_argument(
        "-q", "--quiet", action="store_true", help="print two lines for each failure, and no table"
    )
    shape.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="print the story of each first violation (default in a run of up to four results)",
    )


def _shard(command: argparse.ArgumentParser) -> None:
    """Add the option that makes a command one part of several."""
    command.add_argument(
        "--shard",
        type=shard,
        metavar="K/N",
        help="run part K of N, and let `merge` add the folders of all N up; see docs/cluster.md",
    )


def _cluster(command: argparse.ArgumentParser) -> None:
    """Add the option that spreads a command over machines."""
    command.add_argument(
        "--cluster",
        metavar="WHERE",
        help="run on Dask workers: local:N, tcp://HOST:PORT or a scheduler file; see docs/cluster.md",
    )


def _search(command: argparse.ArgumentParser) -> None:
    """Add the options that `run` and `matrix` share; `harness.cli.resume` replaces None by a default."""
    command.add_argument(
        "--gate",
        choices=("kernel", "free"),
        help="kernel controls every file call, free controls none (default: kernel where it is available)",
    )
    command.add_argument(
        "--strategy", metavar="NAME", help="a name of `list strategies` (default: portfolio)"
    )
    _schedules(command)
    command.add_argument(
        "--time-limit-s", type=positive, metavar="S", help="end the whole run after S seconds"
    )
    explorers(command)
    _out(command)
    command.add_argument(
        "--no-shrink",
        action="store_true",
        default=None,
        help="do not make the first violation of each kind small",
    )
    command.add_argument(
        "--shrink-limit-s",
        type=positive,
        metavar="S",
        help="make each violation small for at most S seconds (default: 5)",
    )
    allow_programs(command)
    extension(command)
    command.add_argument(
        "--invariant",
        metavar="REF",
        action="append",
        help="a rule for the lines of the transcript: a name of `list invariants` or path/file.py:function",
    )
    command.add_argument(
        "--require-confinement",
        action="store_true",
        default=None,
        help="refuse to run on a machine whose kernel cannot keep the code under test in its directory",
    )
    session_root(command)
    _cluster(command)
    _shard(command)
    command.add_argument(
        "--junit", metavar="FILE", help="write JUnit XML to FILE, one testcase for each scenario and fence"
    )


def _schedules(command: argparse.ArgumentParser) -> None:
    """Add the options that say which schedules there are, and how many make a pass."""
    count = command.add_mutually_exclusive_group()
    count.add_argument(
        "--schedules",
        type=at_least(1),
        metavar="N",
        help="schedules for each scenario and fence (default: the number in the scenario)",
    )
    count.add_argument(
        "--confidence",
        type=rate,
        metavar="P",
        help="so many schedules that a pass says, with 95 %% confidence: less than the share P of them "
        "violates",
    )
    command.add_argument(
        "--min-schedules",
        type=least,
        metavar="N|P%",
        help="schedules that a pass needs, as a number or a share of those asked for (default: 50%%)",
    )
    command.add_argument(
        "--seed", type=at_least(0), metavar="N", help="the number that fixes every random choice (default: 1)"
    )


def add_fuzz(command: argparse.ArgumentParser) -> None:
    """Add the options of `fuzz`."""
    command.description = (
        "Draws scenarios (lanes, processes, actions, composed roles, file system, faults) and runs some "
        "schedules of each. The first violation of each kind is made small and stored as a scenario file and "
        "a witness."
    )
    command.epilog = (
        "Exit status: 0 no violation was found; 1 a violation was found, also one of which the fence "
        "claims nothing; 2 bad arguments; 3 no violation was found, and the truth about some schedules is "
        "not known; 130 interrupted."
    )
    command.add_argument(
        "--fence",
        metavar="REF",
        action="append",
        required=True,
        help="a fence to test, as for run; several fences share the time",
    )
    command.add_argument(
        "--policy",
        metavar="NAME",
        default="coordinated",
        help="the policy to judge by (default: coordinated)",
    )
    command.add_argument(
        "--time-limit-s",
        type=positive,
        metavar="S",
        default=60.0,
        help="end after S seconds, with all fences (default: 60)",
    )
    command.add_argument(
        "--seed",
        type=at_least(0),
        metavar="N",
        default=1,
        help="the number that fixes the scenarios that are drawn (default: 1)",
    )
    extension(command)
    _out(command)
    session_root(command)
    _cluster(command)
    _shard(command)
    command.add_argument("--json", action="store_true", help="print one JSON object a line, for each fence")


def add_controls(command: argparse.ArgumentParser) -> None:
    """Add the options of `controls`."""
    command.add_argument("--only", metavar="NAME,NAME", help="controls to try (default: all)")
    command.add_argument(
        "--strategies", metavar="NAME,NAME", help="strategies to try (default: all that search)"
    )
    command.add_argument(
        "--schedules",
        type=at_least(1),
        metavar="N",
        default=2000,
        help="schedules for each control at most (default: 2000)",
    )
    command.add_argument(
        "--seeds",
        type=at_least(1, 1000),
        metavar="N",
        default=1,
        help="try each control with the seeds 1 to N (default: 1)",
    )
    explorers(command)
    scenario_folder(command)
    extension(command)
    _out(command)
    session_root(command)
    _cluster(command)
    _shard(command)
    command.add_argument("--json", action="store_true", help="print one JSON object a line, for each trial")


def _out(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="DIR", help="folder of the run (default: results/runs/<run id>)")
    command.add_argument("--force", action="store_true", help="replace the run that --out holds")
