"""Show the result of the run first: in one line, and then in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.report.html.markup import Markup, shown, tag
from harness.report.html.page_data import Entry, Run
from harness.report.html.violation import kind_name
from harness.results.summary import Summary, voided_line

__all__ = ["facts", "headline_of", "summary_section", "tone_of"]

_REASONS_MAX = 12
#: Up to so many pairs of scenario and fence are listed one by one.
_ENTRIES_MAX = 4


def tone_of(run: Run) -> str:
    """Return ``good``, ``bad``, ``known`` (expected violations) or ``odd`` (inconclusive)."""
    if run.outcome == "not as expected":
        return "bad"
    if run.outcome != "as expected" or run.fault:
        return "odd"
    return "known" if _kinds(run) else "good"


def headline_of(run: Run) -> str:
    """Return the headline: pass, or the violations."""
    kinds = _kinds(run)
    if run.outcome in ("interrupted", "inconclusive"):
        return run.outcome.capitalize()
    if run.outcome == "not as expected":
        surplus = dict.fromkeys(
            kind_name(finding.kind)
            for entry in run.entries
            for finding in entry.found
            if not finding.expected
        )
        return _joined_kinds(surplus, "not expected") if surplus else "Not as expected"
    if run.fault:
        return "Ended early"
    return _joined_kinds(map(kind_name, kinds), "as expected") if kinds else "Pass"


def summary_section(run: Run) -> Markup:
    """Return the head of the page."""
    return tag(
        "div",
        tag("h1", headline_of(run)),
        tag("p", shown(_sentence(run))),
        _by_entry(run),
        _reasons(run),
        class_=f"answer {tone_of(run)}",
        role="status",
    )


def _memory(summaries: Sequence[Summary]) -> dict[str, str]:
    """Return the peak memory of each kind of process; empty if one is not known."""
    names = ("harness", "explorer", "workers")
    peaks = [max((one.peak_bytes.get(name, 0) for one in summaries), default=0) for name in names]
    if not all(peaks):
        return {}
    parts = (f"{name} {-(-peak // 2**20)}" for name, peak in zip(names, peaks, strict=True))
    return {"peak memory, MiB": ", ".join(parts)}


def facts(run: Run) -> Markup:
    """Return the figures of the whole run."""
    summaries = [entry.summary for entry in run.entries]
    figures = {
        "schedules": _grouped(sum(one.schedules for one in summaries)),
        "file operations": _grouped(sum(one.steps for one in summaries)),
        "decisions judged": _grouped(sum(sum(one.verdicts.values()) for one in summaries)),
        "scenarios": str(len({one.scenario for one in summaries})),
        "fences": str(len({one.fence for one in summaries})),
        "seconds": f"{run.wall_s:.1f}",
        **_memory(summaries),
        **{
            name: _joined_values(getattr(one, field) for one in summaries)
            for name, field in (
                ("gate", "gate"),
                ("strategy", "strategy"),
                ("policy", "policy"),
                ("seed", "seed"),
            )
        },
    }
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", shown(value))) for name, value in figures.items()),
        class_="facts",
    )


def _kinds(run: Run) -> list[str]:
    """Return the kinds of violation that occurred, the most frequent first."""
    counts: Counter[str] = Counter()
    for entry in run.entries:
        counts.update(entry.summary.violations)
    return [kind for kind, count in counts.most_common() if count]


def _joined_kinds(kinds: Iterable[str], what: str) -> str:
    names = list(kinds)
    if len(names) > 2:  # noqa: PLR2004  # two names still read as a line
        return f"{len(names)} kinds of violation, {what}"
    return f"{' and '.join(names).capitalize()}, {what}"


def _sentence(run: Run) -> str:
    entries = run.entries
    schedules = f"{_grouped(sum(entry.summary.schedules for entry in entries))} schedules"
    showing = sum(1 for entry in entries if entry.summary.violations)
    asked = _pairs(len(entries))
    if len(entries) < run.planned:
        asked += f" of {run.planned}"
    if not entries:
        return f"Nothing was completed; planned: {_pairs(run.planned)}."
    if not showing:
        found = "no violation"
    elif len(entries) == 1:
        found = "a violation in some of them"
    else:
        found = f"violations in {'all' if showing == len(entries) else showing} of them"
    sentence = f"{schedules} of {asked}: {found}."
    if run.outcome == "interrupted":
        return f"The run was interrupted. Until then: {sentence}"
    if tone_of(run) == "known":
        whose = "The scenario expects" if len(entries) == 1 else "The scenarios expect"
        return f"{sentence} {whose} these violations, and no others occurred."
    return sentence


def _by_entry(run: Run) -> Markup | None:
    """Return a list of the entries if they are few."""
    if not 0 < len(run.entries) <= _ENTRIES_MAX:
        return None
    return tag(
        "ul", *(tag("li", tag("b", shown(_name(one))), " ", shown(_found(one))) for one in run.entries)
    )


def _name(entry: Entry) -> str:
    return f"{entry.summary.scenario} / {entry.summary.fence}"


def _found(entry: Entry) -> str:
    schedules = _grouped(entry.summary.schedules)
    counts = [f"{kind_name(one.kind)} in {_grouped(one.count)} of {schedules}" for one in entry.found]
    return ", ".join(counts) if counts else f"no violation in {schedules} schedules"


def _reasons(run: Run) -> Markup | None:
    reasons = [run.fault] if run.fault else []
    for entry in run.entries:
        where = _name(entry)
        reasons += [f"{where}: {reason}" for reason in entry.summary.unexpected]
        if entry.summary.unsettled:
            word = "inconclusive: " if entry.summary.why_inconclusive else ""
            reasons.append(f"{where}: {word}{entry.summary.unsettled}")
        elif entry.summary.stopped and run.outcome != "interrupted":
            ran = f"{entry.summary.schedules} of {entry.wanted} schedules"
            reasons.append(f"{where}: stopped ({entry.summary.stopped}) after {ran}")
        if entry.summary.voided:
            reasons.append(f"{where}: {voided_line(entry.summary.voided)}")
    if not reasons:
        return None
    more = len(reasons) - _REASONS_MAX
    items = [tag("li", shown(reason)) for reason in reasons[:_REASONS_MAX]]
    return tag("ul", *items, tag("li", f"and {more} more", class_="soft") if more > 0 else None)


def _pairs(count: int) -> str:
    return "one scenario and fence" if count == 1 else f"{count} pairs of scenario and fence"


def _joined_values(values: Iterable[object]) -> str:
    texts = list(dict.fromkeys(map(str, values)))
    return ", ".join(texts[:3]) + (" ..." if len(texts) > 3 else "") if texts else "-"  # noqa: PLR2004  # room for three


def _grouped(number: int) -> str:
    return f"{number:,}"
