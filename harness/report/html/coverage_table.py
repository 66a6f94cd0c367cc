"""What a pass is worth, in a table; the figures are those of `harness.results.coverage`."""

from __future__ import annotations

from harness.report.html.markup import Markup, shown, tag
from harness.report.html.page_data import Run
from harness.report.html.tables import plain
from harness.results.coverage import Coverage
from harness.results.summary import Summary

__all__ = ["worth_of_passes"]

_DEPTHS = ("2", "3")


def worth_of_passes(run: Run) -> Markup | None:
    """One row for each pass, and what no such search can see; None where nothing passed."""
    passes = [one.summary for one in run.entries if not one.summary.violations and one.summary.schedules]
    if not passes:
        return None
    searched = [(summary, summary.worth) for summary in passes if summary.worth is not None]
    blind = dict.fromkeys(words for _, worth in searched for words in worth.blind)
    return tag(
        "div",
        _table(searched) if searched else None,
        *(tag("p", shown(_certificate(summary))) for summary in passes if summary.worth is None),
        tag("p", f"Not seen by this gate: {'; '.join(blind)}.", class_="small soft after") if blind else None,
    )


def _table(searched: list[tuple[Summary, Coverage]]) -> Markup:
    depths = [depth for depth in _DEPTHS if any(depth in worth.depth_bounds for _, worth in searched)]
    heads = (
        *("scenario", "fence", "schedules", "different", "classes", "new in second half", "at most violate"),
        *(f"bug of depth {depth} shows" for depth in depths),
    )
    rows = [_row(summary, worth, depths) for summary, worth in searched]
    return plain(heads, rows, 5 + len(depths), "passes")


def _row(summary: Summary, worth: Coverage, depths: list[str]) -> list[str]:
    about = "" if worth.exact else "about "
    rate = f"1 in {int(1 / worth.violation_rate_max)}" if worth.violation_rate_max < 1 else "-"
    bounds = worth.depth_bounds
    return [
        summary.scenario,
        summary.fence,
        str(worth.schedules),
        f"{about}{worth.distinct_schedules}",
        f"{about}{worth.distinct_classes}",
        str(worth.new_in_last_half),
        "inconclusive" if summary.why_inconclusive else rate,
        *(f"≥ {bounds[depth]:.0%}" if depth in bounds else "-" for depth in depths),
    ]


def _certificate(summary: Summary) -> str:
    """An exhaustive search says more than any figure, if it came to its end."""
    end = "every schedule there is" if summary.exhausted else "a part of what there is"
    size = f"{summary.schedules} schedules of {summary.programs} programs"
    return f"{summary.scenario} / {summary.fence}: {end}, {size}."
