"""Draw small charts: violations and new classes over schedules, and the length of decisions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from harness.report.html.markup import Markup, cells, join, shown, tag
from harness.report.html.page_data import Entry, Run
from harness.report.html.tables import plain

__all__ = ["curves", "decision_steps"]

_WIDTH, _HEIGHT = 300, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 12, 24
_BARS_WIDTH, _BARS_HEIGHT, _BINS_MAX = 256, 36, 64
#: Width of a digit of 11.5 px, with some margin.
_DIGIT = 7.4
_LINE = 15

_Points = Sequence[tuple[int, int]]


def curves(run: Run, of: Callable[[Entry], _Points], what: str, tone: str) -> Markup:
    """Return one chart for each fence, with one line for each scenario and logarithmic axes.

    Args:
        run: the run.
        of: returns the points of an entry, (schedules, count).
        what: name of what is counted.
        tone: CSS class that gives the colour.
    """
    by_fence: dict[str, list[tuple[str, _Points]]] = {}
    for entry in run.entries:
        points = of(entry)
        if points:
            by_fence.setdefault(entry.summary.fence, []).append((entry.summary.scenario, points))
    if not by_fence:
        return tag("p", "Nothing was counted.", class_="soft")
    figures = (
        tag("figure", tag("h3", shown(fence)), _chart(lines, what), class_=tone)
        for fence, lines in by_fence.items()
    )
    return tag("div", *figures, class_="charts")


def _chart(lines: Sequence[tuple[str, _Points]], what: str) -> Markup:
    most = max(points[-1][0] for _, points in lines)
    highest = max(points[-1][1] for _, points in lines)
    if not highest:
        return tag("p", f"No {what}.", class_="small soft")
    floor, end = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    xs = {at: round(_LEFT + _share(at, most) * (end - _LEFT)) for at in _decades(most)}
    ys = {at: round(floor - _share(at, highest) * (floor - _TOP)) for at in _decades(highest)}
    rooms = {at: cells(_grouped(at)) * _DIGIT for at in xs}
    drawn = []
    for name, points in lines:
        places = [
            (
                round(_LEFT + _share(at, most) * (end - _LEFT)),
                round(floor - _share(count, highest) * (floor - _TOP)),
            )
            for at, count in _bends(points)
        ]
        drawn.append(_line(name, places, single=len(lines) == 1))
    return tag(
        "svg",
        tag("path", d=f"M{_LEFT} {_TOP}V{floor}H{end}", class_="ax"),
        *(
            tag("text", _grouped(at), x=min(x, round(_WIDTH - rooms[at] / 2)), y=_HEIGHT - 7, class_="m mid")
            for at, x in _apart(
                xs, lambda at, x, after, x_after: x_after - x > (rooms[at] + rooms[after]) / 2
            )
        ),
        *(
            tag("text", _grouped(at), x=_LEFT - 6, y=y + 4, class_="n")
            for at, y in _apart(ys, lambda _, y, __, y_after: y - y_after > _LINE)
        ),
        *drawn,
        class_="ch" if len(lines) == 1 else "ch many",
        width="100%",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{what}: {highest} at most in {most} schedules",
    )


def _line(name: str, places: Sequence[tuple[int, int]], single: bool) -> Markup:
    path = tag("path", d="M" + "L".join(f"{x} {y}" for x, y in places))
    if not single:
        return tag("g", tag("title", name), path)
    x, y = places[-1]
    return join(tag("g", path), tag("circle", cx=x, cy=y, r=3, class_="pt"))


def _bends(points: _Points) -> _Points:
    """Return the points without those between two of the same height."""
    inner = range(1, len(points) - 1)
    flat = {at for at in inner if points[at - 1][1] == points[at][1] == points[at + 1][1]}
    return [point for at, point in enumerate(points) if at not in flat]


def _share(value: int, most: int) -> float:
    """Return the place of a value between 0 and the most, on a logarithmic scale from 0 to 1."""
    return math.log2(value + 1) / math.log2(most + 1) if most else 0.0


def _decades(most: int) -> list[int]:
    """Return the values to label: 1, 10, 100 ... and the most."""
    found, at = [], 1
    while at < most:
        found.append(at)
        at *= 10
    return [*found, most]


def _apart(places: Mapping[int, int], free: Callable[[int, int, int, int], bool]) -> list[tuple[int, int]]:
    """Return the labels that have room; larger values are chosen first."""
    kept: list[tuple[int, int]] = []
    for at, place in reversed(list(places.items())):
        if not kept or free(at, place, *kept[-1]):
            kept.append((at, place))
    return kept


def _grouped(number: int) -> str:
    return f"{number:,}"


def decision_steps(run: Run) -> Markup:
    """Return one row for each fence: the steps of its decisions in all scenarios together."""
    whole: dict[str, Counter[int]] = {}
    own: dict[str, Counter[int]] = {}
    for entry in run.entries:
        whole.setdefault(entry.summary.fence, Counter()).update(entry.summary.decision_steps)
        own.setdefault(entry.summary.fence, Counter()).update(entry.summary.decision_steps_own)
    most = max((max(counts, default=0) for counts in whole.values()), default=0)
    if not most:
        return tag("p", "No decision was judged.", class_="soft")
    heads = (
        *("fence", "", "decisions", "half within", "95 % within", "most"),
        *("own, half within", "own, most"),
    )
    rows = [_row(fence, counts, own[fence], most) for fence, counts in whole.items() if counts]
    return plain(heads, rows, 6, "fences")


def _row(fence: str, counts: Counter[int], own: Counter[int], most: int) -> list[str]:
    figures = (
        sum(counts.values()),
        _within(counts, 0.5),
        _within(counts, 0.95),
        max(counts),
        _within(own, 0.5),
        max(own, default=0),
    )
    return [fence, _bars(counts, most), *map(_grouped, figures)]


def _within(counts: Counter[int], share: float) -> int:
    """Return the least number of steps within which that share of the decisions is over."""
    left = share * sum(counts.values())
    for steps, count in sorted(counts.items()):
        left -= count
        if left <= 0:
            return steps
    return 0


def _bars(counts: Counter[int], most: int) -> Markup:
    wide = max(1, math.ceil((most + 1) / _BINS_MAX))
    bins: Counter[int] = Counter()
    for steps, count in counts.items():
        bins[steps // wide] += count
    step = _BARS_WIDTH / (most // wide + 1)
    high = max(bins.values())
    path = ""
    for place, count in sorted(bins.items()):
        height = max(1, round(count / high * (_BARS_HEIGHT - 2)))
        left, width = round(place * step, 1), round(max(1.0, min(step - 1, 14)), 1)
        path += f"M{left} {_BARS_HEIGHT - 1}v-{height}h{width}v{height}z"
    middle = round((_within(counts, 0.5) // wide + 0.5) * step, 1)
    return tag(
        "svg",
        tag("path", d=f"M0 {_BARS_HEIGHT - 0.5}H{_BARS_WIDTH}", class_="ax"),
        tag("path", d=path, class_="bar"),
        tag("path", d=f"M{middle} {_BARS_HEIGHT}v6", class_="md"),
        class_="ch",
        width=_BARS_WIDTH,
        height=_BARS_HEIGHT + 6,
        viewBox=f"0 0 {_BARS_WIDTH} {_BARS_HEIGHT + 6}",
        role="img",
        aria_label=f"steps of a decision, 0 to {most}",
    )
