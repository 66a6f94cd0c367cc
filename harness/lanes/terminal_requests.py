"""What a lane asks its supervisor for when its program has a terminal: the terminal, and what it shows."""

from __future__ import annotations

import ctypes
import os

from harness.gates.kernel import linux_abi
from harness.model.stop_reasons import SCREEN, SCREEN_BYTES, TERMINAL

__all__ = ["TerminalRequests"]

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = [ctypes.c_long] * 4
_syscall.restype = ctypes.c_long


class TerminalRequests:
    """The terminal of a program that a lane starts.

    Args:
        lane: index of the lane.
        op: index of the operation that starts the program.
    """

    def __init__(self, lane: int, op: int) -> None:
        self._lane = lane
        self._op = op

    def open(self) -> int:
        """Return a descriptor of the terminal.

        Raises:
            OSError: the machine has none.
        """
        found = int(_syscall(linux_abi.PARK, TERMINAL, self._lane, self._op))
        if found < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return found

    def screen(self) -> str:
        """Return the lines that it shows."""
        text = ctypes.create_string_buffer(SCREEN_BYTES)
        length = int(_syscall(linux_abi.PARK, SCREEN, self._lane, ctypes.addressof(text)))
        return text.raw[: max(0, length)].decode("utf-8", "replace")
