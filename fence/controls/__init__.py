"""Fences broken on purpose, in one way each.

A control shows that the harness can tell a guard from its absence: each leaves out
exactly one guard of PR #84046 and names the verdict that must catch it. They are
registered in `fence.FENCES`.
"""

from __future__ import annotations

__all__: list[str] = []
