"""Shrink a witness to the smallest story that still shows its violation.

Shrinking is delta debugging on a witness: first on the program (lanes, turns and critical
sections, operations, lines, waits), then on its schedule (switches, and how early they
come). Every variant is run on real processes and judged. A variant is kept only if it shows
a violation of the same kind in a schedule of which the truth is known. `variant` is a program
with its schedule, `passes` propose variants, `trial` runs them, `critical` finds the two steps
whose order decides, `job` does all of it in an explorer process, `replay` runs a witness again.
"""

from __future__ import annotations

from harness.shrink.job import ShrinkJob, Shrunk

__all__ = ["ShrinkJob", "Shrunk"]
