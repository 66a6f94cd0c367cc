"""Define the type of a rogue action and the rules for its body.

A body is a short sequence of plain system calls on the transcript and on names beside it. Each call
becomes a scheduling point. So a body makes no more calls than the program that it stands for, keeps
nothing open longer than that program would, and expects other lanes to step between any two calls.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import random
import re
from collections.abc import Callable, Mapping
from typing import Literal

from harness.scenario.actions import rogue_lines

__all__ = ["Action", "Args", "Draw", "Effect", "MakeLine", "Scene", "coin", "per_mille"]

Args = Mapping[str, int | str | bool]

#: Makes a line of the transcript, without its newline, from an entry's type and id.
MakeLine = Callable[[str, str], str]

#: Turns a random number in [0, 1) into one argument.
Draw = Callable[[float], int | str | bool]

#: Effect of a complete action that a reader sees if no other lane steps: other bytes or no file; the
#: same bytes in the same file; the same bytes in another file.
Effect = Literal["changes", "none", "other_file"]

#: Errors that a body gets when other lanes changed the files: the file is gone, a name is taken, or a
#: mapped page was truncated.
_MOVED = frozenset({errno.ENOENT, errno.EEXIST, errno.EFAULT})

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


def per_mille(number: float) -> int:
    """Draw a position in a file: 0 to 999 thousandths of it."""
    return int(number * 1000)


def coin(number: float) -> bool:
    """Draw yes or no; small numbers mean no."""
    return number >= 0.5  # noqa: PLR2004  # a coin has two sides


class Scene:
    """Provides the body of an action with paths, drawn arguments and lines.

    Args:
        path: absolute path of the transcript.
        args: the drawn arguments, with the ``id`` for a line that is written.
        make_line: makes the lines.
    """

    def __init__(self, path: str, args: Args, make_line: MakeLine) -> None:
        self.path = path
        self._args = args
        self._make_line = make_line
        self._tag = _NO_NAME.sub("_", str(args.get("id", args.get("n", 0))))
        self._spares: dict[str, str] = {}

    def number(self, name: str) -> int:
        """Return a drawn argument; 0 when it was not drawn."""
        return int(self._args.get(name, 0))

    def line(self, kind: str) -> bytes:
        """Return a complete line of the given type with the action's id."""
        identity = str(self._args.get("id", f"rogue-{self.number('n')}"))
        return f"{self._make_line(kind, identity)}\n".encode()

    def spare(self, part: str = "tmp") -> str:
        """Return a name beside the transcript for a file of the action's own."""
        return self._spares.setdefault(part, f"{self.path}.rogue-{self._tag}.{part}")

    def aside(self) -> str:
        """Return a name beside the transcript for the transcript itself; it is never cleaned up."""
        return f"{self.path}.rogue-{self._tag}.aside"

    def changed(self, content: bytes) -> bytes:
        """Return `content` with other bytes of the same length at the drawn position."""
        return rogue_lines.change(content, self.number("where"))

    def clean_up(self) -> None:
        """Remove the files that an aborted action may have left."""
        for name in self._spares.values():
            with contextlib.suppress(OSError):
                os.unlink(name)


@dataclasses.dataclass(frozen=True)
class Action:
    """One kind of change that a rogue makes.

    Args:
        name: in kebab-case.
        about: one line for ``list actions``.
        effect: effect of the complete action that a reader sees.
        body: makes the system calls.
        draws: functions that draw the arguments, by name; each takes one random number, in this order.
        leaves: parts of the names that intentionally stay beside the transcript.
    """

    name: str
    about: str
    effect: Effect
    body: Callable[[Scene], None]
    draws: Mapping[str, Draw] = dataclasses.field(default_factory=dict)
    leaves: tuple[str, ...] = ()

    def draw(self, rng: random.Random) -> dict[str, int | str | bool]:
        """Draw every argument; ``n`` names the files of an action without an id."""
        args: dict[str, int | str | bool] = {"n": int(rng.random() * 1_000_000)}
        return args | {name: draw(rng.random()) for name, draw in self.draws.items()}

    def perform(self, path: str, args: Args, make_line: MakeLine = rogue_lines.make_line) -> None:
        """Perform the action; stop silently if another lane's change makes a call fail.

        Args:
            path: absolute path of the transcript.
            args: from `draw`; ``id`` is the id of the line that the action writes, if it
                writes one, and makes its temporary names unique.
            make_line: makes the lines.

        Raises:
            OSError: any failure that a change by another lane does not explain.
        """
        scene = Scene(path, args, make_line)
        try:
            self.body(scene)
        except OSError as error:
            scene.clean_up()
            if error.errno not in _MOVED:
                raise
