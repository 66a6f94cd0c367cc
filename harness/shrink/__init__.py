"""A violation becomes the smallest story that still shows it.

Delta debugging on what a witness holds: first the program (lanes, turns and critical
sections, operations, lines, waits), then its schedule (switches, and how early they
come). Every proposal is run on real processes and judged; only what shows a violation
of the same kind, in a schedule of which the truth is known, is kept. `case` is what
is cut, `passes` propose, `lab` tries, `critical` finds the two steps whose order
decides, `work` is all of it for an explorer process.
"""

from __future__ import annotations

from harness.shrink.job import Shrinking, Shrunk

__all__ = ["Shrinking", "Shrunk"]
