"""``conform``: check that the adapter of an external fence speaks the protocol."""

from __future__ import annotations

import argparse
import json

from fence.external import PREFIX, ExternalFence
from harness.cli.output import emit
from harness.cli.status import NOT_EXPECTED, OK
from harness.model.errors import UsageError
from harness.scenario.fence_reference import resolve
from harness.tools.conform import Finding, examine

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Print one line for each check; see `harness.cli` for the exit status."""
    reference: str = arguments.fence
    if not reference.startswith(PREFIX):
        raise UsageError(f"{reference}: expected exec:COMMAND; fences in Python need no adapter")
    made = resolve(reference)
    assert issubclass(made, ExternalFence)
    off = count = 0
    for finding in examine(reference.removeprefix(PREFIX), made.hello):
        count += 1
        off += bool(finding.why)
        emit(_encoded(finding) if arguments.json else _line(finding))
    if not arguments.json:
        emit(f"{count - off} of {count} checks passed" if off else f"all {count} checks passed")
    return NOT_EXPECTED if off else OK


def _line(finding: Finding) -> str:
    if finding.why:
        return f"OFF  {finding.about}: {finding.why}"
    return f"ok   {finding.about}" + (f": {finding.note}" if finding.note else "")


def _encoded(finding: Finding) -> str:
    return json.dumps(
        {"check": finding.about, "ok": not finding.why, "why": finding.why, "note": finding.note}
    )
