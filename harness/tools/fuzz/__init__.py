"""Fuzz scenarios: draw them with Hypothesis, run them, and shrink those that break a fence.

`scenario_strategies` has the draws, `composed_lanes` those of composed roles, `additions` those from files
of the user's. `hunt` draws until a fence is wrong and shrinks the scenario, `trim` proposes smaller
scenarios, `scenario_text` writes a scenario file. The witness is shrunk by `harness.shrink`, as that of any
other run.
"""

from __future__ import annotations

from harness.tools.fuzz.additions import Additions, additions_of
from harness.tools.fuzz.hunt import SMALLEST, Catch, Figures, Hunt, drawn_task
from harness.tools.fuzz.scenario_strategies import scenarios
from harness.tools.fuzz.scenario_text import as_yaml, file_stem, free_stem

__all__ = [
    "SMALLEST",
    "Additions",
    "Catch",
    "Figures",
    "Hunt",
    "additions_of",
    "as_yaml",
    "drawn_task",
    "file_stem",
    "free_stem",
    "scenarios",
]
