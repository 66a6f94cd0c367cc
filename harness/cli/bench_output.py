"""Prints what `bench` has measured: each quantity when it is known, the curves, and a comparison."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from harness.cli.output import emit
from harness.report.growth_chart import growth_text
from harness.tools.bench.comparing import MARGIN, Change
from harness.tools.bench.figures import Quantity
from harness.tools.bench.growth import CALLS, size_of

__all__ = ["panels", "show_changes", "show_curves", "show_gate", "show_quantity"]

_NAME_WIDTH = 50
_GROWING = re.compile(r"(?P<call>\w+) of (?P<fence>.+), (?P<number>\d+) (?P<unit>KiB|MiB)")
_TITLES = {
    "release": "release for the prompt: processor time over the size of the transcript",
    "decision": "decision (guarded write): processor time over the size of the transcript",
}


def show_quantity(found: Quantity) -> None:
    """Print one line; `show_curves` shows the part `growth`."""
    if found.part == "growth":
        return
    if found.doubt:
        emit(f"{found.name:<{_NAME_WIDTH}} {found.doubt}")
        return
    said = [f"{_figure(found.cost)} {found.unit}"]
    if found.part == "walls":
        said.append(f"{statistics.median(found.ratios):.3f} times that {found.against}")
    said += [f"{value:,.0f} {name.replace('_per_s', '/s')}" for name, value in found.rates.items()]
    said += [f"{value:,} {name.replace('_', ' ')}" for name, value in found.counters.items()]
    said += [f"{name.replace('_', ' ')} not steady" for name in found.unsteady]
    emit(f"{found.name:<{_NAME_WIDTH}} {', '.join(said)}")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004  # digits that mean something


def show_gate(figures: Mapping[str, Any]) -> None:
    """Print the parts of a step, one line each."""
    for name, value in figures.items():
        emit(f"{name.replace('_', ' '):<20} {value}")


def panels(quantities: Sequence[Quantity]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return the curves by title, from the quantities of the part `growth`."""
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for call in CALLS:
        for one in quantities:
            match = _GROWING.fullmatch(one.name) if one.part == "growth" else None
            if match and match["call"] == call:
                size = int(match["number"]) << (20 if match["unit"] == "MiB" else 10)
                found.setdefault(_TITLES[call], {}).setdefault(match["fence"], []).append((size, one.cost))
    return found


def show_curves(quantities: Sequence[Quantity]) -> None:
    """Print for each call a picture in letters, and the figures."""
    for title, curves in panels(quantities).items():
        emit("")
        for line in growth_text(curves, title):
            emit(line)
        sizes = [size for size, _ in max(curves.values(), key=len)]
        emit(f"{'us':<{_NAME_WIDTH // 2}}{''.join(f'{size_of(size):>10}' for size in sizes)}")
        for fence, points in curves.items():
            emit(f"{fence:<{_NAME_WIDTH // 2}}{''.join(f'{_figure(cost):>10}' for _, cost in points)}")


def show_changes(changes: Sequence[Change], baseline: str) -> None:
    """Print one line for each difference, and how many quantities are the same.

    Args:
        changes: of all quantities that both have.
        baseline: path of the other figures.
    """
    emit(f"\ncompared with {baseline}:")
    for change in changes:
        if change.verdict in ("slower", "faster"):
            emit(
                f"  {change.verdict}: {change.name}: {_percent(change.factor)} "
                f"({_percent(change.low)} to {_percent(change.high)}, p = {change.p:.1g})"
            )
        for name, (then, now) in change.counters.items():
            what = f"{'more' if now > then else 'fewer'} {name.replace('_', ' ')}"
            emit(f"  {what}: {change.name}: {then:,} -> {now:,}")
    same = [change for change in changes if change.verdict == "same"]
    sure = sum(change.sure for change in same)
    percent = round((MARGIN - 1) * 100)
    emit(
        f"  same: {len(same)} of {len(changes)}, {sure} of them surely within {percent} %"
        + (f", at the widest {_widest(same)}" if len(same) > sure else "")
    )
    reasons: dict[str, int] = {}
    for change in changes:
        if change.why:
            reasons[change.why] = reasons.get(change.why, 0) + 1
    for why, count in reasons.items():
        emit(f"  time not compared: {count}: {why}")


def _widest(same: Sequence[Change]) -> str:
    one = max(same, key=lambda change: change.high / change.low)
    return f"{_percent(one.low)} to {_percent(one.high)} ({one.name})"


def _percent(factor: float) -> str:
    return f"{(factor - 1) * 100:+.1f} %"
