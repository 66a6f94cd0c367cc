"""Run released packages that write a file as a whole as fences that only lock.

Under test is how the package replaces the transcript, unmodified. A lane changes it as the package's users
do: it reads the file, and hands the package all that shall stand in it. The lock around that is the adapter's
own, in `serve.mjs`. There is no check, so nothing is ever refused.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["HERE"]

HERE = Path(__file__).parent
