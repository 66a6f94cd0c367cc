"""Show which shard or machine ran which schedules, where one machine did not run all."""

from __future__ import annotations

from harness.report.html.markup import Markup, tag
from harness.report.html.page_data import Run
from harness.report.html.tables import plain

__all__ = ["ran_table"]

#: Rows of the table; the summary has the rest.
_ROWS_MAX = 200


def ran_table(run: Run) -> Markup | None:
    """Return a row for each question and each runner of some of it; None where one machine ran all."""
    rows = [
        [one.summary.scenario, one.summary.fence, runner, numbers]
        for one in run.entries
        for runner, numbers in one.summary.ran.items()
    ]
    if not rows:
        return None
    table = plain(("scenario", "fence", "ran by", "schedules"), rows[:_ROWS_MAX], 0, "ran")
    if len(rows) <= _ROWS_MAX:
        return table
    more = f"and {len(rows) - _ROWS_MAX} more, which verdicts.jsonl has under `ran`"
    return tag("div", table, tag("p", more, class_="small soft after"))
