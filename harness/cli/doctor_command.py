"""``doctor``: find out what this machine can do."""

from __future__ import annotations

import argparse

import msgspec

from harness.cli.output import emit
from harness.cli.status import OK
from harness.tools.doctor import examine

__all__ = ["main"]

_WORDS: dict[object, str] = {True: "yes", False: "no"}


def main(arguments: argparse.Namespace) -> int:
    """Print the findings, one a line, with advice where something is missing."""
    findings = examine(arguments.session_root)
    if arguments.json:
        emit(msgspec.json.encode(findings).decode())
        return OK
    for name, value in findings.items():
        emit(f"{name.replace('_', ' '):<22} {_WORDS.get(value, value)}")
    return OK
