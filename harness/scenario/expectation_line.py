"""Find the line of a scenario file that states the expectation of a fence, for reports."""

from __future__ import annotations

from harness.scenario.loader import FILE_BYTES_MAX
from harness.scenario.reader import read
from harness.system.bounded_read import content

__all__ = ["expectation_line"]


def expectation_line(path: str, fence: str) -> int:
    """Return the 1-based line with the expectation of a fence, or of ``expect`` if it is not listed.

    Args:
        path: path of a scenario file; the result is 1 if it can no longer be read.
        fence: reference of the fence.
    """
    try:
        document = read(path, content(path, FILE_BYTES_MAX).decode("utf-8-sig"))
    except (OSError, ValueError):
        return 1
    for place in (("expect", fence), ("expect",)):
        if place in document.keys:
            return document.keys[place][0]
    return 1
