"""Ranges of schedule numbers: joined where there are many, and spelled for people."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

__all__ = ["adjoined", "joined", "spelled"]

#: More ranges than that are joined.
_RANGES_MAX = 64
#: More numbers than that are not listed one by one.
_NUMBERS_MAX = 1 << 20
#: More ranges than that are not spelled one by one.
_SPELLED_MAX = 24


def joined(left: Iterable[range]) -> list[range]:
    """Return the same numbers in fewer ranges if there are many, because each resumed run adds some.

    Where there are so many numbers that they do not fit into memory one by one, the ranges stay.
    """
    ranges = list(left)
    if len(ranges) <= _RANGES_MAX or sum(map(_length, ranges)) > _NUMBERS_MAX:
        return ranges
    numbers = sorted(itertools.chain.from_iterable(ranges))
    found, at = [], 0
    while at < len(numbers):
        step = numbers[at + 1] - numbers[at] if at + 1 < len(numbers) else 1
        end = at + 1
        while end < len(numbers) and numbers[end] - numbers[end - 1] == step:
            end += 1
        found.append(range(numbers[at], numbers[end - 1] + 1, step))
        at = end
    return found


def _length(numbers: range) -> int:
    """Return how many numbers a range has; `len` refuses more than 2^63 - 1."""
    return max(0, (numbers.stop - numbers.start + numbers.step - 1) // numbers.step)


def adjoined(ranges: Iterable[range]) -> list[range]:
    """Return ranges in the order of their first number, those without a gap between them as one."""
    found: list[range] = []
    for one in sorted(filter(None, ranges), key=lambda numbers: numbers.start):
        last = found[-1] if found else None
        if last is not None and last.step == one.step == 1 and last.stop == one.start:
            found[-1] = range(last.start, one.stop)
        else:
            found.append(one)
    return found


def spelled(ranges: Iterable[range]) -> str:
    """Return ranges as people write them, such as ``0 to 499, 1000, 1002 to 1100 by 2``; many are counted."""
    known = list(ranges)
    if len(known) <= _SPELLED_MAX:
        return ", ".join(map(_spelled, known))
    lowest, highest = min(one[0] for one in known), max(one[-1] for one in known)
    return f"{sum(map(_length, known))} of {lowest} to {highest}, in {len(known)} pieces"


def _spelled(one: range) -> str:
    first, last = one[0], one[-1]
    if first == last:
        return str(first)
    return f"{first} to {last}" + (f" by {one.step}" if one.step > 1 else "")
