"""Which schedules an explorer is to run: as much as the harness needs to say so.

What it takes to run them is imported in the explorer's process, which has done so
before the work comes.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator

import msgspec

from harness.results.stats import Stats
from harness.scenario.definition import Scenario

__all__ = ["WorkItem"]


class WorkItem(msgspec.Struct, frozen=True):
    """Schedules of one scenario under one fence: work for an explorer process.

    Args:
        scenario: what to run.
        fence: reference.
        gate, strategy: names.
        seed: of the run.
        first, stride, stop: schedule indices ``range(first, stop, stride)``.
        root: where to make the session directory; empty for where the others are.
        until: kind of violation whose first schedule is the last one; empty for none.
        each: whether the tallies say what each schedule shows, see `Tally.each`.
        more: further schedule indices, which come after those.
        keep: whether its workers may serve the next one, see `harness.explore.explorer_cache`.
    """

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
        """Of its schedules, in order."""
        return itertools.chain(range(self.first, self.stop, self.stride), *self.more)

    def run(self, root: str) -> Generator[Stats, None, None]:
        """Carry it out, see `Explorer.explore`; the first tally is empty and says that the workers stand.

        Args:
            root: where the explorer process has its session directories.
        """
        from harness.explore.explorer_cache import standing

        where = self.root or root
        with standing(self.scenario, self.fence, self.gate, where, keep=self.keep) as explorer:
            yield Stats()
            yield from explorer.explore(self)
