"""Terminals of programs: opened by the supervisor, which reads what is shown and types the keys.

A key is typed when all that a lane has started is at rest and one of its processes waits for the terminal.
Typing is a step of the lane, so it comes at a place of the schedule, and so does what the program does then.
Output is read as it comes, so that no program waits for a reader.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import Final

from harness.gates.kernel.handed_descriptors import hand_over
from harness.gates.kernel.interference import Signals
from harness.gates.kernel.lane import Lane, TraceeProcess, TraceeThread, Worker
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.reactions import Answer
from harness.gates.kernel.terminal_screen import shown
from harness.gates.kernel.terminal_waits import waits_for
from harness.model.errors import Shortage
from harness.model.program import Op, Program
from harness.scenario.keys import pause_ms, sent
from harness.system.machine_limits import check_descriptor, of_error
from harness.system.terminals import COLUMNS, ROWS, TerminalPair

__all__ = ["Terminal", "Terminals", "Typist"]

_MS = 1_000_000
_CHUNK = 1 << 16
#: A program that shows something without end must not keep its reader.
_CHUNKS_MAX = 64
#: Characters of a screen in the reason for an inconclusive schedule.
_SAID_MAX = 200
#: How much of what was shown is kept.
_SHOWN_MAX = 1 << 18
#: The sequences by which a program switches its cursor keys to other codes, and back.
_APPLICATION, _NORMAL = b"\x1b[?1h", b"\x1b[?1l"
#: Signals that the kernel sends to programs at a terminal, for a key, for its end, or in the background.
_SIGNALS: Final = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)


class Terminal:
    """The terminal of one start of a program.

    Args:
        pair: its two ends.
        op: the operation that starts the program.
    """

    def __init__(self, pair: TerminalPair, op: Op) -> None:
        self._pair = pair
        self._term = op.term
        self._keys = list(op.keys)
        self._output = bytearray()
        self._due_ns = -1
        self._poll = select.poll()
        self._poll.register(pair.slave, select.POLLIN)
        self.slave = pair.slave

    def close(self) -> None:
        """Close it; the kernel tells programs that are still at it."""
        self._pair.close()

    def drain(self) -> bool:
        """Read what was shown, a part of it where that does not end; return whether anything was."""
        length = len(self._output)
        for _ in range(_CHUNKS_MAX):
            try:
                self._output += os.read(self._pair.master, _CHUNK)
            except BlockingIOError:
                break
        grown = len(self._output) > length
        del self._output[:-_SHOWN_MAX]
        return grown

    def screen(self) -> str:
        """Return the lines that it shows and that are not empty, as one text."""
        self.drain()
        return "\n".join(line for line in shown(bytes(self._output), ROWS, COLUMNS) if line)

    # Keys

    def due_ns(self, now_ns: int) -> int | None:
        """Return the virtual time at which the next key is due; None where no key is left.

        Args:
            now_ns: virtual time; the program waits for its terminal.
        """
        if self._due_ns < 0:
            pause = 0
            while self._keys and (more := pause_ms(self._keys[0])) is not None:
                pause += more
                del self._keys[0]
            self._due_ns = now_ns + pause * _MS
        return self._due_ns if self._keys else None

    def type_next(self) -> str:
        """Type the next item of the keys, and return it."""
        self.drain()
        item = self._keys.pop(0)
        self._due_ns = -1
        application = self._output.rfind(_APPLICATION) > self._output.rfind(_NORMAL)
        os.write(self._pair.master, sent(item, self._term, application=application))
        # The kernel hands it on in a thread of its own. A look at the other end waits for that.
        self._poll.poll(0)
        return item


class Typist(TraceeThread):
    """Types at a terminal: shown as a thread of the process that waits for a key, asleep until it is due."""

    def __init__(self, tracee: TraceeProcess, terminal: Terminal, due_ns: int) -> None:
        super().__init__(tracee, 0, -1)
        self.terminal = terminal
        self.status, self.wake_ns = Status.SLEEP, due_ns


class Terminals:
    """The terminals of one schedule.

    Args:
        open_pair: opens one.
    """

    def __init__(self, open_pair: Callable[[], TerminalPair]) -> None:
        self._open_pair = open_pair
        self._program: Program | None = None
        #: By lane; the last one is that of its running program.
        self._open: dict[int, list[Terminal]] = {}

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        self._program = program

    def close(self) -> None:
        """Close all, for the schedule is over."""
        for terminals in self._open.values():
            for terminal in terminals:
                terminal.close()
        self._open.clear()

    @property
    def any_open(self) -> bool:
        """Return whether there is one."""
        return bool(self._open)

    def of(self, lane: Lane | None) -> Terminal | None:
        """Return the terminal of a lane's program."""
        return self._open[lane.index][-1] if lane is not None and lane.index in self._open else None

    def open(self, pending: PendingSyscall, lane: int, op: int, signals: Signals) -> Answer:
        """Answer a lane that wants a terminal for the program of an operation, with its descriptor.

        Raises:
            Shortage: the machine has no descriptor for it.
            OSError: it has no terminal.
        """
        assert self._program is not None
        try:
            pair = self._open_pair()
        except OSError as error:
            if why := of_error(error):
                raise Shortage(why) from error
            raise
        try:
            check_descriptor(pair.slave)
        except Shortage:
            os.close(pair.master)
            raise
        for number in _SIGNALS:
            signals.sent(0, number)
        self._open.setdefault(lane, []).append(Terminal(pair, self._program.lanes[lane].ops[op]))
        return Answer(hand_over(pending, pair.slave))

    def drain(self) -> bool:
        """Read what is shown at any; return whether anything was."""
        return any([one.drain() for terminals in self._open.values() for one in terminals])

    def offer(self, worker: Worker, now_ns: int) -> None:
        """Show each lane whose program waits for its terminal as asleep until its next key is due.

        Args:
            worker: of the lanes; all its processes are at rest.
            now_ns: virtual time.
        """
        for lane in worker.lanes:
            lane.is_typed_for(None)
            terminal = self.of(lane)
            tracee = self._waiting(worker, lane, terminal) if terminal is not None else None
            if terminal is None or tracee is None:
                continue
            due_ns = terminal.due_ns(now_ns)
            if due_ns is not None:
                lane.is_typed_for(Typist(tracee, terminal, due_ns))

    def why_waiting(self, worker: Worker, lane: Lane) -> str:
        """Return what to say of a lane whose program waits for a key that does not come; may be empty."""
        terminal = self.of(lane)
        if terminal is None or self._waiting(worker, lane, terminal) is None:
            return ""
        said = " ".join(terminal.screen().split())[-_SAID_MAX:]
        return f"it waits for its terminal and no key is left; the screen ends with: {said}"

    @staticmethod
    def _waiting(worker: Worker, lane: Lane, terminal: Terminal) -> TraceeProcess | None:
        """Return the first process of a lane that waits for its terminal."""
        for tracee in worker.tracees.values():
            if tracee.lane is lane and waits_for(tracee, terminal.slave):
                return tracee
        return None
