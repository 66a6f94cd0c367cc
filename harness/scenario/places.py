"""Where a scenario file says what it expects of a fence, for whoever points into the file."""

from __future__ import annotations

from harness.scenario.loader import FILE_BYTES_MAX
from harness.scenario.reader import read
from harness.system.bounded_read import content

__all__ = ["expectation_line"]


def expectation_line(path: str, fence: str) -> int:
    """1-based line of what is expected of a fence; of ``expect`` where it is not mentioned.

    Args:
        path: of a scenario file that could be loaded; 1 where it cannot be read any more.
        fence: reference.
    """
    try:
        document = read(path, content(path, FILE_BYTES_MAX).decode("utf-8-sig"))
    except (OSError, ValueError):
        return 1
    for place in (("expect", fence), ("expect",)):
        if place in document.keys:
            return document.keys[place][0]
    return 1
