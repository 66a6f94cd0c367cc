"""Fuzz scenarios: draw them with Hypothesis, run them, and shrink those that break a fence.

`scenario_strategies` has the draws, `composed_lanes` those of composed roles, `additions` those from files
of the user's. `hunt` draws until a fence is wrong and shrinks the scenario, `trim` proposes smaller
scenarios, `scenario_text` writes a scenario file. The witness is shrunk by `harness.shrink`, as that of any
other run.
"""

from __future__ import annotations

from harness.tools.fuzz.additions import Additions, additions_of
from harness.tools.fuzz.hunt import Catch, Figures, Hunt
from harness.tools.fuzz.scenario_strategies import scenarios
from harness.tools.fuzz.scenario_text import as_yaml, file_stem

__all__ = ["Additions", "Catch", "Figures", "Hunt", "additions_of", "as_yaml", "file_stem", "scenarios"]
