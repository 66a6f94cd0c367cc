"""Waits of a lane under the free gate: in real time, with jitter by seed.

Around each operation that may write it looks at the transcript, and it stamps the
beginning and the end of every operation on the board, the looks in between.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from harness.gates.free.snapshots import Log, look
from harness.gates.free.trace import MEASURED
from harness.model.program import Op, Program
from harness.model.shared_memory import SharedMemory

__all__ = ["Jitter"]

_JITTER_RATE, _JITTER_S = 0.5, 0.0005
_WAITING = frozenset({"think", "pause"})


class Jitter:
    """The waits of all lanes of one process.

    Args:
        transcript: its path.
        lanes: of the process; their places are those in the log.
        board, log: shared with the gate.
    """

    def __init__(self, transcript: str, lanes: Sequence[int], board: SharedMemory, log: Log) -> None:
        self._transcript = transcript
        self._board = board
        self._log = log
        self._places = {lane: place for place, lane in enumerate(lanes)}
        self._rngs: dict[int, random.Random] = {}
        self._step_s = 0.0
        self._ops: dict[int, tuple[Op, ...]] = {}

    def ready(self, lane: int, program: Program) -> None:
        """Prepare a lane to run a program."""
        self._rngs[lane] = random.Random(f"{program.clock_start_ns} {lane}")
        self._ops[lane] = program.lanes[lane].ops
        self._step_s = program.step_ns / 1e9

    def begin(self, lane: int, op: int) -> None:
        """Wait with jitter, then note the begin of an operation."""
        kind, rng = self._ops[lane][op].kind, self._rngs[lane]
        if kind not in _WAITING and rng.random() < _JITTER_RATE:
            time.sleep(rng.random() * _JITTER_S)
        self._board.stamp(lane, op, 0, time.monotonic_ns())
        if kind in MEASURED:
            self._log.add(self._places[lane], op, False, look(self._transcript))

    def end(self, lane: int, op: int) -> None:
        """Note the end of an operation."""
        if self._ops[lane][op].kind in MEASURED:
            self._log.add(self._places[lane], op, True, look(self._transcript))
        self._board.stamp(lane, op, 1, time.monotonic_ns())

    def think(self, lane: int, steps: int) -> None:
        """Sleep for each scheduling point about as long as a step takes in virtual time.

        Pauses are real: a model that thought for less would be done before any lane that
        pauses is back.
        """
        time.sleep(sum(self._rngs[lane].uniform(0.5, 1.5) for _ in range(steps)) * self._step_s)

    def pause(self, lane: int, duration_ms: int) -> None:
        """Sleep as long as that."""
        time.sleep(duration_ms / 1000)
