"""Options of the commands that take a witness or a history: ``replay``, ``shrink`` and ``judge``."""

from __future__ import annotations

import argparse

from harness.cli.argument_types import allow_programs, extension, positive, session_root
from harness.cli.inside_arguments import add_inside

__all__ = ["add_judge", "add_replay", "add_shrink"]

_WITNESS = "witness that `run` wrote: a file, or ARCHIVE.tar.xz:NAME"


def add_replay(command: argparse.ArgumentParser) -> None:
    """Add the options of `replay`."""
    command.add_argument("witness", help=_WITNESS)
    command.add_argument(
        "--fence", metavar="REF", help="replay against this fence; a fence of your own is named again here"
    )
    command.add_argument(
        "--expect",
        choices=("shows", "gone"),
        default="shows",
        help="end with status 0 when the violation shows (default) or when it is gone, and with 1 otherwise",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a story")
    session_root(command)
    allow_programs(command)
    extension(command)
    add_inside(command)


def add_shrink(command: argparse.ArgumentParser) -> None:
    """Add the options of `shrink`."""
    command.add_argument("witness", help=_WITNESS)
    command.add_argument(
        "--time-limit-s",
        type=positive,
        metavar="S",
        default=60.0,
        help="end after S seconds with the smallest story so far (default: 60)",
    )
    command.add_argument(
        "--out",
        metavar="FILE",
        help="file of the shrunk witness (default: beside the witness, as *.shrunk.json)",
    )
    command.add_argument(
        "--keep",
        metavar="SCENARIO.yaml",
        help="store the shrunk witness beside this scenario, where each later run tries it first",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a story")
    session_root(command)
    allow_programs(command)
    extension(command)


def add_judge(command: argparse.ArgumentParser) -> None:
    """Add the options of `judge`."""
    command.add_argument("history", help="history that `run` wrote beside a witness, or the witness")
    command.add_argument("--policy", metavar="NAME", help="policy to judge by (default: its own)")
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a story")
    command.add_argument(
        "--invariant",
        metavar="REF",
        action="append",
        help="a rule for the lines of the transcript, beside those of the history: a name of "
        "`list invariants` or path/file.py:function",
    )
    allow_programs(command)
    extension(command)
