"""Options of the commands that take a witness or a history: ``replay``, ``shrink`` and ``judge``."""

from __future__ import annotations

import argparse

from harness.cli.argument_types import allow_programs, extension, positive, session_root
from harness.cli.inside_arguments import add_inside

__all__ = ["add_judge", "add_replay", "add_shrink"]

_WITNESS = "file that `run` wrote, or ARCHIVE.tar.xz:NAME"


def add_replay(command: argparse.ArgumentParser) -> None:
    """Add the options of `replay`."""
    command.add_argument("witness", help=_WITNESS)
    command.add_argument("--fence", metavar="REF", help="replay against another fence")
    command.add_argument(
        "--expect",
        choices=("shows", "gone"),
        default="shows",
        help="exit status 0 when the violation shows (default), or when it is gone; 1 for the other",
    )
    command.add_argument("--json", action="store_true", help="one JSON object instead of a story")
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
        help="keep the best so far after S seconds",
    )
    command.add_argument("--out", metavar="FILE", help="default: beside the witness, as *.shrunk.json")
    command.add_argument(
        "--keep",
        metavar="SCENARIO.yaml",
        help="add it to the witnesses that `run` tries first for a scenario",
    )
    command.add_argument("--json", action="store_true", help="one JSON object instead of a story")
    session_root(command)
    allow_programs(command)
    extension(command)


def add_judge(command: argparse.ArgumentParser) -> None:
    """Add the options of `judge`."""
    command.add_argument("history", help="file that `run` wrote beside a witness, or the witness")
    command.add_argument("--policy", metavar="NAME", help="by another policy than its own")
    command.add_argument("--json", action="store_true", help="one JSON object instead of a story")
    allow_programs(command)
    extension(command)
