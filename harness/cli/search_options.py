"""The options that make a search the one that it was, for the command that searches once more."""

from __future__ import annotations

import argparse

from harness.cli.resume import DEFAULTS

__all__ = ["search_options"]

#: Options with a value, by the name of the argument. Seed, strategy and fence are given apart.
_VALUES = {
    "gate": "--gate",
    "schedules": "--schedules",
    "min_schedules": "--min-schedules",
    "rogue_actions": "--rogue-actions",
    "preemptions": "--preemptions",
    "session_root": "--session-root",
}


def search_options(arguments: argparse.Namespace, strategy: str) -> list[str]:
    """Return the words for `run` that have the same schedules judged in the same way.

    Limits of time and memory, files for results, and what is shown are left out.

    Args:
        arguments: of `run` or `matrix`, with defaults filled in.
        strategy: name of the strategy that searches.
    """
    words = [] if strategy == DEFAULTS["strategy"] else ["--strategy", strategy]
    for name, option in _VALUES.items():
        value = getattr(arguments, name, DEFAULTS[name])
        if value != DEFAULTS[name]:
            words += [option, str(value)]
    for reference in arguments.invariant or ():
        words += ["--invariant", reference]
    for file in getattr(arguments, "extension", None) or ():
        words += ["--extension", file]
    words += ["--allow-programs"] * arguments.allow_programs
    words += ["--require-confinement"] * arguments.require_confinement
    return words
