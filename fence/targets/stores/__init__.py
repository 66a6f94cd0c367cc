"""Run the session managers of released agent runtimes as writers without a fence.

Under test is the runtime's own session store, unmodified: it opens the transcript, appends and writes
it anew as it does for its users. A member is a module that makes a `NodeStore`; `serve.mjs` serves it,
with the JavaScript module beside it that knows the store. It has no lock for a turn, so that nothing
excludes its writers (lock kind ``none``).
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["HERE"]

HERE = Path(__file__).parent
