"""Show fences against scenarios as a heat map: false positives, missed takeovers, stuck turns."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.report.html.markup import Markup, shown, tag
from harness.report.html.page_data import Entry, Run
from harness.report.html.violation_names import anchor

__all__ = ["heat_map", "is_failure"]

#: Shares of the decisions above which a cell gets its next darker level.
_LEVELS = (0.0, 0.05, 0.2, 0.5)
#: Fences in fewer than one of so many scenarios are listed below.
_RARE = 10
#: With more fences than this, columns are narrow.
_ROOMY = 4
_SHORT = {"false_positive": "false pos.", "missed_takeover": "missed", "stuck": "stuck", "other": "other"}
_LETTERS = {"false_positive": "f", "missed_takeover": "m", "stuck": "s", "other": "o"}


def is_failure(entry: Entry) -> bool:
    """Return whether an entry is not as expected, or not known."""
    return bool(entry.summary.unexpected or entry.summary.unsettled)


def heat_map(run: Run, drawn: frozenset[str]) -> Markup:
    """Return the table with its key.

    Args:
        run: the run.
        drawn: anchors of the violations that the page shows.
    """
    fences = list(dict.fromkeys(entry.summary.fence for entry in run.entries))
    # By place, because two folders may each have a scenario of the same name.
    rows: list[tuple[str, dict[str, tuple[int, Entry]]]] = []
    for number, entry in enumerate(run.entries):
        summary = entry.summary
        if not rows or rows[-1][0] != summary.scenario or summary.fence in rows[-1][1]:
            rows.append((summary.scenario, {}))
        rows[-1][1][summary.fence] = (number, entry)
    columns = ["false_positive", "missed_takeover", "stuck"]
    if any(_others(entry) for entry in run.entries):
        columns.append("other")
    asked = Counter(fence for _, found in rows for fence in found)
    # A nearly empty column says less than a line.
    common = [fence for fence in fences if asked[fence] * _RARE >= len(rows)]
    body = [
        tag(
            "tr",
            tag("th", shown(scenario), scope="row"),
            *_line(found, common, columns, drawn),
            class_=_calm(found.values()),
        )
        for scenario, found in rows
        if not found.keys().isdisjoint(common)
    ]
    rare = [
        tag(
            "tr",
            tag("th", shown(fence), scope="row"),
            tag("td", shown(scenario), class_="none where"),
            *_line(found, [fence], columns, drawn, named=False),
            class_=_calm([found[fence]]),
        )
        for fence in fences
        if fence not in common
        for scenario, found in rows
        if fence in found
    ]
    return tag(
        "div",
        _heat(_head("scenario", common, columns), body, "heat dense" if len(common) > _ROOMY else "heat"),
        _heat(_head("fences of few scenarios", [""], columns, "scenario"), rare) if rare else None,
        _key(run, columns),
    )


def _calm(found: Iterable[tuple[int, Entry]]) -> str | None:
    """Return the class of a row without a failure, which the filter hides."""
    return None if any(is_failure(entry) for _, entry in found) else "ok"


def _heat(head: Markup, body: list[Markup], name: str = "heat") -> Markup:
    return tag("div", tag("table", head, tag("tbody", *body), class_=name), class_="scroll", tabindex="0")


def _head(first: str, fences: list[str], columns: list[str], second: str = "") -> Markup:
    names = [
        tag("th", tag("span", name, class_="soft small"), rowspan=2, scope="col") for name in (first, second)
    ]
    return tag(
        "thead",
        tag(
            "tr",
            *(names if second else names[:1]),
            *(
                tag("th", shown(fence), colspan=len(columns), scope="colgroup", class_="g")
                for fence in fences
            ),
        ),
        tag(
            "tr",
            *(
                tag("th", _SHORT[name], scope="col", class_=None if number else "g")
                for _ in fences
                for number, name in enumerate(columns)
            ),
        ),
    )


def _line(
    found: Mapping[str, tuple[int, Entry]],
    fences: list[str],
    columns: list[str],
    drawn: frozenset[str],
    named: bool = True,
) -> Iterable[Markup]:
    """Yield the cells of one scenario; neighbouring fences that were not run share one empty cell.

    On a narrow page, which has no heads, each fence is named before its cells.
    """
    for asked, group in itertools.groupby(fences, key=found.__contains__):
        if asked:
            for fence in group:
                if named:
                    yield tag("td", shown(fence), class_="fn")
                yield from _cells(*found[fence], columns, drawn)
        else:
            yield tag("td", colspan=len(columns) * len(list(group)), class_="g none")


def _others(entry: Entry) -> dict[str, int]:
    apart = ("false_positive", "missed_takeover")
    return {kind: count for kind, count in entry.summary.violations.items() if kind not in apart and count}


def _cells(number: int, entry: Entry, columns: list[str], drawn: frozenset[str]) -> list[Markup]:
    """Return the cells of one fence in one scenario."""
    summary = entry.summary
    others = _others(entry)
    counts = {
        "false_positive": summary.verdicts["false_positive"],
        "missed_takeover": summary.verdicts["missed_takeover"],
        "stuck": summary.stuck,
        "other": sum(others.values()),
    }
    surplus = {finding.kind for finding in entry.found if not finding.expected}
    decisions = max(1, sum(summary.verdicts.values()))
    cells = []
    for place, name in enumerate(columns):
        kinds = list(others) if name == "other" else [name]
        names = [f"{_LETTERS[name]}{_level(counts[name] / decisions)}"] if counts[name] else []
        names += ["g"] if not place else []
        names += ["x"] if surplus.intersection(kinds) else []
        names += ["q"] if not place and summary.unsettled else []
        shown_count = str(counts[name]) if counts[name] else None
        target = next((one for one in (anchor(number, kind) for kind in kinds) if one in drawn), None)
        cells.append(
            tag(
                "td",
                tag("a", shown_count, href=f"#{target}") if target and shown_count else shown_count,
                class_=" ".join(names) or None,
                data_k=_SHORT[name] if counts[name] else None,
                title=", ".join(f"{kind} {count}" for kind, count in others.items()) or None
                if name == "other"
                else None,
            )
        )
    return cells


def _level(share: float) -> int:
    return sum(1 for level in _LEVELS if share > level)


def _key(run: Run, columns: list[str]) -> Markup:
    words = {
        "false_positive": "a lawful write refused",
        "missed_takeover": "a takeover admitted",
        "stuck": "refusals that followed a false positive in its turn",
        "other": "other violations, by schedules",
    }
    items = [
        tag("li", tag("i", class_=f"{_LETTERS[name]}3"), f"{_SHORT[name]}: {words[name]}") for name in columns
    ]
    if any(not finding.expected for entry in run.entries for finding in entry.found):
        items.append(tag("li", tag("i", class_="x"), "not expected"))
    if any(entry.summary.unsettled for entry in run.entries):
        items.append(tag("li", tag("i", class_="q"), "inconclusive"))
    return tag("ul", *items, class_="key")
