"""Options of the commands that look something up: ``report``, ``list``, ``docs``, ``schema``, ``doctor``."""

from __future__ import annotations

import argparse

from harness.cli.argument_types import extension

__all__ = ["add_docs", "add_doctor", "add_list", "add_report", "add_schema"]


def add_report(command: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    command.add_argument(
        "--trend",
        metavar="DIR",
        required=True,
        help="compare the runs in this folder over time: violations that appeared or went, and the "
        "schedules up to the first",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def add_list(command: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    command.add_argument(
        "what",
        metavar="LIST",
        nargs="?",
        help="the list to print (default: all lists' names)",
        choices=(
            *("scenarios", "fences", "strategies", "roles", "actions", "policies", "gates", "faults"),
            *("locks", "invariants"),
        ),
    )
    command.add_argument("--json", action="store_true", help="print JSON objects instead of lines")
    extension(command)


def add_docs(command: argparse.ArgumentParser) -> None:
    """Add the options of `docs`."""
    command.add_argument(
        "page", nargs="?", metavar="PAGE", help="name of a page, such as running (default: all names)"
    )


def add_schema(command: argparse.ArgumentParser) -> None:
    """Add the options of `schema`."""
    command.add_argument(
        "of",
        metavar="SCHEMA",
        nargs="?",
        choices=("scenario", "results"),
        default="scenario",
        help="scenario: of a scenario file (default); results: of the objects that `run --json` prints",
    )
    command.add_argument(
        "--markdown",
        action="store_true",
        help="print tables in Markdown instead of JSON Schema (docs/reference)",
    )
    extension(command)


def add_doctor(command: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    command.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    command.add_argument("--session-root", metavar="DIR", help="look at the file system of this folder")
    command.add_argument(
        "--clean",
        action="store_true",
        help="remove the session directories that killed runs left there, and do nothing else",
    )
