"""A work item: which schedules an explorer process runs.

The harness imports this module alone. The modules that run schedules are imported by the explorer's
process, before it gets its first item.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

import msgspec

from harness.results.stats import Stats
from harness.scenario.definition import Scenario

__all__ = ["WorkItem"]


class WorkItem(msgspec.Struct, frozen=True):
    """Schedules of one scenario under one fence, for one explorer process.

    Args:
        scenario: what to run.
        fence: reference.
        gate, strategy: names.
        seed: of the run.
        first, stride, stop: schedule indices ``range(first, stop, stride)``.
        root: where to make the session directory; empty for where the others are.
        until: kind of violation; the first schedule that shows it is the last one. Empty for none.
        each: whether the statistics say what each schedule shows, see `Stats.each`.
        more: further schedule indices, which come after those.
        keep: whether its workers may serve the next item, see `harness.explore.explorer_cache`.
    """

    finds: ClassVar[Any] = Stats

    scenario: Scenario
    fence: str
    gate: str
    strategy: str
    seed: int
    first: int
    stride: int
    stop: int
    root: str = ""
    until: str = ""
    each: bool = False
    more: tuple[range, ...] = ()
    keep: bool = True

    @property
    def indices(self) -> Iterator[int]:
        """Indices of its schedules, in order."""
        return itertools.chain(range(self.first, self.stop, self.stride), *self.more)

    def run(self, root: str) -> Generator[Stats, None, None]:
        """Run the schedules, see `Explorer.explore`.

        Args:
            root: where the explorer process has its session directories.

        Yields:
            Statistics of no schedule, with what the fence claims, once the workers are started; then those
            of the schedules.
        """
        from harness.explore.explorer_cache import cached_explorer

        where = self.root or root
        with cached_explorer(self.scenario, self.fence, self.gate, where, keep=self.keep) as explorer:
            yield Stats(claims=explorer.claims)
            yield from explorer.explore(self)
