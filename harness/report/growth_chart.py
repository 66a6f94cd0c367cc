"""Draw cost over size: as text for a terminal, and as SVG.

Both axes are logarithmic, so a cost that grows with the transcript is a straight line, and a constant
one is flat. The curves of a run's page, in `harness.report.html.charts`, count schedules from 0 on; here
both axes can begin anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.report.html.markup import Markup, cells, tag

__all__ = ["Curves", "growth_svg", "growth_text"]

#: Points (bytes, microseconds) by name of the line.
Curves = Mapping[str, Sequence[tuple[int, float]]]

_WIDTH, _HEIGHT = 760, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 176, 40, 40
_LABEL_GAP = 15
_LETTERS, _ROWS = 60, 14
_NAME_CELLS = 22
_MARKS = "abcdefghijklmnopqrstuvwxyz"
_COLOURS = ("#4d7fc4", "#c0392b", "#1b7a48", "#b85c00", "#6b4fb8", "#0b7a75", "#8a3b78", "#77722a")
_STYLE = """
.t{font:600 15px system-ui,sans-serif;fill:var(--ink)}.s{font:12px system-ui,sans-serif;fill:var(--soft)}
.e{text-anchor:end}.m{text-anchor:middle}.g{stroke:var(--rule);fill:none}
.c{fill:none;stroke-width:2;stroke-linejoin:round}
svg{--ink:#1d2126;--soft:#5c6570;--rule:#e2e3df;--bg:#fff;background:var(--bg)}
@media (prefers-color-scheme:dark){svg{--ink:#e3e6e8;--soft:#a3acb5;--rule:#333a40;--bg:#1a1e22}}
"""


def _scales(curves: Curves) -> tuple[float, float, int, int]:
    """Return the first and last power of two of the sizes, and of ten of the costs."""
    sizes = [math.log2(size) for points in curves.values() for size, _ in points]
    costs = [math.log10(max(cost, 1e-3)) for points in curves.values() for _, cost in points]
    low, high = math.floor(min(costs)), math.ceil(max(costs))
    return min(sizes), max(sizes), low, max(high, low + 1)


def _share(value: float, first: float, last: float) -> float:
    return (value - first) / (last - first) if last > first else 0.5


def _size(size: int) -> str:
    for power, unit in ((20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):g} {unit}"
    return f"{size} B"


def _cost(power: int) -> str:
    """Return a power of ten microseconds with its unit."""
    for least, unit in ((6, "s"), (3, "ms"), (0, "us")):
        if power >= least:
            return f"{10 ** (power - least)} {unit}"
    return f"{10.0**power:g} us"


def growth_text(curves: Curves, title: str) -> list[str]:
    """Return the chart as lines of text.

    Args:
        curves: the curves; each has its own letter, and ``*`` marks several in one place.
        title: the line above the chart.
    """
    if not any(curves.values()):
        return []
    first, last, low, high = _scales(curves)
    field = [[" "] * _LETTERS for _ in range(_ROWS)]
    for number, points in enumerate(curves.values()):
        letter = _MARKS[number % len(_MARKS)]
        for size, cost in points:
            x = round(_share(math.log2(size), first, last) * (_LETTERS - 1))
            y = round((1 - _share(math.log10(max(cost, 1e-3)), low, high)) * (_ROWS - 1))
            field[y][x] = letter if field[y][x] in (" ", letter) else "*"
    named = {
        round((1 - _share(power, low, high)) * (_ROWS - 1)): _cost(power) for power in range(low, high + 1)
    }
    lines = [title, *(f"{named.get(row, ''):>8} |{''.join(line).rstrip()}" for row, line in enumerate(field))]
    smallest, largest = _size(round(2**first)), _size(round(2**last))
    lines.append(f"{'':>8} +{'-' * _LETTERS}")
    lines.append(f"{'':>8}  {smallest}{largest:>{_LETTERS - len(smallest)}}")
    names = [f"{_MARKS[number % len(_MARKS)]} {name}" for number, name in enumerate(curves)]
    lines.append(f"{'':>8}  {', '.join(names)}; * several")
    return lines


def growth_svg(panels: Mapping[str, Curves]) -> bytes:
    """Return the charts, one below the other, as a self-contained SVG for light and dark pages.

    Args:
        panels: curves by title, each with at least one point.
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    height = _HEIGHT * len(panels)
    parts = [
        tag("g", *_panel(title, curves, colours), transform=f"translate(0 {number * _HEIGHT})")
        for number, (title, curves) in enumerate(panels.items())
    ]
    return tag(
        "svg",
        tag("style", Markup(_STYLE)),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        width=_WIDTH,
        height=height,
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label="; ".join(panels),
    ).encode()


def _panel(title: str, curves: Curves, colours: Mapping[str, str]) -> list[Markup]:
    first, last, low, high = _scales(curves)
    floor, end = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT

    def place(size: float, cost: float) -> tuple[float, float]:
        x = _LEFT + _share(math.log2(size), first, last) * (end - _LEFT)
        y = floor - _share(math.log10(max(cost, 1e-3)), low, high) * (floor - _TOP)
        return round(x, 1), round(y, 1)

    parts = [tag("text", title, x=_LEFT, y=22, class_="t")]
    for power in range(low, high + 1):
        y = place(2**first, 10.0**power)[1]
        parts.append(tag("path", d=f"M{_LEFT} {y}H{end}", class_="g"))
        parts.append(tag("text", _cost(power), x=_LEFT - 8, y=y + 4, class_="s e"))
    for exponent in _exponents(first, last):
        x = place(2**exponent, 1)[0]
        parts.append(tag("text", _size(round(2**exponent)), x=x, y=floor + 20, class_="s m"))
    ends = {}
    for name, points in curves.items():
        places = [place(size, cost) for size, cost in sorted(points)]
        if places:
            path = "M" + "L".join(f"{x} {y}" for x, y in places)
            parts.append(tag("path", d=path, class_="c", stroke=colours[name]))
            parts.extend(tag("circle", cx=x, cy=y, r=2.5, fill=colours[name]) for x, y in places)
            ends[name] = places[-1][1]
    for name, y in _spread(ends, _TOP, floor).items():
        parts.append(tag("text", _cut(name), x=end + 12, y=y + 4, class_="s", style=f"fill:{colours[name]}"))
    return parts


def _exponents(first: float, last: float) -> list[float]:
    """Return the sizes to label: the first, each sixteenfold, and the last if there is room."""
    found = [first + step for step in range(0, math.floor(last - first) + 1, 4)]
    if last - found[-1] > 2:  # noqa: PLR2004  # less than half of the way to the next
        found.append(last)
    return found


def _spread(ends: Mapping[str, float], top: float, floor: float) -> dict[str, float]:
    """Return the heights of the labels at the ends of their lines, moved apart if they overlap."""
    ordered = sorted(ends.items(), key=lambda item: item[1])
    found: dict[str, float] = {}
    least = top - _LABEL_GAP
    for name, y in ordered:
        least = max(y, least + _LABEL_GAP)
        found[name] = least
    over = max(0.0, least - floor)
    # Move labels up again from below while they are too close.
    most = least - over
    for name, _ in reversed(ordered):
        found[name] = min(found[name], most)
        most = found[name] - _LABEL_GAP
    return found


def _cut(name: str) -> str:
    return name if cells(name) <= _NAME_CELLS else name[: _NAME_CELLS - 1] + "…"
