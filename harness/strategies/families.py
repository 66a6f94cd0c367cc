"""Families of schedules that learn from each other: where they begin, and how a range of numbers is cut.

A schedule of a family needs the earlier ones to have run in the same explorer. So a family is handed out in
one piece where that is possible; an explorer that gets a part of one runs the rest again without counting it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.model.errors import UsageError
from harness.strategies import make
from harness.strategies.strategy import Strategy

__all__ = ["pieces", "program_number", "whole_until"]

#: Families beyond that are not kept together: a search of 2^40 schedules would have too many to list.
_KEPT_TOGETHER = 1 << 20


def program_number(strategy: str, index: int) -> int:
    """Return the number of the program that a schedule runs: that of the first one of its family.

    Args:
        strategy: name, as a history has it; one that chooses no schedules by number has no families.
        index: number of the schedule.
    """
    with contextlib.suppress(UsageError):
        return make(strategy).family(index).start
    return index


def pieces(numbers: range, strategy: Strategy) -> Iterator[tuple[range, bool]]:
    """Yield the numbers in order, cut where a family begins or ends, and whether a piece is of one family.

    Args:
        numbers: of schedules, ascending.
        strategy: that runs them.
    """
    size = strategy.family_size
    loose, rest = numbers[:0], numbers
    while size > 1 and rest and rest[0] - numbers[0] < _KEPT_TOGETHER:
        block_end = min(rest[0] - rest[0] % size + size, rest.stop)
        count = len(range(rest[0], block_end, rest.step))
        if len(strategy.family(rest[0])) > 1:
            if loose:
                yield loose, False
            yield rest[:count], True
            loose = rest[:0]
        else:
            loose = range(loose.start if loose else rest[0], rest[count - 1] + 1, rest.step)
        rest = rest[count:]
    if loose and rest:
        loose, rest = range(loose.start, rest.stop, rest.step), rest[:0]
    if loose or rest:
        yield loose or rest, False


def whole_until(numbers: range, wanted: int, strategy: Strategy) -> int:
    """Return how many of the numbers to take, so that no family is cut: the wanted ones, or a few more."""
    if not 0 < wanted < len(numbers):
        return wanted
    stop = min(strategy.family(numbers[wanted - 1]).stop, numbers.stop)
    return len(range(numbers[0], stop, numbers.step))
