"""Plain tables: words on the left, figures on the right, folded away where they get long."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.html.markup import Markup, shown, tag

__all__ = ["plain"]

#: Longer ones open on request.
_ROWS_MAX = 30


def plain(heads: Sequence[str], rows: Sequence[Sequence[str]], figures: int, what: str) -> Markup:
    """A table that scrolls by itself where the page is too narrow for it.

    Args:
        heads: of the columns.
        rows: text, or markup as it is.
        figures: how many columns from the right hold figures.
        what: its rows are.
    """
    body = (
        tag("tr", tag("th", _cell(first), scope="row"), *(tag("td", _cell(cell)) for cell in rest))
        for first, *rest in rows
    )
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
        class_=f"plain r{figures}",
    )
    scroll = tag("div", table, class_="scroll", tabindex="0")
    if len(rows) <= _ROWS_MAX:
        return scroll
    return tag("details", tag("summary", f"{len(rows)} {what}"), scroll)


def _cell(text: str) -> Markup:
    return text if isinstance(text, Markup) else shown(text)
