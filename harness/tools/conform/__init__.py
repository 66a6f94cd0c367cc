"""Check whether a fence answers each call as the protocol asks: no gate, no scenario, no verdict.

`protocol_checks` has the checks, `stage` the adapter under test and its files. `python_adapter` serves a
fence in Python.
"""

from __future__ import annotations

from harness.tools.conform.protocol_checks import CHECKS, OF_FENCES, Finding, examine
from harness.tools.conform.python_adapter import command_of

__all__ = ["CHECKS", "OF_FENCES", "Finding", "command_of", "examine"]
