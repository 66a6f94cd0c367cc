"""What a pass is worth, in a table; the figures are those of `harness.report.worth`."""

from __future__ import annotations

from harness.report.html.data import Entry, Run
from harness.report.html.markup import Markup, shown, tag

__all__ = ["worth_of_passes"]

_DEPTHS = ("2", "3")


def worth_of_passes(run: Run) -> Markup | None:
    """One row for each pass, and what no such search can see; None where nothing passed."""
    passes = [entry for entry in run.entries if not entry.summary.violations and entry.summary.schedules]
    if not passes:
        return None
    searched = [entry for entry in passes if entry.summary.worth is not None]
    exhausted = [entry for entry in passes if entry.summary.worth is None]
    blind = dict.fromkeys(
        words for entry in searched if entry.summary.worth for words in entry.summary.worth.blind
    )
    return tag(
        "div",
        _table(searched) if searched else None,
        *(tag("p", shown(_certificate(entry))) for entry in exhausted),
        tag(
            "p",
            "Not seen by this gate: ",
            "; ".join(blind),
            ".",
            class_="small soft",
            style="margin-top:12px",
        )
        if blind
        else None,
    )


def _table(passes: list[Entry]) -> Markup:
    heads = ("schedules", "different", "classes", "new in second half", "violates, at most")
    depths = [
        depth
        for depth in _DEPTHS
        if any(entry.summary.worth and depth in entry.summary.worth.depth_bounds for entry in passes)
    ]
    head = tag(
        "tr",
        tag("th", "scenario"),
        tag("th", "fence"),
        *(tag("th", name, class_="num") for name in heads),
        *(tag("th", f"bug of depth {depth} shows", class_="num") for depth in depths),
    )
    body = tag("tbody", *(_row(entry, depths) for entry in passes))
    return tag("div", tag("table", tag("thead", head), body, class_="plain"), class_="scroll", tabindex="0")


def _row(entry: Entry, depths: list[str]) -> Markup:
    summary = entry.summary
    worth = summary.worth
    assert worth is not None
    about = "" if worth.exact else "about "
    rate = f"1 in {int(1 / worth.violation_rate_max)}" if worth.violation_rate_max < 1 else "-"
    bounds = (
        f"≥ {worth.depth_bounds[depth]:.0%}" if depth in worth.depth_bounds else "-" for depth in depths
    )
    figures = (
        str(worth.schedules),
        f"{about}{worth.distinct_schedules}",
        f"{about}{worth.distinct_classes}",
        str(worth.new_in_last_half),
        rate if not summary.why_inconclusive else "inconclusive",
        *bounds,
    )
    return tag(
        "tr",
        tag("th", shown(summary.scenario), scope="row"),
        tag("td", shown(summary.fence)),
        *(tag("td", figure, class_="num") for figure in figures),
    )


def _certificate(entry: Entry) -> str:
    """An exhaustive search says more than any figure, if it came to its end."""
    summary = entry.summary
    end = "every schedule there is" if summary.exhausted else "a part of what there is"
    size = f"{summary.schedules} schedules of {summary.programs} programs"
    return f"{summary.scenario} / {summary.fence}: {end}, {size}."
