"""Options of the commands that begin, fetch or check a fence: ``init``, ``target`` and ``conform``."""

from __future__ import annotations

import argparse

__all__ = ["add_conform", "add_init", "add_target"]


def add_init(command: argparse.ArgumentParser) -> None:
    """Add the options of `init`."""
    command.add_argument(
        "folder",
        metavar="DIR",
        help="folder to write into; it is made if it is missing, and no file in it is overwritten",
    )
    command.add_argument(
        "--language",
        choices=("python", "node"),
        default="python",
        help="language of the fence (default: python)",
    )
    command.add_argument(
        "--install",
        metavar="SPEC",
        help="requirement that CI gives to pip: git+https://... or a path (default: the address from "
        "which this harness was installed, if there is one)",
    )


def add_target(command: argparse.ArgumentParser) -> None:
    """Add the options of `target`."""
    command.add_argument(
        "targets",
        nargs="*",
        metavar="NAME@VERSION",
        help="software to fetch, in any version, also as NAME==VERSION; NAME alone: all versions that "
        "were tried",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object a line, for each target")


def add_conform(command: argparse.ArgumentParser) -> None:
    """Add the options of `conform`."""
    command.add_argument(
        "fence",
        metavar="REF",
        help="the fence: path.py:Class, a name of `list fences`, or exec:COMMAND (docs/external-fence.md)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object a line, for each check")
