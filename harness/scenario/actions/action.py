"""What an action is, and what its body may do.

A body is a handful of plain system calls on the transcript and on names beside
it. Each call becomes a scheduling point, so a body makes as few as the program
that it stands for, holds nothing open longer than that program would, and expects
the world to move between any two of them.
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

#: One argument from one random number in [0, 1).
Draw = Callable[[float], int | str | bool]

#: What a reader can see once the action is complete, if nobody else moved: other
#: bytes or no file; the same bytes in the same file; the same bytes in another file.
Effect = Literal["changes", "none", "other_file"]

#: What a moving world looks like to a body: the file went away, a name was taken,
#: a mapped page was cut off.
_MOVED = frozenset({errno.ENOENT, errno.EEXIST, errno.EFAULT})

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


def per_mille(number: float) -> int:
    """Draw a place in a file: 0 to 999 thousandths of it."""
    return int(number * 1000)


def coin(number: float) -> bool:
    """Draw yes or no; small numbers mean no."""
    return number >= 0.5  # noqa: PLR2004  # a coin has two sides


class Scene:
    """One performance of an action.

    Args:
        path: the transcript, absolute.
        args: what was drawn, with the ``id`` for a line that is written.
        make_line: where lines come from.
    """

    def __init__(self, path: str, args: Args, make_line: MakeLine) -> None:
        self.path = path
        self._args = args
        self._make_line = make_line
        self._tag = _NO_NAME.sub("_", str(args.get("id", args.get("n", 0))))
        self._spares: dict[str, str] = {}

    def number(self, name: str) -> int:
        """A drawn argument; 0 when the args do not have it."""
        return int(self._args.get(name, 0))

    def line(self, kind: str) -> bytes:
        """A whole line of the given type under the id of this performance."""
        identity = str(self._args.get("id", f"rogue-{self.number('n')}"))
        return f"{self._make_line(kind, identity)}\n".encode()

    def spare(self, part: str = "tmp") -> str:
        """A name beside the transcript for a file of the action's own."""
        return self._spares.setdefault(part, f"{self.path}.rogue-{self._tag}.{part}")

    def aside(self) -> str:
        """A name beside the transcript for the transcript itself: never cleaned up."""
        return f"{self.path}.rogue-{self._tag}.aside"

    def changed(self, content: bytes) -> bytes:
        """`content` with other bytes of the same length at the drawn place."""
        return rogue_lines.change(content, self.number("where"))

    def clean_up(self) -> None:
        """Remove what an action that broke off may have left."""
        for name in self._spares.values():
            with contextlib.suppress(OSError):
                os.unlink(name)


@dataclasses.dataclass(frozen=True)
class Action:
    """One thing that a rogue does.

    Args:
        name: in kebab-case.
        about: one line for ``list actions``.
        effect: what a reader sees when it is complete.
        body: the system calls.
        draws: arguments by name; each takes one random number, in this order.
        leaves: parts of the names that stay beside the transcript on purpose.
    """

    name: str
    about: str
    effect: Effect
    body: Callable[[Scene], None]
    draws: Mapping[str, Draw] = dataclasses.field(default_factory=dict)
    leaves: tuple[str, ...] = ()

    def draw(self, rng: random.Random) -> dict[str, int | str | bool]:
        """Fix every argument; ``n`` names the files of a performance without an id."""
        args: dict[str, int | str | bool] = {"n": int(rng.random() * 1_000_000)}
        return args | {name: draw(rng.random()) for name, draw in self.draws.items()}

    def perform(self, path: str, args: Args, make_line: MakeLine = rogue_lines.make_line) -> None:
        """Do it; simply stop where the world moved under it.

        Args:
            path: the transcript, absolute.
            args: from `draw`; ``id`` is the id of the line that the action writes, if it
                writes one, and makes its temporary names unique.
            make_line: where lines come from.

        Raises:
            OSError: any failure but those of a file that moved.
        """
        scene = Scene(path, args, make_line)
        try:
            self.body(scene)
        except OSError as error:
            scene.clean_up()
            if error.errno not in _MOVED:
                raise
