"""``bench``: what a step costs on this machine."""

from __future__ import annotations

import argparse
import os

import msgspec

from harness import gates
from harness.bench import measure
from harness.cli.status import OK
from harness.errors import GateUnavailable
from harness.janitor import place
from harness.scenario import load

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Measure and print; with ``--out`` the figures are stored as well."""
    why = gates.unavailable("kernel")
    if why:
        raise GateUnavailable(f"bench measures the kernel gate: {why}; see `python -m harness doctor`")
    scenario = load(arguments.scenario)
    figures = msgspec.to_builtins(
        measure(scenario, arguments.fence, arguments.schedules, place(arguments.session_root, real=False))
    )
    text = msgspec.json.format(msgspec.json.encode(figures), indent=1).decode()
    if arguments.json:
        print(msgspec.json.encode(figures).decode())
    else:
        for name, value in figures.items():
            print(f"{name.replace('_', ' '):<20} {value}")
    if arguments.out:
        os.makedirs(os.path.dirname(arguments.out) or ".", exist_ok=True)
        with open(arguments.out, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    return OK
