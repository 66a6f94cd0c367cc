"""Options of the commands that begin, fetch or check a fence: ``init``, ``target`` and ``conform``."""

from __future__ import annotations

import argparse

__all__ = ["add_conform", "add_init", "add_target"]


def add_init(command: argparse.ArgumentParser) -> None:
    """Add the options of `init`."""
    command.add_argument("folder", metavar="DIR", help="made if need be; nothing in it is overwritten")
    command.add_argument(
        "--language", choices=("python", "node"), default="python", help="of the fence (default: python)"
    )
    command.add_argument(
        "--install",
        metavar="SPEC",
        help="what CI gives to pip: git+https://... or a path (default: what this one was installed from, "
        "where that is an address)",
    )


def add_target(command: argparse.ArgumentParser) -> None:
    """Add the options of `target`."""
    command.add_argument(
        "targets",
        nargs="*",
        metavar="NAME@VERSION",
        help="any version, also as NAME==VERSION; NAME alone: all versions that were tried",
    )
    command.add_argument("--json", action="store_true", help="one JSON object a target, one a line")


def add_conform(command: argparse.ArgumentParser) -> None:
    """Add the options of `conform`."""
    command.add_argument(
        "fence", metavar="REF", help="path.py:Class, a name, or exec:COMMAND (docs/external-fence.md)"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a check, one a line")
