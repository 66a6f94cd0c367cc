"""Build the whole page; the most important sections come first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report.html.charts import curves, decision_steps
from harness.report.html.coverage_table import coverage_table
from harness.report.html.heat_map import heat_map, is_failure
from harness.report.html.markup import Markup, join, shown, tag
from harness.report.html.page_data import Entry, Finding, Run
from harness.report.html.ran_table import ran_table
from harness.report.html.style import STYLE
from harness.report.html.summary_section import facts, headline_of, notes, peak_memory, summary_section
from harness.report.html.tables import plain
from harness.report.html.violation_names import anchor, kind_name

__all__ = ["page"]

#: Size limit for pages of many scenarios; pictures are left out above it.
_BYTES_MAX, _STORIES_BYTES_MIN = 280_000, 60_000
#: No story is shorter.
_STORY_BYTES_MIN = 2_500
#: After so many stories, expected violations are folded.
_OPEN_MAX = 6
#: No script and no address is allowed, even if something should get past the escaping.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(run: Run) -> str:
    """Return the run as one self-contained HTML file."""
    # The size without pictures, when each violation is only mentioned.
    head_bytes = len(summary_section(run, frozenset())) + len(STYLE)
    room = _BYTES_MAX - sum(map(len, _sections(run, [], frozenset()))) - head_bytes
    stories = _stories(run, max(room, _STORIES_BYTES_MIN))
    drawn = frozenset(name for name, _ in stories)
    body = tag(
        "main",
        tag("p", "takeover-harness · run ", shown(run.name), class_="over"),
        summary_section(run, drawn),
        _filter(run),
        facts(run),
        notes(run),
        *(_sections(run, [story for _, story in stories], drawn) if run.entries else ()),
        _rerun(run),
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
    if stories:
        yield _section("Violations", _legend(), *stories)
    mentioned = sorted(_mentioned(run, drawn), key=lambda one: one[1].expected)
    if mentioned:
        yield _section(
            "More violations" if stories else "Violations",
            "Each is the first of its kind under its scenario and fence. "
            f"Replay one with `{run.program} replay` and the file to which its name links.",
            *_mentions(mentioned),
        )
    yield _section(
        "Fences and scenarios",
        "Wrong decisions by kind; a stronger colour means a larger share of all decisions.",
        heat_map(run, drawn),
    )
    if any(entry.summary.violations for entry in run.entries):
        yield _section(
            "Found over schedules",
            "Number of schedules with a violation so far. Both axes are logarithmic.",
            curves(run, _found, "violating schedules", "bad"),
            rest=True,
        )
    yield _section(
        "New classes over schedules",
        "A class is one order of the conflicting steps. A flat line means that more schedules show little.",
        curves(run, _classes, "classes", ""),
        rest=True,
    )
    yield _section(
        "How long a decision takes",
        "In file operations, because time is virtual: all lanes' during the decision, and the fence's own.",
        decision_steps(run),
        rest=True,
    )
    passes = coverage_table(run)
    if passes is not None:
        yield _section(
            "Coverage of passes",
            "How much was searched without a violation, with 95 % confidence; no proof that there is none.",
            passes,
            rest=True,
        )
    ran = ran_table(run)
    if ran is not None:
        yield _section(
            "Shards and workers",
            "Numbers of schedules, by the shard or the worker that ran them.",
            ran,
            rest=True,
        )


def _section(title: str, lead: str | Markup, *parts: Markup, rest: bool = False) -> Markup:
    """Return a section; the filter hides one of the `rest`, which is about the whole run."""
    name = "rest" if rest else None
    return tag("section", tag("h2", title), tag("p", lead, class_="lead"), *parts, class_=name)


def _filter(run: Run) -> Markup | None:
    """Return the box to tick for failures alone; it works by style, without a script."""
    failures = sum(is_failure(entry) for entry in run.entries)
    if not 0 < failures < len(run.entries):
        return None
    words = f"show only the {failures} of {len(run.entries)} that are not as expected or not known"
    return join(
        tag("input", type="checkbox", id="only"), tag("label", words, for_="only", class_="small soft")
    )


def _legend() -> Markup:
    return join(
        "Each column is a lane, each row a file operation; time runs downwards. The ",
        tag("span", "tinted field", style="background:var(--win);padding:0 4px;border-radius:3px"),
        " is the window. The ",
        tag("b", "blue bar", style="color:var(--lock)"),
        " shows how long the lane holds the write lock. A diamond is an effect on the transcript, ",
        "the square the decision. The two ",
        tag("b", "ringed steps", style="color:var(--pair)"),
        " are the pair whose order decides. Numbers refer to the story.",
    )


def _stories(run: Run, room: int) -> list[tuple[str, Markup]]:
    """Return violations with their pictures, as many as fit on the page.

    Unexpected violations come first, then the first of each kind, then the rest.
    """
    drawable = [
        (number, entry, finding)
        for number, entry in enumerate(run.entries)
        for finding in entry.found
        if finding.example is not None
    ]
    firsts = {finding.kind: id(finding) for _, _, finding in reversed(drawable)}
    drawable.sort(key=lambda one: (one[2].expected, id(one[2]) != firsts[one[2].kind]))
    found: list[tuple[str, Markup]] = []
    for number, entry, finding in drawable:
        if found and room < _STORY_BYTES_MIN:
            break
        assert finding.example is not None
        # Imported here because most pages show none.
        from harness.report.html.violation import article

        story = article(
            number,
            entry.summary,
            finding,
            finding.example,
            folded=len(found) >= _OPEN_MAX and finding.expected,
        )
        if len(story) <= room or not found:
            room -= len(story)
            found.append((anchor(number, finding.kind), story))
    return found


def _mentioned(run: Run, drawn: frozenset[str]) -> Iterable[tuple[Entry, Finding]]:
    for number, entry in enumerate(run.entries):
        for finding in entry.found:
            if anchor(number, finding.kind) not in drawn:
                yield entry, finding


def _mentions(mentioned: Sequence[tuple[Entry, Finding]]) -> Iterable[Markup]:
    """Yield a table of those that are not expected, which is never folded, and one of the others."""
    for expected in (False, True):
        some = [one for one in mentioned if one[1].expected == expected]
        if some:
            name = "mentions ok" if expected else "mentions"
            yield tag("div", _mention_table(some, fold=expected), class_=name)


def _mention_table(mentioned: Sequence[tuple[Entry, Finding]], fold: bool) -> Markup:
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
    return plain(heads, rows, 2, "more, each with its witness", fold)


def _mention(finding: Finding) -> Markup:
    name = kind_name(finding.kind)
    return join(
        tag("a", name, href=finding.witness) if finding.witness else f"{name} (not stored)",
        None if finding.expected else tag("b", ", not expected"),
    )


def _rerun(run: Run) -> Markup:
    return tag(
        "section",
        tag("h2", "Run it again"),
        tag(
            "p",
            "The same seed gives the same schedules. This command repeats the whole run:",
            class_="lead",
            style="margin-bottom:0",
        ),
        tag("code", shown(run.command), class_="cmd"),
        tag("p", peak_memory(run), class_="small soft after") if peak_memory(run) else None,
    )


def _found(entry: Entry) -> Sequence[tuple[int, int]]:
    return entry.summary.found_curve if entry.summary.violations else ()


def _classes(entry: Entry) -> Sequence[tuple[int, int]]:
    return entry.summary.worth.curve if entry.summary.worth is not None else ()
