"""What a pass is: it proposes smaller cases, and is told what came of each.

A pass is a generator and knows nothing of processes. It yields a `Case` and is sent
an `Answer`; what it proposes next may depend on that and on nothing else, so that
the same witness always becomes the same story.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import msgspec

from harness.model.schedule import Choice
from harness.shrink.candidate import Case, Shown

__all__ = ["Answer", "Pass", "fewer"]

_Item = TypeVar("_Item")


class Answer(msgspec.Struct, frozen=True):
    """What came of a case.

    Args:
        better: what it became, when it shows the violation and is smaller than the best before.
        shows: whether it shows the violation, however large it is.
        same_kind: whether it shows one of its kind, this one or another.
        conclusive: whether the truth of it is known.
        clean: whether it is conclusive and shows no violation of any kind.
        choices: the schedule that it really took.
    """

    better: Shown | None
    shows: bool
    same_kind: bool
    conclusive: bool
    clean: bool
    choices: tuple[Choice, ...]


#: From the best so far to proposals.
Pass = Callable[[Shown], Generator[Case, Answer, None]]


def fewer(
    items: Sequence[_Item], build: Callable[[list[_Item]], Case]
) -> Generator[Case, Answer, list[_Item]]:
    """Leave out all, then halves, quarters and single ones, the last first (Zeller's delta debugging).

    Args:
        items: what may be left out.
        build: makes a case of those that are kept.

    Returns:
        What was kept.
    """
    kept = list(items)
    size = len(kept)
    while size:
        end = len(kept)
        while end > 0:
            start = max(0, end - size)
            trial = kept[:start] + kept[end:]
            answer = yield build(trial)
            if answer.better is not None:
                kept = trial
            end = start
        size //= 2
    return kept
