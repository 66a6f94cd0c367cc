"""Define the stored form of a benchmark, and read and write it."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from harness.model.errors import FormatError
from harness.model.unreadable import UNREADABLE
from harness.system.bounded_read import content
from harness.system.machine import Facts

__all__ = ["PARTS", "Figures", "Part", "Quantity", "encode", "mark_of", "merged", "quantity_of", "read"]

Part = Literal["scenarios", "growth", "controls", "walls", "gate"]
PARTS: tuple[Part, ...] = ("scenarios", "growth", "controls", "walls", "gate")

_FORMAT = "harness bench"
_FILE_BYTES_MAX = 1 << 22
_VERSION = 1
_DIGITS = 6


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measured quantity.

    Args:
        name: unique in a file.
        part: which part of the benchmark measured it.
        unit: what `cost` and `wall` count.
        setup: mark of the setup; figures of different setups cannot be compared.
        against: name of the reference.
        ratios: processor time of each sample over that of the reference around it; none
            if nothing was timed.
        cost: median processor time, in the unit.
        wall: median time on the clock, in the unit; it depends on the load of the machine.
        rates: by name, a second of the clock.
        counters: that are the same in each sample, by name.
        unsteady: names of counters that differ between samples.
        doubt: why the figures are worth nothing; empty when they are valid.
    """

    name: str
    part: Part
    unit: str
    setup: str
    against: str = "reference"
    ratios: tuple[float, ...] = ()
    cost: float = 0.0
    wall: float = 0.0
    rates: dict[str, float] = {}
    counters: dict[str, int] = {}
    unsteady: tuple[str, ...] = ()
    doubt: str = ""


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole benchmark.

    Args:
        format, version: of this file.
        machine: facts that two runs must share to be compared, and the load.
        reference: version of the reference workload.
        reference_ms: its median processor time here.
        parts: that were measured.
        quantities: that were measured in them.
        gate: parts of a step; not compared.
        interrupted: whether the user interrupted the run.
    """

    format: str
    version: int
    machine: Facts
    reference: int
    reference_ms: float
    parts: tuple[Part, ...]
    quantities: tuple[Quantity, ...]
    gate: dict[str, Any] | None = None
    interrupted: bool = False

    @classmethod
    def of(
        cls,
        machine: Facts,
        reference: int,
        reference_ms: float,
        parts: Sequence[Part],
        quantities: Sequence[Quantity],
        gate: dict[str, Any] | None,
        interrupted: bool,
    ) -> Figures:
        """Return figures in the current format."""
        return cls(
            _FORMAT,
            _VERSION,
            machine,
            reference,
            round(reference_ms, 3),
            tuple(parts),
            tuple(quantities),
            gate,
            interrupted,
        )


def mark_of(setup: Mapping[str, object]) -> str:
    """Return a short mark of a setup; equal setups have equal marks."""
    return hashlib.blake2b(msgspec.json.encode(setup, order="deterministic"), digest_size=8).hexdigest()


def quantity_of(
    name: str,
    part: Part,
    unit: str,
    setup: Mapping[str, object],
    samples: Sequence[tuple[float, float, float]],
    counters: Sequence[Mapping[str, int]] = (),
    doubt: str = "",
    against: str = "reference",
) -> Quantity:
    """Return the quantity that some samples make.

    Args:
        name, part, unit: see `Quantity`.
        setup: everything that makes the figures what they are.
        samples: each its ratio to the reference, processor time and time on the clock, both in the unit.
        counters: those of each sample.
        doubt: why they are worth nothing; empty when they are valid.
        against: name of the reference.
    """
    names = list(dict.fromkeys(name for each in counters for name in each))
    unsteady = tuple(one for one in names if len({each.get(one) for each in counters}) > 1)
    return Quantity(
        name,
        part,
        unit,
        mark_of(setup),
        against,
        tuple(_short(ratio) for ratio, _, _ in samples),
        _short(statistics.median(cost for _, cost, _ in samples)) if samples else 0.0,
        _short(statistics.median(wall for _, _, wall in samples)) if samples else 0.0,
        {},
        {one: counters[0][one] for one in names if one not in unsteady},
        unsteady,
        doubt,
    )


def merged(one: Quantity, other: Quantity) -> Quantity:
    """Return one quantity of two sittings; costs and rates are the mean of both."""
    steady = {name: count for name, count in one.counters.items() if other.counters.get(name) == count}
    names = dict.fromkeys([*one.counters, *one.unsteady, *other.counters, *other.unsteady])
    return Quantity(
        one.name,
        one.part,
        one.unit,
        one.setup,
        one.against,
        one.ratios + other.ratios,
        _short((one.cost + other.cost) / 2),
        _short((one.wall + other.wall) / 2),
        {name: _short((rate + other.rates.get(name, rate)) / 2) for name, rate in one.rates.items()},
        steady,
        tuple(name for name in names if name not in steady),
        one.doubt or other.doubt,
    )


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def encode(figures: Figures) -> bytes:
    """Return the stored form."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n"


def read(path: str) -> Figures:
    """Read a stored benchmark and return it.

    Raises:
        FormatError: the file cannot be read, or is no benchmark that can be compared.
    """
    remedy = f"make one with `python -m harness bench --out {path}`"
    try:
        data = content(path, _FILE_BYTES_MAX)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}; {remedy}") from error
    try:
        head = msgspec.json.decode(data)
    except UNREADABLE as error:
        raise FormatError(f"{path}: is no JSON: {error}; {remedy}") from error
    form = head.get("format") if isinstance(head, dict) else None
    if form != _FORMAT:
        raise FormatError(f"{path}: format {form!r}, expected {_FORMAT!r}; {remedy}")
    if head.get("version") != _VERSION:
        raise FormatError(f"{path}: version {head.get('version')!r}, expected {_VERSION}; {remedy}")
    try:
        found = msgspec.convert(head, Figures)
    except UNREADABLE as error:
        raise FormatError(f"{path}: damaged: {error}; {remedy}") from error
    wrong = _contradiction(found)
    if wrong:
        raise FormatError(f"{path}: damaged: {wrong}; {remedy}")
    return found


def _contradiction(found: Figures) -> str:
    """Return what is wrong though the form is right: duplicate names, impossible ratios."""
    names = [quantity.name for quantity in found.quantities]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return f"{twice!r} is there twice"
    for quantity in found.quantities:
        for ratio in quantity.ratios:
            if not 0 < ratio < float("inf"):
                return f"{quantity.name}: ratio {ratio}, expected one > 0"
    return ""
