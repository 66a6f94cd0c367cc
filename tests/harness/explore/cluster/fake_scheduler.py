"""A scheduler without Dask: workers that answer at once, in their turn, or never."""

from __future__ import annotations

import contextlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.explore.cluster.wire import Hello, SliceReply, SliceTask, decode_slice, encode
from harness.results.stats import Stats
from takeover_harness import dask_worker

__all__ = ["FakeScheduler", "marks", "numbers_of", "ran_all"]

Done = Callable[[str, object], None]


def numbers_of(task: SliceTask) -> range:
    return range(task.first, task.stop, task.step)


def marks(numbers: range) -> int:
    """Return a sum that tells each set of numbers apart, as that of histories does."""
    return sum(pow(3, one, 2**61 - 1) for one in numbers) % 2**64


def ran_all(task: SliceTask) -> SliceReply:
    """Answer that all schedules were run."""
    numbers = numbers_of(task)
    return SliceReply(Stats(schedules=len(numbers), histories=marks(numbers)), (), 0.01)


class FakeScheduler:
    """Stands for `harness.explore.cluster.scheduler.Scheduler`.

    Args:
        workers: addresses, each with what its host says of itself; None where our package is missing.
        answer: what comes of a slice; bytes or an exception stand for themselves.

    Attributes:
        held: workers that keep their answers to slices.
        slices: all that were submitted, with their worker.
        told: calls that went to workers at once.
    """

    def __init__(
        self, workers: dict[str, Hello | None], answer: Callable[[SliceTask], SliceReply | bytes] = ran_all
    ) -> None:
        self.name = "tcp://fake:1"
        self.there = dict(workers)
        self.answer = answer
        self.held: dict[str, list[Callable[[], None]]] = {}
        self.slices: list[tuple[str, SliceTask]] = []
        self.told: list[Any] = []

    @contextlib.contextmanager
    def connect(self, _name: str, _root: str) -> Iterator[Any]:
        yield self

    def workers(self) -> dict[str, int]:
        return dict.fromkeys(self.there, 1)

    def submit(self, name: str, address: str, call: Any, arguments: tuple[Any, ...], done: Done) -> None:
        hello = self.there[address]
        if call is pkgutil.get_data:
            done(name, b"source" if hello is not None else None)
        elif call is dask_worker.examine:
            assert hello is not None
            done(name, encode(hello))
        else:
            assert call is dask_worker.run_slice
            task = decode_slice(arguments[3])
            assert task is not None
            self.slices.append((address, task))

            def give() -> None:
                found = self.answer(task)
                done(name, encode(found) if isinstance(found, SliceReply) else found)

            if address in self.held:
                self.held[address].append(give)
            else:
                give()

    def forget(self, name: str) -> None:
        pass

    def tell(self, call: Any, arguments: Any, addresses: Iterable[str], wait_s: float = 0.0) -> None:
        self.told.append((call, arguments, list(addresses)))
