"""Options of `replay` that look inside a fence."""

from __future__ import annotations

import argparse

__all__ = ["add_inside"]


def add_inside(command: argparse.ArgumentParser) -> None:
    """Add the options that trace a replay or stop it; see docs/debugging.md."""
    inside = command.add_argument_group("looking inside a fence")
    inside.add_argument(
        "--trace", action="store_true", help="print every step with arguments and result, as strace does"
    )
    inside.add_argument(
        "--debug",
        nargs="?",
        const="",
        metavar="LANE",
        help="stop in pdb before the deciding step, in its lane or in LANE",
    )
    inside.add_argument(
        "--break", dest="breaks", action="append", metavar="FILE:LINE", help="stop in pdb before a line"
    )
    inside.add_argument("--step", type=int, metavar="N", help="stop before step N of the story or the trace")
    inside.add_argument("--until", choices=("violation",), help="stop before the step that violates")
    inside.add_argument(
        "--pause",
        action="store_true",
        help="wait before the step and show process ids, for gdb or node --inspect",
    )
