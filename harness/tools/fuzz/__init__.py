"""Scenarios that nobody wrote: drawn by Hypothesis, judged by campaigns, and made small.

`drawing` says what may be drawn, `hunt` draws until a fence does wrong and shrinks the
scenario, `trim` says what can be cut out of one, `text` writes it as a scenario file.
The witness is shrunk as that of any other run, by `harness.shrink`.
"""

from __future__ import annotations

from harness.tools.fuzz.hunt import Catch, Figures, Hunt
from harness.tools.fuzz.scenario_strategies import scenarios
from harness.tools.fuzz.scenario_text import as_yaml, file_stem

__all__ = ["Catch", "Figures", "Hunt", "as_yaml", "file_stem", "scenarios"]
