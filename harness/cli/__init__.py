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
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from harness import VERSION
from harness.cli.bench_arguments import add_bench
from harness.cli.called_as import program
from harness.cli.fence_arguments import add_conform, add_init, add_target
from harness.cli.lookup_arguments import add_docs, add_doctor, add_list, add_report, add_schema
from harness.cli.output import OutputGone, brief, emit, ensure_standard_streams, remark
from harness.cli.search_arguments import add_controls, add_fuzz, add_matrix, add_merge, add_run
from harness.cli.status import BUG, INCONCLUSIVE, INTERRUPTED, USAGE
from harness.cli.witness_arguments import add_judge, add_replay, add_shrink
from harness.model.errors import FormatError, HarnessError, Shortage, StoreError, UsageError, WorkerDied
from harness.system.interrupts import put_off
from harness.system.machine_limits import of_error
from takeover_harness.compiled import state

__all__ = ["main", "parser"]

#: The help of each subcommand, and the function that adds its options; in the order of the help.
_COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "run": ("search scenarios for schedules that break a fence", add_run),
    "matrix": ("compare fences on the same schedules of every scenario", add_matrix),
    "merge": ("add the shards of a run up, and report on them as on one run", add_merge),
    "replay": ("run the schedule of a witness again", add_replay),
    "shrink": ("make the story of a witness as small as possible", add_shrink),
    "judge": ("judge a stored history again", add_judge),
    "report": ("compare the runs of many nights", add_report),
    "list": ("list scenarios, fences, strategies, policies and the like", add_list),
    "docs": ("print a page of the documents, or list them", add_docs),
    "init": ("write a folder to start from: fence, scenarios, tests, CI file", add_init),
    "schema": ("print the JSON Schema of a scenario file (for editors), or of results", add_schema),
    "doctor": ("say what this machine can do, and what is missing", add_doctor),
    "bench": ("measure what steps, decisions and searches cost, and compare", add_bench),
    "controls": ("check that every fence that is broken on purpose is caught", add_controls),
    "target": ("fetch released software to test as a fence, or list it", add_target),
    "conform": ("check a fence, or its adapter, call by call", add_conform),
    "fuzz": ("draw scenarios as well, and keep those that break a fence", add_fuzz),
}


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
            of = self.commands.get(found.command, self)
            of.error(f"unrecognized arguments: {' '.join(unknown)}{_meant(unknown, of)}")
        return found

    def error(self, message: str) -> NoReturn:
        """End with two lines: what is wrong, and where the help is; not the whole usage."""
        remark(brief(f"{self.prog}: error: {message}\nsee {self.prog} --help"))
        sys.exit(USAGE)


def _meant(unknown: Sequence[str], of: argparse.ArgumentParser) -> str:
    """Return a hint at the option that the first unknown one is most like; empty for none."""
    import difflib

    given = unknown[0].partition("=")[0]
    close = difflib.get_close_matches(given, of._option_string_actions, 1)
    return f"; did you mean {close[0]}?" if close and given.startswith("--") else ""


class _Version(argparse.Action):
    """Says the version and whether the hot path is compiled, which is asked only then."""

    def __call__(self, *_: object) -> NoReturn:
        """Print both and end the process."""
        emit(f"takeover-harness {VERSION}, {state()}")
        sys.exit(0)


def parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser for all subcommands; imports nothing that only a subcommand needs.

    Args:
        words: that will be parsed: a subcommand that is not among them has no options; None for any words.
    """
    top = _Exact(
        prog=program(),
        description="Runs real processes against one transcript under a scheduler and judges the fence.",
        epilog="Exit status: 0 as expected, 1 not as expected, 2 bad arguments, 3 inconclusive, "
        "4 a bug of the harness, 130 interrupted.",
    )
    about = "show the version, and whether the hot path is compiled"
    top.add_argument("--version", action=_Version, nargs=0, help=about)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    top.commands = commands.choices
    for name, (about, add_options) in _COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if words is None or name in words:
            add_options(command)
    return top


def main(argv: Sequence[str]) -> int:
    """Parse the arguments and run one command.

    Returns:
        The exit status.
    """
    ensure_standard_streams()
    try:
        words = _readable(argv)
        arguments = parser(words).parse_args(words)
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
