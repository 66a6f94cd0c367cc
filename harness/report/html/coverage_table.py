"""Show the coverage of passes in a table; the figures are those of `harness.results.coverage`."""

from __future__ import annotations

from harness.report.html.markup import Markup, shown, tag
from harness.report.html.page_data import Run
from harness.report.html.tables import plain
from harness.results.coverage import Coverage
from harness.results.summary import Summary

__all__ = ["coverage_table"]

_DEPTHS = ("2", "3")


def coverage_table(run: Run) -> Markup | None:
    """Return one row for each pass, and the blind spots of the gate; None if nothing passed."""
    passes = [one.summary for one in run.entries if not one.summary.violations and one.summary.schedules]
    if not passes:
        return None
    searched = [(summary, summary.worth) for summary in passes if summary.worth is not None]
    blind = dict.fromkeys(words for _, coverage in searched for words in coverage.blind)
    return tag(
        "div",
        _table(searched) if searched else None,
        *(tag("p", shown(_certificate(summary))) for summary in passes if summary.worth is None),
        tag("p", f"Not seen by this gate: {'; '.join(blind)}.", class_="small soft after") if blind else None,
    )


def _table(searched: list[tuple[Summary, Coverage]]) -> Markup:
    depths = [depth for depth in _DEPTHS if any(depth in coverage.depth_bounds for _, coverage in searched)]
    heads = (
        *(
            "scenario",
            "fence",
            "schedules",
            "different",
            "classes",
            "new in second half",
            "violation rate below",
        ),
        *(f"bug of depth {depth} shows" for depth in depths),
    )
    rows = [_row(summary, coverage, depths) for summary, coverage in searched]
    return plain(heads, rows, 5 + len(depths), "passes")


def _row(summary: Summary, coverage: Coverage, depths: list[str]) -> list[str]:
    about = "" if coverage.exact else "about "
    rate = f"1 in {int(1 / coverage.violation_rate_max)}" if coverage.violation_rate_max < 1 else "-"
    bounds = coverage.depth_bounds
    return [
        summary.scenario,
        summary.fence,
        str(coverage.schedules),
        f"{about}{coverage.distinct_schedules}",
        f"{about}{coverage.distinct_classes}",
        str(coverage.new_in_last_half),
        "inconclusive" if summary.why_inconclusive else "not exercised" if summary.not_exercised else rate,
        *(f"≥ {bounds[depth]:.0%}" if depth in bounds else "-" for depth in depths),
    ]


def _certificate(summary: Summary) -> str:
    """Return a sentence on an exhaustive search, which proves more than figures if it was completed."""
    end = "every schedule" if summary.exhausted else "only a part of the schedules"
    size = f"{summary.schedules} schedules of {summary.programs} programs"
    return f"{summary.scenario} / {summary.fence}: {end}, {size}."
