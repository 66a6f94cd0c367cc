"""``conform``: check that a fence does what the protocol asks of each call, and so does its adapter."""

from __future__ import annotations

import argparse
import json
import shlex

from fence.errors import AdapterError
from fence.external import ExternalFence, external
from harness.cli.output import emit
from harness.cli.status import NOT_EXPECTED, OK
from harness.model.errors import FenceLoadError
from harness.scenario.fence_reference import resolve
from harness.tools.conform import Finding, command_of, examine

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Print one line for each check; see `harness.cli` for the exit status."""
    made = resolve(arguments.fence)
    python = not issubclass(made, ExternalFence)
    served = _served(arguments.fence) if python else made
    assert issubclass(served, ExternalFence)
    off = count = 0
    for finding in examine(shlex.join(served.argv), served.hello, python):
        count += 1
        off += bool(finding.why)
        emit(_encoded(finding) if arguments.json else _line(finding))
    if not arguments.json:
        emit(f"{count - off} of {count} checks passed" if off else f"all {count} checks passed")
    return NOT_EXPECTED if off else OK


def _served(reference: str) -> type[ExternalFence]:
    """Return a fence in Python behind our adapter.

    Raises:
        FenceLoadError: the adapter does not answer, as where the harness is found only in another folder.
    """
    try:
        return external(shlex.join(command_of(reference)))
    except AdapterError as error:
        raise FenceLoadError(f"{reference}: {error}; see docs/external-fence.md") from error


def _line(finding: Finding) -> str:
    if finding.why:
        return f"OFF  {finding.about}: {finding.why}"
    return f"ok   {finding.about}" + (f": {finding.note}" if finding.note else "")


def _encoded(finding: Finding) -> str:
    return json.dumps(
        {"check": finding.about, "ok": not finding.why, "why": finding.why, "note": finding.note}
    )
