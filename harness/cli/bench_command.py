"""``bench``: what a step costs on this machine; ``--versus`` is in `harness.cli.versus`."""

from __future__ import annotations

import argparse

import msgspec

from harness import gates
from harness.bench import measure
from harness.cli.output import emit
from harness.cli.programs import check_programs
from harness.cli.status import OK
from harness.cli.versus import versus
from harness.errors import GateUnavailable, UsageError
from harness.janitor import place
from harness.scenario import load
from harness.store import write_whole

__all__ = ["main"]

_OF_VERSUS = ("controls", "rounds", "limit_s", "explorers")


def main(arguments: argparse.Namespace) -> int:
    """Measure and print; with ``--out`` the figures are stored as well."""
    why = gates.unavailable("kernel")
    if why:
        raise GateUnavailable(f"bench measures the kernel gate: {why}; see `python -m harness doctor`")
    if arguments.versus:
        return versus(arguments)
    for name in _OF_VERSUS:
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(
                f"--{option}: given without --versus, which alone has a use for it; add --versus"
            )
    scenario = load(arguments.scenario)
    check_programs([scenario], arguments.allow_programs, "kernel")
    figures = msgspec.to_builtins(
        measure(scenario, arguments.fence, arguments.schedules, place(arguments.session_root, real=False))
    )
    text = msgspec.json.format(msgspec.json.encode(figures), indent=1).decode()
    if arguments.json:
        emit(msgspec.json.encode(figures).decode())
    else:
        for name, value in figures.items():
            emit(f"{name.replace('_', ' '):<20} {value}")
    if arguments.out:
        write_whole(arguments.out, text.encode() + b"\n")
    return OK
