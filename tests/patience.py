"""Limits for tests of code that hangs, which hold on a machine of any speed.

A gate gives up a call that takes longer than its limit. Tests of everything else get a limit that
only ends a hang; a test of a hang gets a short one, and a longer one where the machine
was too slow to come to the hang within it.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["GENEROUS_S", "WALL_LIMIT", "at_some_patience", "impatient"]

#: The variable of the environment that `harness.explore.explorer` takes a gate's limit from.
WALL_LIMIT = "HARNESS_WALL_LIMIT_S"
GENEROUS_S = 600.0


def impatient(limit_s: float = 0.5) -> dict[str, str]:
    """Return an environment in which a gate gives up after `limit_s`."""
    return {WALL_LIMIT: str(limit_s)}


def at_some_patience(
    attempt: Callable[[float], None], limits_s: tuple[float, ...] = (1.0, 8.0, 60.0, 300.0)
) -> None:
    """Try an attempt with one limit after the other until it passes.

    Args:
        attempt: takes a limit in seconds; its last failure counts.
        limits_s: from short to long.
    """
    for limit_s in limits_s[:-1]:
        try:
            attempt(limit_s)
        except Exception:
            continue
        return
    attempt(limits_s[-1])
