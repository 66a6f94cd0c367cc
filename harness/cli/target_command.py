"""``target``: fetch released software for tests, and list the cache."""

from __future__ import annotations

import argparse
import json

from fence.targets import TARGETS, Fetched, TargetError, target_of
from harness.cli.output import emit, remark
from harness.cli.status import OK, USAGE
from harness.model.errors import UsageError

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Fetch the named targets one after the other, or list the cache; one that fails stops no other."""
    if not arguments.targets:
        return _listed(arguments.json)
    wanted = _name_versions(arguments.targets)
    failures = 0
    for name, version in wanted:
        try:
            found = target_of(name).fetch(version, remark)
        except TargetError as error:
            failures += 1
            remark(str(error))
            if arguments.json:
                emit(json.dumps({"target": f"{name}@{version}", "ok": False, "why": str(error)}))
        else:
            emit(_encoded(name, found) if arguments.json else _line(name, found))
    if failures and len(wanted) > 1:
        remark(f"{failures} of {len(wanted)} targets cannot be had; see above")
    return USAGE if failures else OK


def _name_versions(references: list[str]) -> list[tuple[str, str]]:
    """Return name and version of each, ``NAME@VERSION`` or as pip writes it ``NAME==VERSION``.

    A name alone stands for all versions that were tried.
    """
    wanted: list[tuple[str, str]] = []
    for reference in references:
        separator = "==" if "==" in reference else "@"
        name, at, version = reference.partition(separator)
        try:
            versions = target_of(name if at and name else reference).VERSIONS
        except TargetError as error:
            raise UsageError(str(error)) from error
        if at and not version:
            raise UsageError(
                f"{reference}: expected a version after {separator}, or {name} alone for all that were tried"
            )
        wanted += [(name, version)] if at else [(name, one) for one in versions]
    return list(dict.fromkeys(wanted))


def _listed(as_json: bool) -> int:
    found = [(name, one) for name in TARGETS for one in target_of(name).fetched()]
    for name, one in found:
        emit(_encoded(name, one) if as_json else _line(name, one))
    if not found:
        remark(
            "nothing is in the cache; fetch: python -m harness target NAME@VERSION, like openclaw@2026.5.18"
        )
    return OK


def _line(name: str, one: Fetched) -> str:
    return f"{name}@{one.version}: --fence {' or '.join(one.fences)} ({one.summary})"


def _encoded(name: str, one: Fetched) -> str:
    return json.dumps(
        {
            "target": f"{name}@{one.version}",
            "ok": True,
            "fences": one.fences,
            "integrity": one.integrity,
            "folder": str(one.folder),
        }
    )
