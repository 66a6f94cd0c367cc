"""Requests of a lane to its supervisor when it starts a program: for a terminal or an output."""

from __future__ import annotations

import ctypes
import os

from harness.model.stop_reasons import (
    OUTPUT,
    SCREEN,
    SCREEN_BYTES,
    STOP_CALL,
    TERMINAL,
    stop_arguments,
)

__all__ = ["ProgramRequests"]

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = [ctypes.c_long] * 6
_syscall.restype = ctypes.c_long


class ProgramRequests:
    """Descriptors that the supervisor gives to one start of a program.

    Args:
        lane: index of the lane.
        op: index of the operation that starts the program.
    """

    def __init__(self, lane: int, op: int) -> None:
        self._lane = lane
        self._op = op

    def terminal(self) -> int:
        """Return a descriptor of its terminal, which is the caller's to close.

        Raises:
            OSError: the machine has none.
        """
        return self._descriptor(TERMINAL)

    def output(self) -> int:
        """Return a descriptor for its standard output, which the supervisor reads; the caller's to close.

        Raises:
            OSError: the machine has none.
        """
        return self._descriptor(OUTPUT)

    def _descriptor(self, why: int) -> int:
        found = int(_syscall(STOP_CALL, *stop_arguments(why, self._lane, self._op)))
        if found < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return found

    def screen(self) -> str:
        """Return the lines that its terminal shows."""
        text = ctypes.create_string_buffer(SCREEN_BYTES)
        length = int(_syscall(STOP_CALL, *stop_arguments(SCREEN, self._lane, ctypes.addressof(text))))
        return text.raw[: max(0, length)].decode("utf-8", "replace")
