"""Check whether an adapter speaks the protocol of external fences: no gate, no scenario, no verdict.

`protocol_checks` has the checks, `stage` the adapter under test and its files.
"""

from __future__ import annotations

from harness.tools.conform.protocol_checks import CHECKS, Finding, examine

__all__ = ["CHECKS", "Finding", "examine"]
