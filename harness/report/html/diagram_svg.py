"""Draw the space-time diagram as inline SVG.

Labels have a fixed-width face, so their width is known. Each column is a picture of its own that is cut
off at its border, so no text can run into another lane.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from harness.report.html.markup import Markup, cells, join, tag
from harness.report.html.spacetime import Column, Diagram, Row, Span

__all__ = ["LETTER", "Box", "diagram_svg", "label_boxes", "width_of"]

#: Width of a letter of 11.5 px; the widest of the usual faces needs 6.93.
LETTER = 7.0
_GUTTER = 30
_HEAD = 46
_LINE_X = 16
_LABEL_X = 32
_PAD = 8
_WIDTH_MIN, _WIDTH_MAX = 132, 290
_HEIGHTS = {"operation": 24, "step": 18, "note": 19, "gap": 20}
_BASELINE = 4
_NAME_CELLS_MIN = 16
_LABEL_CELLS_MAX = int((_WIDTH_MAX - _LABEL_X - _PAD) / LETTER)


class Box(NamedTuple):
    """The place of a label, and the right end of its column, in pixels of the picture."""

    left: float
    top: float
    right: float
    bottom: float
    column_right: float


class _Place(NamedTuple):
    """The layout: left and width of columns, the middle of rows, and the size of the picture."""

    lefts: tuple[int, ...]
    widths: tuple[int, ...]
    middles: tuple[int, ...]
    width: int
    height: int

    def top(self, row: int) -> int:
        return self.middles[row] - 8

    def bottom(self, row: int) -> int:
        return self.middles[row] + 8


def diagram_svg(diagram: Diagram, kind: str, starts: Sequence[int]) -> Markup:
    """Return the picture of a diagram.

    Args:
        diagram: the diagram.
        kind: kind of the violation; gives the colour.
        starts: events at which the passages of the story begin; these are numbered 1, 2 ...
    """
    place = _placed(diagram)
    numbers = _numbers(diagram.rows, starts)
    return tag(
        "svg",
        _bands(diagram.columns, place),
        _window(diagram.window, place),
        _pair_line(diagram.rows, place),
        *(_column(diagram, number, place) for number in range(len(diagram.columns))),
        *(
            tag("text", str(number), x=_GUTTER - 8, y=place.middles[row] + _BASELINE, class_="n")
            for row, number in numbers.items()
        ),
        *(
            tag("text", f"⋯ {row.text}", x=_GUTTER, y=place.middles[number] + _BASELINE, class_="m")
            for number, row in enumerate(diagram.rows)
            if row.kind == "gap"
        ),
        class_=f"st {kind}",
        width=place.width,
        height=place.height,
        viewBox=f"0 0 {place.width} {place.height}",
        role="img",
        aria_label=f"Space-time diagram of a {kind.replace('_', ' ')}; the story beside it says the same",
    )


def width_of(diagram: Diagram) -> int:
    """Return the width of the picture in pixels."""
    return _placed(diagram).width


def label_boxes(diagram: Diagram) -> list[Box]:
    """Return the largest area of each label, to check that no two labels overlap."""
    place = _placed(diagram)
    boxes = []
    for number, row in enumerate(diagram.rows):
        if row.kind != "gap":
            text, more = _label(row)
            left = place.lefts[row.column] + _LABEL_X
            wide = (cells(text) + cells(more)) * LETTER
            y = place.middles[number]
            boxes.append(
                Box(left, y - 8, left + wide, y + 8, place.lefts[row.column] + place.widths[row.column])
            )
    return boxes


def _placed(diagram: Diagram) -> _Place:
    widths = [_width(diagram, number) for number in range(len(diagram.columns))]
    lefts = [_GUTTER + left for left in itertools.accumulate(widths, initial=0)]
    heights = [_HEIGHTS[row.kind] for row in diagram.rows]
    tops = [_HEAD + top for top in itertools.accumulate(heights, initial=0)]
    # A head is close to the rows below it.
    middles = [
        top + height - 9 if row.kind == "operation" else top + height // 2
        for row, top, height in zip(diagram.rows, tops, heights, strict=False)
    ]
    return _Place(tuple(lefts[:-1]), tuple(widths), tuple(middles), lefts[-1] + 2, tops[-1] + 10)


def _width(diagram: Diagram, number: int) -> int:
    column = diagram.columns[number]
    longest = max((cells("".join(_label(row))) for row in diagram.rows if row.column == number), default=0)
    longest = max(longest, cells(column.name) + 1, cells(column.process) + 1)
    return round(min(max(_LABEL_X + longest * LETTER + _PAD, _WIDTH_MIN), _WIDTH_MAX))


def _label(row: Row) -> tuple[str, str]:
    """Return the two texts of a row, shortened to the room there is."""
    text = row.text if row.times == 1 else f"{row.text} \u00d7{row.times}"
    more = f"  {row.more}" if row.more else ""
    # The result of a step is more important than a long name.
    text = _cut(text, max(_NAME_CELLS_MIN, _LABEL_CELLS_MAX - cells(more)))
    return text, _cut(more, _LABEL_CELLS_MAX - cells(text))


def _cut(text: str, most: int) -> str:
    if cells(text) <= most:
        return text
    while text and cells(text) >= most:
        text = text[:-1]
    return f"{text}…" if text else ""


def _numbers(rows: Sequence[Row], starts: Sequence[int]) -> dict[int, int]:
    """Return the numbers beside rows, by row."""
    found = {}
    for number, (start, end) in enumerate(itertools.pairwise([*starts, 1 << 62]), 1):
        row = next((place for place, row in enumerate(rows) if start <= row.at < end), None)
        if row is not None:
            headed = row and rows[row - 1].kind == "operation" and rows[row - 1].column == rows[row].column
            found[row - 1 if headed else row] = number
    return found


def _bands(columns: Sequence[Column], place: _Place) -> Markup:
    """Return a band for each process, with the names of its lanes."""
    parts = []
    for process, group in itertools.groupby(enumerate(columns), key=lambda pair: pair[1].process):
        numbers = [number for number, _ in group]
        left = place.lefts[numbers[0]]
        width = sum(place.widths[number] for number in numbers)
        parts.append(tag("rect", x=left + 1, y=1, width=width - 3, height=place.height - 2, rx=7, class_="b"))
        most = int((width - _PAD) / LETTER) - 1
        parts.append(_named(process, most, left + 9, 17, "p"))
        for number in numbers:
            most = int((place.widths[number] - _PAD) / LETTER) - 1
            parts.append(_named(columns[number].name, most, place.lefts[number] + 9, 34, "h"))
            x = place.lefts[number] + _LINE_X
            parts.append(tag("path", d=f"M{x} {_HEAD - 4}V{place.height - 6}", class_="l"))
    return join(*parts)


def _named(name: str, most: int, x: int, y: int, style: str) -> Markup:
    short = _cut(name, most)
    return tag("text", tag("title", name) if short != name else None, short, x=x, y=y, class_=style)


def _window(window: Span | None, place: _Place) -> Markup | None:
    """Return the window across all lanes, because effects of every lane count in it."""
    if window is None:
        return None
    top, bottom = place.bottom(window.first) + 2, place.bottom(window.last) + 2
    return join(
        tag("rect", x=0, y=top, width=place.width, height=bottom - top, class_="w"),
        tag("path", d=f"M0 {top}H{place.width}M0 {bottom}H{place.width}", class_="y"),
    )


def _pair_line(rows: Sequence[Row], place: _Place) -> Markup | None:
    """Return the line from the first to the second of the two steps whose order decides.

    The line leaves the right step to the left, where its row is empty, and runs beside the lane of the
    other step.
    """
    ends = {row.pair: (number, row.column) for number, row in enumerate(rows) if row.pair}
    if len(ends) < 2 or ends[1][1] == ends[2][1]:  # noqa: PLR2004  # a pair
        return None
    (row_1, column_1), (row_2, column_2) = ends[1], ends[2]
    y_1, y_2 = place.middles[row_1], place.middles[row_2]
    x_1, x_2 = (place.lefts[column] + _LINE_X for column in (column_1, column_2))
    aisle = min(x_1, x_2) - 14
    down = f"M{x_1 - 7} {y_1}H{aisle + 5}Q{aisle} {y_1} {aisle} {y_1 + 5}V{y_2 - 5}"
    down += f"Q{aisle} {y_2} {aisle + 5} {y_2}H{x_2 - 8}"
    return tag("path", d=f"{down}m-3 -3l3 3l-3 3", class_="c")


def _column(diagram: Diagram, number: int, place: _Place) -> Markup:
    """Return one lane: its operations, the lock, its steps and their labels."""
    operations = (span for span in diagram.operations if span.column == number)
    locks = (span for span in diagram.locks if span.column == number)
    return tag(
        "svg",
        *(_bar(span, place, 12, "o") for span in operations),
        *(_bar(span, place, 6, "k") for span in locks),
        _dots(diagram.rows, number, place),
        *(_mark(row, place.middles[at]) for at, row in enumerate(diagram.rows) if row.column == number),
        tag(
            "g",
            *(_words(row, place.middles[at]) for at, row in enumerate(diagram.rows) if row.column == number),
            transform=f"translate({_LABEL_X} {_BASELINE})",
        ),
        x=place.lefts[number],
        width=place.widths[number],
        height=place.height,
    )


def _bar(span: Span, place: _Place, width: int, name: str) -> Markup:
    top, bottom = place.top(span.first), place.bottom(span.last)
    if name == "k":
        top, bottom = top + 3, bottom - 3
    left = _LINE_X - width // 2
    return tag("rect", x=left, y=top, width=width, height=bottom - top, rx=width // 2, class_=name)


def _words(row: Row, y: int) -> Markup:
    text, more = _label(row)
    name = {"operation": "h", "note": "v" if row.mark == "verdict" else "m"}.get(
        row.kind, row.mark[:1] or None
    )
    whole = f"{row.text} {row.more}".rstrip(" ")
    return tag(
        "text",
        tag("title", whole) if whole not in (text, f"{text} {more.strip()}") else None,
        text,
        tag("tspan", more, class_="m") if more else None,
        y=y,
        class_=name,
    )


def _dots(rows: Sequence[Row], column: int, place: _Place) -> Markup | None:
    """Return the steps without a mark, as one path of zero-length lines with round ends."""
    plain = [
        place.middles[at]
        for at, row in enumerate(rows)
        if row.column == column and row.kind == "step" and not row.mark
    ]
    return tag("path", d="".join(f"M{_LINE_X} {y}h0" for y in plain), class_="d") if plain else None


def _mark(row: Row, y: int) -> Markup | None:
    x = _LINE_X
    ring = tag("circle", cx=x, cy=y, r=7, class_="r") if row.pair else None
    if row.kind == "operation":
        return None
    if row.mark in ("effect", "cause"):
        return join(tag("path", d=f"M{x} {y - 5}l5 5l-5 5l-5 -5z", class_=f"d{row.mark[0]}"), ring)
    if row.mark == "verdict":
        return tag("path", d=f"M{x - 5} {y - 5}h10v10h-10z", class_="dv")
    if row.mark == "window":
        return tag("path", d=f"M{x - 5} {y}h10", class_="y")
    if row.mark == "fault":
        return join(tag("path", d=f"M{x - 4} {y - 4}l8 8m0 -8l-8 8", class_="df"), ring)
    return ring
