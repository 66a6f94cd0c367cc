"""What an external fence finds in a worker: its lanes, whose turn it is, and where last words go.

The fence's proxy knows no gate. Here its adapters are announced to the gate, taking turns
becomes a stop at it, and an adapter that broke ends the process with the reason
on the board, so that the schedule is inconclusive and nobody is accused.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from fence.external import ExternalFence, Surroundings
from fence.protocol import Fence
from harness.board import Board

__all__ = ["Hosting", "host"]


class Hosting(Surroundings):
    """The surroundings in a worker of the free gate: lanes are threads, the gate keeps watch.

    Args:
        lanes: names of the process's lanes.
        board: shared with the gate.
    """

    patience_s = None

    def __init__(self, lanes: tuple[str, ...], board: Board) -> None:
        super().__init__()
        self.lanes = lanes
        self._board = board

    def heard(self, line: str) -> None:
        """Keep it where the gate can read it when this process hangs."""
        self._board.hear(line)

    def give_up(self, why: str) -> None:
        """Say why and end this process: nothing can be known of its lanes any more."""
        self._board.say(why)
        os.kill(os.getpid(), signal.SIGKILL)


def host(make_fence: Callable[..., Fence], make_hosting: Callable[[], Hosting]) -> None:
    """Give a fence its surroundings, if it is external.

    Args:
        make_fence: its class.
        make_hosting: makes them.
    """
    if isinstance(make_fence, type) and issubclass(make_fence, ExternalFence):
        make_fence.settle(make_hosting())
