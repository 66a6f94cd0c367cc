"""The places on other machines at which slices run.

A Dask worker has a seat for each of its threads, as far as its machine has a processor for each, and one at
least. Each worker is examined before it gets a slice, and one that cannot serve the run is refused.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from harness.explore.cluster.wire import Hello

__all__ = ["Seat", "Seats"]


class Seat(NamedTuple):
    """A place at which one slice runs at a time.

    Args:
        address: of the Dask worker.
        number: of the seat there, from 0.
        core: processor for it.
        machine: its name.
    """

    address: str
    number: int
    core: int
    machine: str

    @property
    def name(self) -> str:
        """The name in the report."""
        return f"{self.machine}, worker {self.address}"


class Seats:
    """All seats of a cluster.

    Attributes:
        refused: by address of a Dask worker, why it gets no slice.
    """

    def __init__(self) -> None:
        self._threads: dict[str, int] = {}
        self._free: list[Seat] = []
        self._busy: dict[str, Seat] = {}
        self._cores: collections.Counter[tuple[str, int]] = collections.Counter()
        self.refused: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._free) + len(self._busy)

    def compare(self, workers: Mapping[str, int]) -> tuple[list[str], list[str]]:
        """Return the Dask workers that are new, and the names of the slices that ran where one is gone.

        Args:
            workers: those that are there, each with its number of threads.
        """
        new = [address for address in workers if address not in self._threads]
        gone = [address for address in self._threads if address not in workers]
        lost = [name for address in gone for name in self.remove(address)]
        self._threads.update((address, workers[address]) for address in new)
        return new, lost

    def admit(self, address: str, hello: Hello) -> None:
        """Take the seats of a Dask worker in, or note why there are none."""
        if address not in self._threads:
            return
        if hello.faults:
            self.refused[address] = (
                f"{f'{hello.machine}, ' if hello.machine else ''}{address}: {'; '.join(hello.faults)}"
            )
            return
        for number in range(self._threads[address]):
            core = min(hello.cores, key=lambda one: (self._cores[hello.machine, one], one))
            if number and self._cores[hello.machine, core]:
                # Two explorers on one processor are no faster than one.
                break
            self._cores[hello.machine, core] += 1
            self._free.append(Seat(address, number, core, hello.machine))

    def remove(self, address: str) -> list[str]:
        """Let the seats of a Dask worker go, and return the names of the slices that ran there."""
        self._threads.pop(address, None)
        self.refused.pop(address, None)
        names = [name for name, seat in self._busy.items() if seat.address == address]
        seats = [seat for seat in self._free if seat.address == address]
        seats += [self._busy.pop(name) for name in names]
        self._free = [seat for seat in self._free if seat.address != address]
        for seat in seats:
            self._cores[seat.machine, seat.core] -= 1
        return names

    @property
    def any_free(self) -> bool:
        """Whether a slice can be begun."""
        return bool(self._free)

    def address_of(self, name: str) -> str:
        """Return the Dask worker at which a slice runs."""
        return self._busy[name].address

    def take(self, name: str) -> Seat | None:
        """Give a free seat to a slice; None where all are taken."""
        if not self._free:
            return None
        self._busy[name] = self._free.pop(0)
        return self._busy[name]

    def free(self, name: str) -> Seat | None:
        """Take the seat of a slice back; None where it is gone."""
        seat = self._busy.pop(name, None)
        if seat is not None:
            self._free.append(seat)
        return seat

    def of(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the names of slices by the Dask worker at which they run."""
        found: dict[str, list[str]] = {}
        for name in names:
            if name in self._busy:
                found.setdefault(self._busy[name].address, []).append(name)
        return found

    @property
    def addresses(self) -> list[str]:
        """The Dask workers that are known, refused ones as well."""
        return list(self._threads)
