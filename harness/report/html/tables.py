"""Build plain tables: text on the left, figures on the right, folded if they are long."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.html.markup import Markup, shown, tag

__all__ = ["plain"]

#: Longer tables are folded.
_ROWS_MAX = 30


def plain(
    heads: Sequence[str], rows: Sequence[Sequence[str]], figures: int, what: str, fold: bool = True
) -> Markup:
    """Return a table that scrolls by itself if the page is too narrow for it.

    Args:
        heads: heads of the columns.
        rows: cells as text, which is escaped, or markup.
        figures: number of columns from the right that hold figures.
        what: name of the rows in the summary of a folded table.
        fold: whether a long table is folded.
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
    if len(rows) <= _ROWS_MAX or not fold:
        return scroll
    return tag("details", tag("summary", f"{len(rows)} {what}"), scroll)


def _cell(text: str) -> Markup:
    return text if isinstance(text, Markup) else shown(text)
