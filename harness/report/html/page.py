"""The whole page, in the order in which people ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report.html.charts import curves, decision_steps
from harness.report.html.coverage_table import worth_of_passes
from harness.report.html.heat_map import matrix
from harness.report.html.markup import Markup, join, shown, tag
from harness.report.html.page_data import Entry, Finding, Run
from harness.report.html.style import STYLE
from harness.report.html.summary_section import answer, facts, headline_of
from harness.report.html.tables import plain
from harness.report.html.violation import anchor, article, kind_name

__all__ = ["page"]

#: What pages of many scenarios keep to, by cutting pictures.
_BYTES_MAX, _STORIES_BYTES_MIN = 280_000, 60_000
#: There is no shorter one.
_STORY_BYTES_MIN = 2_500
#: Expected violations after so many stories open on request.
_OPEN_MAX = 6
_WITNESS = "Replay one with `python -m harness replay` and the file that its name leads to."
#: No script, no address, whatever should get past all the escaping.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(run: Run) -> str:
    """One HTML file that needs nothing else."""
    # Without any picture everything is a mention, and nothing is larger.
    room = _BYTES_MAX - sum(map(len, _sections(run, [], frozenset()))) - len(STYLE)
    stories = _stories(run, max(room, _STORIES_BYTES_MIN))
    drawn = frozenset(name for name, _ in stories)
    body = tag(
        "main",
        tag("p", "takeover-harness · run ", shown(run.name), class_="over"),
        answer(run),
        facts(run),
        *(_sections(run, [story for _, story in stories], drawn) if run.entries else ()),
        _again(run),
    )
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{headline_of(run)} · {run.name}"),
        tag("style", STYLE),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', body), lang='en')}\n"


def _sections(run: Run, stories: Sequence[Markup], drawn: frozenset[str]) -> Iterable[Markup]:
    yield _section(
        "Fences and scenarios",
        "Decisions by what they should have been; the stronger the colour, the larger their share.",
        matrix(run, drawn),
    )
    if stories:
        yield _section("What went wrong", _legend(), *stories)
    mentioned = list(_mentioned(run, drawn))
    if mentioned:
        yield _section(
            "More of the same" if stories else "What went wrong",
            f"Each is the first of its kind under its scenario and fence. {_WITNESS}",
            _mentions(mentioned),
        )
    if any(entry.summary.violations for entry in run.entries):
        yield _section(
            "Found over schedules",
            "How many schedules had shown a violation by then. Both axes are in powers.",
            curves(run, _found, "violating schedules", "bad"),
        )
    yield _section(
        "New classes over schedules",
        "A class is one order of the steps that meet. Where the line is flat, more of the same shows little.",
        curves(run, _classes, "classes", ""),
    )
    yield _section(
        "How long a decision takes",
        "In file operations, for time is virtual: all lanes' from its begin to its end, and the fence's own.",
        decision_steps(run),
    )
    worth = worth_of_passes(run)
    if worth is not None:
        yield _section(
            "What a pass is worth",
            "What was searched and found clean, with 95 % confidence; not that there is nothing.",
            worth,
        )


def _section(title: str, lead: str | Markup, *parts: Markup) -> Markup:
    return tag("section", tag("h2", title), tag("p", lead, class_="lead"), *parts)


def _legend() -> Markup:
    return join(
        "A column a lane, a row a file operation, time downwards. The ",
        tag("span", "tinted field", style="background:var(--win);padding:0 4px;border-radius:3px"),
        " is the window, the ",
        tag("b", "blue bar", style="color:var(--lock)"),
        " the write lock while it is held, a diamond an effect on the transcript, the square the decision, ",
        "and the two ",
        tag("b", "ringed steps", style="color:var(--pair)"),
        " are the pair whose order decides. Figures refer to the story.",
    )


def _stories(run: Run, room: int) -> list[tuple[str, Markup]]:
    """Violations with their pictures, as many as the page can bear.

    What nobody expected comes first, then the first of each kind, then the rest.
    """
    drawable = [
        (number, entry, finding)
        for number, entry in enumerate(run.entries)
        for finding in entry.found
        if finding.example is not None
    ]
    firsts = {finding.kind: id(finding) for _, _, finding in reversed(drawable)}
    drawable.sort(key=lambda one: (one[2].expected, id(one[2]) != firsts[one[2].kind]))
    told: list[tuple[str, Markup]] = []
    for number, entry, finding in drawable:
        if told and room < _STORY_BYTES_MIN:
            break
        assert finding.example is not None
        story = article(
            number,
            entry.summary,
            finding,
            finding.example,
            folded=len(told) >= _OPEN_MAX and finding.expected,
        )
        if len(story) <= room or not told:
            room -= len(story)
            told.append((anchor(number, finding.kind), story))
    return told


def _mentioned(run: Run, drawn: frozenset[str]) -> Iterable[tuple[Entry, Finding]]:
    for number, entry in enumerate(run.entries):
        for finding in entry.found:
            if anchor(number, finding.kind) not in drawn:
                yield entry, finding


def _mentions(mentioned: Sequence[tuple[Entry, Finding]]) -> Markup:
    rows = [
        [
            entry.summary.scenario,
            entry.summary.fence,
            _mention(finding),
            str(finding.count),
            str(finding.schedule),
        ]
        for entry, finding in mentioned
    ]
    heads = ("scenario", "fence", "violation and witness", "schedules", "first")
    return plain(heads, rows, 2, "more, each with its witness")


def _mention(finding: Finding) -> Markup:
    name = kind_name(finding.kind)
    return join(
        tag("a", name, href=finding.witness) if finding.witness else f"{name} (not stored)",
        None if finding.expected else tag("b", ", not expected"),
    )


def _again(run: Run) -> Markup:
    return tag(
        "section",
        tag("h2", "Again"),
        tag(
            "p",
            "The same seed shows the same schedules. All of this run, whoever runs it:",
            class_="lead",
            style="margin-bottom:0",
        ),
        tag("code", shown(run.command), class_="cmd"),
    )


def _found(entry: Entry) -> Sequence[tuple[int, int]]:
    return entry.summary.found_curve if entry.summary.violations else ()


def _classes(entry: Entry) -> Sequence[tuple[int, int]]:
    return entry.summary.worth.curve if entry.summary.worth is not None else ()
