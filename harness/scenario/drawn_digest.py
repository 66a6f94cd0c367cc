"""A digest of the program that a scenario draws: whether a role from outside still draws what it did."""

from __future__ import annotations

import hashlib

import msgspec

from harness.scenario.definition import Scenario
from harness.scenario.plan import draw

__all__ = ["drawn_digest"]


def drawn_digest(scenario: Scenario, seed: int, schedule: int) -> str:
    """Return the digest of one schedule's program.

    Args:
        scenario: a checked scenario.
        seed: of the run.
        schedule: index of the schedule in the run.
    """
    program = msgspec.json.encode(draw(scenario, seed, schedule), order="deterministic")
    return hashlib.blake2b(program, digest_size=8).hexdigest()
