"""Run the built-in workload that every sample is measured against.

The workload resembles the kernel gate: two processes on one core pass a byte to and fro, and between
run some Python that walks through more memory than the nearest cache holds. Neighbours in the cache or a
lower clock slow both down about as much: where that made ten samples take 15 % more or less, the quotient
moved by 2 %. Shorter chores, plain hand-offs, file calls, ten times the memory and a tour of the standard
library were tried instead, and moved by 3 to 8 %.

Every stored ratio depends on the workload: a change has to raise `VERSION`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import struct
from types import TracebackType
from typing import Self

from harness.tools.bench.sampling import Spent, Stopwatch

__all__ = ["VERSION", "Reference"]

VERSION = 1

#: How often a byte goes to and fro.
_WAYS = 20
_OBJECTS = 4000
#: Objects that are visited each time.
_WALK = 40
_GO, _QUIT = b"x", b"q"
_PATTERN = re.compile(r"(\w+)-(\d+)")


class _Item:
    __slots__ = ("name", "number", "share")

    def __init__(self, number: int, name: str, share: float) -> None:
        self.number, self.name, self.share = number, name, share


class _Chore:
    """A mix of common interpreter work."""

    def __init__(self) -> None:
        self._objects = [(number, str(number), number * 1.5) for number in range(_OBJECTS)]
        self._order = list(range(_OBJECTS))
        random.Random(1).shuffle(self._order)
        self._at = 0

    def do(self) -> None:
        """Make objects from scattered memory, serialize and parse them."""
        found = {}
        for place in self._order[self._at : self._at + _WALK]:
            number, name, share = self._objects[place]
            found[name] = _Item(number, name, share)
        self._at = (self._at + _WALK) % (_OBJECTS - _WALK)
        text = json.dumps([(item.number, name, item.share) for name, item in list(found.items())[:6]])
        json.loads(text)
        _PATTERN.match("item-12")
        struct.pack("<QQII", 1, 2, 3, 4)
        hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Reference:
    """Runs the workload in this process and a child on the same core. Use as a context manager."""

    def __enter__(self) -> Self:
        self._chore = _Chore()
        (theirs, self._writing), (self._reading, far) = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._writing)
            os.close(self._reading)
            self._answer(theirs, far)
        os.close(theirs)
        os.close(far)
        self._watch = Stopwatch(lambda: [self.pid])
        return self

    def _answer(self, reading: int, writing: int) -> None:
        """Serve as the child until the parent quits."""
        # Even on an error, the child must not go on as a copy of its parent.
        with contextlib.suppress(BaseException):
            while os.read(reading, 1) == _GO:
                self._chore.do()
                os.close(os.open("/", os.O_RDONLY))
                os.write(writing, _GO)
        os._exit(0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            os.write(self._writing, _QUIT)
        os.close(self._writing)
        os.close(self._reading)
        os.waitpid(self.pid, 0)

    def run(self) -> Spent:
        """Run the workload once, some two milliseconds, and return its time."""
        with self._watch as watch:
            for _ in range(_WAYS):
                self._chore.do()
                os.stat("/")
                os.write(self._writing, _GO)
                os.read(self._reading, 1)
        return watch.spent
