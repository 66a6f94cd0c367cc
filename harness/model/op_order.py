"""In which order the operations of a lane may follow each other, as `fence.protocol` promises to serve them.

A fence says nothing about calls in another order: a release without an acquire may raise any
error. So such a program is refused before it runs, for a fence may not be accused of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["OpOrder"]

_WAITS: Final = ("think", "pause")
_TAKE: Final = "put acquire before it"


class OpOrder:
    """Follows one lane from operation to operation.

    Attributes:
        in_turn: whether a turn has begun and not ended.
        writer_holds: whether the lane's own writer has the lock, beside a turn.
    """

    def __init__(self) -> None:
        self.in_turn = self.writer_holds = False
        self._turns = self._works = False
        self._holds = self._loaded = self._decided = False
        self._steps: Mapping[str, Callable[[], str]] = {
            "begin_turn": self._begin_turn,
            "load": self._load,
            "append": self._append,
            "release_for_prompt": self._release_for_prompt,
            "guarded_write": self._guarded_write,
            "recover": self._recover,
            "end_turn": self._end_turn,
            "acquire": self._acquire,
            "rewrite": self._rewrite,
            "release": self._release,
        }

    def follow(self, kind: str) -> str:
        """Go on to an operation; return what is wrong with it here and what to do, empty for nothing.

        An ``acquire`` in a turn, after ``release_for_prompt``, is that of the lane's own writer, and what
        follows is the writer's as far as the ``release``.

        Args:
            kind: as `harness.model.program.Op` has it; any but ``action``.
        """
        return "" if kind in _WAITS else self._steps[kind]()

    def unfinished(self) -> str:
        """Return what the lane has to do before its program ends, empty for nothing."""
        if self.in_turn:
            return "the turn is not ended; put end_turn last"
        return "the lock is kept; put release last" if self._holds else ""

    def _begin_turn(self) -> str:
        if self.in_turn:
            return "a turn has begun already; put end_turn before it"
        if self._works:
            return "a lane that takes turns uses acquire in a turn only; make two lanes of it"
        self._turns = self.in_turn = self._holds = True
        self._loaded = self._decided = False
        return ""

    def _load(self) -> str:
        if self.writer_holds:
            return "the lane's own writer has the lock, and reads nothing; put release before it"
        if not self._holds:
            return f"reads under the lock, which the lane does not have here; {self._how_to_take()}"
        self._loaded = True
        return ""

    def _append(self) -> str:
        if not (self._holds or self.writer_holds):
            return f"writes under the lock, which the lane does not have here; {self._how_to_take()}"
        return ""

    def _release_for_prompt(self) -> str:
        if not self.in_turn:
            return "belongs to a turn; put begin_turn before it, or write release"
        if not self._holds:
            return "the lock is released already; remove it"
        self._holds = False
        return ""

    def _guarded_write(self) -> str:
        if not self.in_turn:
            return "belongs to a turn; put begin_turn, load and release_for_prompt before it"
        if self._holds:
            return "takes the lock itself, and the lane has it; put release_for_prompt before it"
        if self.writer_holds:
            return "takes the lock itself, and the lane's own writer has it; put release before it"
        if not self._loaded:
            return "nothing was loaded in this turn, so the fence has nothing to compare; put load before it"
        self._decided = True
        return ""

    def _recover(self) -> str:
        if not (self.in_turn and self._decided):
            return "accepts the content after a refusal; put guarded_write before it"
        return "the lane's own writer has the lock; put release before it" if self.writer_holds else ""

    def _end_turn(self) -> str:
        if not self.in_turn:
            return "no turn has begun; put begin_turn first"
        if self.writer_holds:
            return "the lane's own writer has the lock; put release before it"
        self.in_turn = self._holds = False
        return ""

    def _acquire(self) -> str:
        if self._holds or self.writer_holds:
            end = "release_for_prompt" if self.in_turn and self._holds else "release"
            return f"the lane has the lock already, and would wait for itself; put {end} before it"
        if self.in_turn:
            self.writer_holds = True
        elif self._turns:
            return "a lane that takes turns uses acquire in a turn only; make two lanes of it"
        else:
            self._works = self._holds = True
        return ""

    def _rewrite(self) -> str:
        if self.in_turn:
            return "does not belong to a turn; make another lane of it"
        if not self._holds:
            return f"writes under the lock, which the lane does not have here; {_TAKE}"
        return ""

    def _release(self) -> str:
        if self.writer_holds:
            self.writer_holds = False
        elif self.in_turn:
            return "a turn releases its lock by release_for_prompt or end_turn; write one of them"
        elif not self._holds:
            return f"the lane does not have the lock here; {_TAKE}, or remove it"
        else:
            self._holds = False
        return ""

    def _how_to_take(self) -> str:
        if self.in_turn:
            return "put it before release_for_prompt"
        return "put begin_turn before it" if self._turns else _TAKE
