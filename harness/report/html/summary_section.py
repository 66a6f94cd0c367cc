"""Show the result of the run first: in one line, and then in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.report.html.markup import Markup, join, shown, tag
from harness.report.html.page_data import Entry, Run
from harness.report.html.violation_names import anchor, kind_name
from harness.results.summary import NOT_EXPECTED, voided_line

__all__ = ["facts", "headline_of", "notes", "peak_memory", "summary_section", "tone_of"]

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
    if run.outcome == "not as expected" and len(run.entries) > _ENTRIES_MAX:
        failures = sum(bool(entry.summary.unexpected) for entry in run.entries)
        return f"{failures} of {run.planned} not as expected"
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
    known = any(finding.expected and not finding.information for one in run.entries for finding in one.found)
    word = "as expected" if known or not any(one.found for one in run.entries) else "for information"
    return _joined_kinds(map(kind_name, kinds), word) if kinds else "Pass"


def summary_section(run: Run, drawn: frozenset[str]) -> Markup:
    """Return the head of the page: the result, and by name all that is not as expected.

    Args:
        run: the run.
        drawn: anchors of the violations that the page shows.
    """
    unsettled = [entry for entry in run.entries if not entry.summary.unexpected and entry.summary.unsettled]
    box = tag(
        "div",
        tag("h1", headline_of(run)),
        tag("p", shown(run.fault)) if run.fault else None,
        tag("p", shown(_sentence(run))),
        _failures(run, drawn) or _by_entry(run),
        _unsettled(unsettled) if tone_of(run) != "bad" else None,
        class_=f"answer {tone_of(run)}",
        role="status",
    )
    if tone_of(run) != "bad" or not unsettled:
        return box
    word = "result is" if len(unsettled) == 1 else "results are"
    other = tag("p", tag("b", f"{len(unsettled)} {word} not known"))
    return join(box, tag("div", other, _unsettled(unsettled), class_="answer odd"))


def peak_memory(run: Run) -> str:
    """Return the peak memory of each kind of process in a sentence; empty if one is not known."""
    summaries = [entry.summary for entry in run.entries]
    names = ("harness", "explorer", "workers")
    peaks = [max((one.peak_bytes.get(name, 0) for one in summaries), default=0) for name in names]
    if not all(peaks):
        return ""
    parts = (f"{name} {-(-peak // 2**20)}" for name, peak in zip(names, peaks, strict=True))
    return f"Peak memory in MiB: {', '.join(parts)}."


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
        if any(finding.information for entry in entries for finding in entry.found):
            return f"{sentence} They are expected, or under a policy that the fence does not claim."
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


def _failures(run: Run, drawn: frozenset[str]) -> Markup | None:
    """Return the list of all that is not as expected, each by its name."""
    items = [
        tag("li", _linked(number, entry, drawn), " ", tag("span", shown(_wrong(entry)), class_="soft"))
        for number, entry in enumerate(run.entries)
        if entry.summary.unexpected
    ]
    # On a telephone many of them show their names alone, so that all fit on the first screen.
    name = "failures many" if len(items) > _ENTRIES_MAX else "failures"
    return tag("ul", *items, class_=name) if items else None


def _linked(number: int, entry: Entry, drawn: frozenset[str]) -> Markup:
    """Return the name of an entry, as a link to the first of its unexpected violations that there is."""
    name = tag("b", shown(_name(entry)))
    for finding in entry.found:
        place = anchor(number, finding.kind)
        if not finding.expected and (place in drawn or finding.witness):
            return tag("a", name, href=f"#{place}" if place in drawn else finding.witness)
    return name


def _wrong(entry: Entry) -> str:
    summary = entry.summary
    words = []
    for reason in summary.unexpected:
        kind = reason.removesuffix(NOT_EXPECTED)
        count = summary.violations.get(kind, 0)
        ran = f"{_grouped(count)} of {_grouped(summary.schedules)}"
        words.append(f"{kind_name(kind)} in {ran}" if count and kind != reason else reason)
    return "; ".join(words)


def _unsettled(entries: Sequence[Entry]) -> Markup | None:
    """Return the list of results that are not known, with their reasons."""
    items = []
    for entry in entries:
        word = "inconclusive: " if entry.summary.why_inconclusive else ""
        items.append(tag("li", tag("b", shown(_name(entry))), " ", shown(f"{word}{entry.summary.unsettled}")))
    return tag("ul", *items) if items else None


def notes(run: Run) -> Markup | None:
    """Return what happened besides, and decides nothing: searches that a limit cut short, repetitions."""
    found = []
    for entry in run.entries:
        summary, where = entry.summary, _name(entry)
        if summary.stopped and run.outcome != "interrupted":
            ran = f"{summary.schedules} of {entry.wanted} schedules"
            found.append(f"{where}: stopped ({summary.stopped}) after {ran}")
        if summary.voided:
            found.append(f"{where}: {voided_line(summary.voided)}")
    if not found:
        return None
    items = tag("ul", *(tag("li", shown(note)) for note in found))
    if len(found) > _ENTRIES_MAX:
        items = tag(
            "details", tag("summary", f"{len(found)} notes, on searches cut short and the like"), items
        )
    return tag("div", items, class_="notes small soft")


def _pairs(count: int) -> str:
    return "one scenario and fence" if count == 1 else f"{count} pairs of scenario and fence"


def _joined_values(values: Iterable[object]) -> str:
    texts = list(dict.fromkeys(map(str, values)))
    return ", ".join(texts[:3]) + (" ..." if len(texts) > 3 else "") if texts else "-"  # noqa: PLR2004  # room for three


def _grouped(number: int) -> str:
    return f"{number:,}"
