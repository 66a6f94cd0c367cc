"""The command line: arguments in, exit status out. Each subcommand has a file of its own.

Exit status: 0 all as expected; 1 an expectation was not met; 2 bad arguments or
scenario (nothing ran); 3 inconclusive; 4 a bug of the harness; 130 interrupted: by
Ctrl-C, by SIGTERM, by a closed terminal, or because the output has no reader any more.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from harness import VERSION
from harness.cli.argument_types import EXPLORERS_MAX, allow_programs, at_least, least, positive, rate
from harness.cli.bench_arguments import add_bench
from harness.cli.called_as import program
from harness.cli.inside_arguments import add_inside
from harness.cli.output import OutputGone, brief, ensure_standard_streams, remark
from harness.cli.status import BUG, INCONCLUSIVE, INTERRUPTED, USAGE
from harness.model.errors import FormatError, HarnessError, Shortage, StoreError, UsageError, WorkerDied
from harness.system.interrupts import put_off
from harness.system.machine_limits import of_error

__all__ = ["main", "parser"]

_SCENARIOS = "file, folder of such files, or a name of `list scenarios`"
_WITNESS = "file that `run` wrote, or ARCHIVE.tar.xz:NAME"


class _Exact(argparse.ArgumentParser):
    """Accepts no shortened options: a shortened one may mean something else in a later release."""

    def __init__(self, **more: Any) -> None:
        super().__init__(allow_abbrev=False, **more)
        #: The parsers of subcommands, by name.
        self.commands: Mapping[str, argparse.ArgumentParser] = {}

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the arguments; one that is not known is an error of the subcommand to which it was given."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.commands.get(found.command, self).error(f"unrecognized arguments: {' '.join(unknown)}")
        return found

    def error(self, message: str) -> NoReturn:
        """End with two lines: what is wrong, and where the help is; not the whole usage."""
        remark(brief(f"{self.prog}: error: {message}\nsee {self.prog} --help"))
        sys.exit(USAGE)


def parser() -> argparse.ArgumentParser:
    """Return the parser for all subcommands; imports nothing that only a subcommand needs."""
    top = _Exact(
        prog=program(),
        description="Runs real processes against one transcript under a scheduler and judges the fence.",
        epilog="Exit status: 0 as expected, 1 not as expected, 2 bad arguments, 3 inconclusive, "
        "4 a bug of ours, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"takeover-harness {VERSION}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    top.commands = commands.choices
    _run(commands.add_parser("run", help="search scenarios for schedules that break a fence"))
    _matrix(commands.add_parser("matrix", help="compare fences on the same schedules of every scenario"))
    replay = commands.add_parser("replay", help="run the schedule of a witness again")
    replay.add_argument("witness", help=_WITNESS)
    replay.add_argument("--fence", metavar="REF", help="replay against another fence")
    replay.add_argument(
        "--expect",
        choices=("shows", "gone"),
        default="shows",
        help="exit status 0 when the violation shows (default), or when it is gone; 1 for the other",
    )
    replay.add_argument("--json", action="store_true", help="one JSON object instead of a story")
    replay.add_argument("--session-root", metavar="DIR", help="where session directories are made")
    allow_programs(replay)
    add_inside(replay)
    _shrink(commands.add_parser("shrink", help="make the story of a witness as small as it gets"))
    judge = commands.add_parser("judge", help="judge a stored history again")
    judge.add_argument("history", help="file that `run` wrote beside a witness, or the witness")
    judge.add_argument("--policy", metavar="NAME", help="by another policy than its own")
    judge.add_argument("--json", action="store_true", help="one JSON object instead of a story")
    report = commands.add_parser("report", help="what runs over many nights say together")
    report.add_argument(
        "--trend",
        metavar="DIR",
        required=True,
        help="compare the runs in this folder over time: what appeared, what went, schedules to the first",
    )
    report.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    listing = commands.add_parser("list", help="what there is")
    listing.add_argument(
        "what",
        nargs="?",
        help="default: what can be listed",
        choices=(
            *("scenarios", "fences", "strategies", "roles", "actions", "policies", "gates", "faults"),
            *("locks", "invariants"),
        ),
    )
    listing.add_argument("--json", action="store_true", help="objects instead of lines")
    docs = commands.add_parser("docs", help="print a page of the documents, or list them")
    docs.add_argument("page", nargs="?", metavar="PAGE", help="its name, such as running")
    init = commands.add_parser("init", help="write a folder to start from: fence, scenarios, tests, CI file")
    init.add_argument("folder", metavar="DIR", help="made if need be; nothing in it is overwritten")
    init.add_argument(
        "--language", choices=("python", "node"), default="python", help="of the fence (default: python)"
    )
    init.add_argument(
        "--install",
        metavar="SPEC",
        help="what CI gives to pip: git+https://... or a path (default: what this one was installed from, "
        "where that is an address)",
    )
    schema = commands.add_parser("schema", help="JSON Schema of a scenario file (for editors), or of results")
    schema.add_argument(
        "of",
        nargs="?",
        choices=("scenario", "results"),
        default="scenario",
        help="of a scenario file (default), or of what `run --json` prints",
    )
    schema.add_argument("--markdown", action="store_true", help="the same in words (docs/reference)")
    doctor = commands.add_parser("doctor", help="what this machine can do")
    doctor.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    doctor.add_argument("--session-root", metavar="DIR", help="look at the file system there")
    doctor.add_argument(
        "--clean", action="store_true", help="only remove what runs left behind that were killed there"
    )
    add_bench(commands.add_parser("bench", help="what steps, decisions and searches cost here; is it slower"))
    _controls(commands.add_parser("controls", help="is every fence that is broken on purpose caught"))
    target = commands.add_parser("target", help="fetch released software to be tested as a fence, or list it")
    target.add_argument(
        "targets",
        nargs="*",
        metavar="NAME@VERSION",
        help="any version, also as NAME==VERSION; NAME alone: all versions that were tried",
    )
    target.add_argument("--json", action="store_true", help="one JSON object a target, one a line")
    conform = commands.add_parser("conform", help="does a fence, or its adapter, do what each call asks")
    conform.add_argument(
        "fence", metavar="REF", help="path.py:Class, a name, or exec:COMMAND (docs/external-fence.md)"
    )
    conform.add_argument("--json", action="store_true", help="one JSON object a check, one a line")
    _fuzz(commands.add_parser("fuzz", help="draw scenarios, too, and keep those that break a fence"))
    return top


def _shrink(command: argparse.ArgumentParser) -> None:
    command.add_argument("witness", help=_WITNESS)
    command.add_argument(
        "--time-limit-s",
        type=positive,
        metavar="S",
        default=60.0,
        help="keep the best so far after S seconds",
    )
    command.add_argument("--out", metavar="FILE", help="default: beside the witness, as *.shrunk.json")
    command.add_argument(
        "--keep",
        metavar="SCENARIO.yaml",
        help="add it to the witnesses that `run` tries first for a scenario",
    )
    command.add_argument("--json", action="store_true", help="one JSON object instead of a story")
    command.add_argument("--session-root", metavar="DIR", help="where session directories are made")
    allow_programs(command)


def _out(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="DIR", help="default: results/runs/<run id>")
    command.add_argument("--force", action="store_true", help="also where --out holds a run already")


def _controls(command: argparse.ArgumentParser) -> None:
    command.add_argument("--only", metavar="NAME,NAME", help="these controls (default: all)")
    command.add_argument("--strategies", metavar="NAME,NAME", help="default: all that search")
    command.add_argument(
        "--schedules", type=at_least(1), metavar="N", default=2000, help="at most, each (default: 2000)"
    )
    command.add_argument(
        "--seeds", type=at_least(1, 1000), metavar="N", default=1, help="with the seeds 1 to N (default: 1)"
    )
    command.add_argument(
        "--explorers", type=at_least(1, EXPLORERS_MAX), metavar="N", help="default: one a core"
    )
    command.add_argument(
        "--scenarios", metavar="DIR", help="where the scenarios are (default: those of the harness)"
    )
    _out(command)
    command.add_argument("--session-root", metavar="DIR", help="where session directories are made")
    command.add_argument("--json", action="store_true", help="one JSON object a trial, one a line")


def _fuzz(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Draws scenarios (lanes, processes, actions, file system, faults) and runs some schedules of each. "
        "The first of each kind of violation is made small and stored as a scenario file and a witness."
    )
    command.epilog = (
        "Exit status: 0 nothing was found, 1 a violation was found, whatever the fence claims, "
        "2 bad arguments, 3 nothing was found but of some schedules the truth is not known, 130 interrupted."
    )
    command.add_argument(
        "--fence", metavar="REF", action="append", required=True, help="as for run; several share the time"
    )
    command.add_argument(
        "--policy", metavar="NAME", default="coordinated", help="judge by it (default: coordinated)"
    )
    command.add_argument(
        "--time-limit-s", type=positive, metavar="S", default=60.0, help="for everything (default: 60)"
    )
    command.add_argument(
        "--seed", type=at_least(0), metavar="N", default=1, help="which scenarios are drawn (default: 1)"
    )
    _out(command)
    command.add_argument("--session-root", metavar="DIR", help="where session directories are made")
    command.add_argument("--json", action="store_true", help="one JSON object a fence, one a line")


def _run(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO.yaml", help=_SCENARIOS)
    command.add_argument(
        "--resume",
        metavar="DIR",
        help="go on with the run of this folder, which was killed, interrupted, or out of time; "
        "what was asked for then need not be said again",
    )
    command.add_argument(
        "--fence",
        metavar="REF",
        action="append",
        help="a registered name, package.module:Class, path/file.py:Class, exec:COMMAND or openclaw@VERSION "
        "(default: those that the scenario names)",
    )
    _search(command)
    command.add_argument(
        "--rogue-actions",
        type=at_least(0, 8),
        metavar="K",
        help="--strategy exhaustive: try all sequences of up to K actions of the scenario's editor "
        "(default: those that were drawn)",
    )
    command.add_argument(
        "--preemptions",
        type=at_least(0, 100),
        metavar="B",
        help="--strategy exhaustive: every schedule with at most B preemptions "
        "(default: no bound, one schedule of each class)",
    )
    command.add_argument(
        "--keep",
        action="store_true",
        default=None,
        help="add them to the witnesses beside their scenario, which each run tries first",
    )
    command.add_argument(
        "--max-failures",
        type=at_least(1),
        metavar="N",
        help="end the run after N scenarios and fences that are not as expected",
    )
    command.add_argument(
        "--only-failures", action="store_true", help="show nothing of what is as expected, also with --json"
    )
    shape = command.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object a scenario and fence, one a line")
    shape.add_argument("-q", "--quiet", action="store_true", help="two lines for each failure, and no table")
    shape.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="the story of each first violation (default: up to four scenarios and fences)",
    )


def _matrix(command: argparse.ArgumentParser) -> None:
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
        help="as for run; the first is what the others are compared with",
    )
    _search(command)
    shape = command.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object a scenario and fence, one a line")
    shape.add_argument("--markdown", action="store_true", help="tables and stories for a pull request")
    command.set_defaults(keep=False)


def _search(command: argparse.ArgumentParser) -> None:
    """Add the options that `run` and `matrix` share; `harness.cli.resume` replaces None by a default."""
    command.add_argument("--gate", choices=("kernel", "free"), help="default: kernel where it is available")
    command.add_argument("--strategy", metavar="NAME", help="default: portfolio; see `list strategies`")
    count = command.add_mutually_exclusive_group()
    count.add_argument("--schedules", type=at_least(1), metavar="N", help="default: the scenario's")
    count.add_argument(
        "--confidence",
        type=rate,
        metavar="P",
        help="as many as it takes to say with 95 %% confidence that fewer than P of such schedules violate",
    )
    command.add_argument(
        "--min-schedules",
        type=least,
        metavar="N|P%",
        help="a pass needs so many of the schedules that were asked for (default: 50%%)",
    )
    command.add_argument("--seed", type=at_least(0), metavar="N", help="default: 1")
    command.add_argument(
        "--time-limit-s", type=positive, metavar="S", help="stop the whole run after S seconds"
    )
    command.add_argument(
        "--explorers", type=at_least(1, EXPLORERS_MAX), metavar="N", help="default: one a core"
    )
    _out(command)
    command.add_argument(
        "--no-shrink",
        action="store_true",
        default=None,
        help="leave the first violation of each kind as it was found",
    )
    command.add_argument("--shrink-limit-s", type=positive, metavar="S", help="for each of them (default: 5)")
    allow_programs(command)
    command.add_argument(
        "--invariant",
        metavar="REF",
        action="append",
        help="a rule for the transcript's lines: a name of `list invariants` or path/file.py:function",
    )
    command.add_argument(
        "--require-confinement",
        action="store_true",
        default=None,
        help="refuse to run where the kernel cannot keep the code under test in its directory",
    )
    command.add_argument("--session-root", metavar="DIR", help="where session directories are made")
    command.add_argument("--junit", metavar="FILE", help="write JUnit XML, a testcase a scenario and fence")


def main(argv: Sequence[str]) -> int:
    """Parse the arguments and run one command.

    Returns:
        The exit status.
    """
    ensure_standard_streams()
    try:
        arguments = parser().parse_args(_readable(argv))
        with put_off():
            module = importlib.import_module(f"harness.cli.{arguments.command}_command")
        status: int = module.main(arguments)
    except (UsageError, FormatError) as error:
        remark(brief(str(error)))
        return USAGE
    except (Shortage, StoreError, WorkerDied) as error:
        remark(str(error))
        return INCONCLUSIVE
    except KeyboardInterrupt:
        remark("interrupted")
        return INTERRUPTED
    except OutputGone:
        return INTERRUPTED
    except HarnessError as error:
        remark(f"a bug of the harness:\n{error}")
        return BUG
    except Exception as error:  # the last resort: exit status 4 is for errors that no code expects
        short = of_error(error)
        if short:
            remark(short)
            return INCONCLUSIVE
        remark(f"a bug of the harness:\n{traceback.format_exc()}")
        return BUG
    return status


def _readable(argv: Sequence[str]) -> Sequence[str]:
    """Return the arguments, all of which can be written into a file.

    Raises:
        UsageError: one of them is no UTF-8.
    """
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"argument {os.fsencode(argument)!r}: is not UTF-8; rename it") from error
    return argv
