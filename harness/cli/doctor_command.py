"""``doctor``: find out what this machine can do, or remove what killed runs left behind."""

from __future__ import annotations

import argparse

import msgspec

from harness.cli.output import emit
from harness.cli.status import INCONCLUSIVE, OK
from harness.system.janitor import clean
from harness.tools.doctor import examine

__all__ = ["main"]

_WORDS: dict[object, str] = {True: "yes", False: "no"}


def main(arguments: argparse.Namespace) -> int:
    """Print the findings, one a line, with advice where something is missing; or clean up."""
    if arguments.clean:
        return _clean(arguments)
    findings = examine(arguments.session_root)
    if arguments.json:
        emit(msgspec.json.encode(findings).decode())
        return OK
    for name, value in findings.items():
        emit(f"{name.replace('_', ' '):<22} {_WORDS.get(value, value)}")
    return OK


def _clean(arguments: argparse.Namespace) -> int:
    """Remove the session directories whose owner is gone, and say which; status 3 if something is left."""
    removed, left = clean(arguments.session_root)
    if arguments.json:
        emit(msgspec.json.encode({"removed": removed, "left": left}).decode())
    else:
        for path in removed:
            emit(f"removed {path}: the run that made it was killed")
        for path in left:
            emit(f"left {path}: not all of it can be removed, or it is another directory by now; look there")
        if not removed and not left:
            emit("nothing was left behind")
    return INCONCLUSIVE if left else OK
