"""A page has its sections in order, and no text on it breaks out."""

from __future__ import annotations

import functools
import itertools
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.model.history import History, LaneInfo
from harness.report.html.markup import visible
from harness.report.html.page import page
from harness.report.html.page_data import Run
from tests.harness.oracle.histories import LANES
from tests.harness.report.html.runs import entry, example, false_positive, finding, missed, run

#: Short enough that nothing is cut off.
hostile = st.one_of(
    st.text(max_size=12),
    st.text("<>/&;#\"'=!-[]? abpx1\n\u202e", max_size=12),
    st.sampled_from(
        ["</svg><p>", "</title><b>", '"><i x="', "'x'", "</style>", "<!--", "-->", "]]>", "&lt;", "\u202e<"]
    ),
)


class Read(HTMLParser):
    """The elements with their attributes' names and their classes, without the marks of escapes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...], str]] = []
        self.text = ""
        self.values: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        kept = dict(attributes)
        self.values += [value or "" for value in kept.values()]
        # The width of a picture depends on its content.
        style = re.sub(r"\s*\b(slim|mid)\b", "", kept.get("class") or "")
        escape = name == "span" and style == "u"
        self._open += [] if escape or name in ("meta", "br") else [name]
        # A text that is too long for a label is its title, too.
        if not escape and name != "title":
            self.elements.append((name, tuple(sorted(kept)), style))

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(name, attributes)

    def handle_data(self, text: str) -> None:
        self.text += text


def lanes(name: str, process: str) -> tuple[LaneInfo, ...]:
    runner, heartbeat, cron, *rest = LANES
    renamed = (msgspec.structs.replace(runner, name=name), heartbeat)
    return (*renamed, msgspec.structs.replace(cron, process=process), *rest)


def named(history: History, alias: str) -> History:
    """Return the history with another alias for the transcript."""
    events = tuple(
        msgspec.structs.replace(event, path=alias) if getattr(event, "path", "") == "T" else event
        for event in history.events
    )
    return msgspec.structs.replace(history, events=events)


def full(texts: tuple[str, ...]) -> Run:
    """Return a run with every text that fences and scenarios supply."""
    scenario, fence, name, process, alias, message, detail, path, reason, command = texts
    shown = example(named(false_positive(lanes(name, process), message), alias))
    found = finding(shown, detail=detail, replay=path, witness=path, expected=False)
    mention = finding(example(missed()), detail=detail, witness=path, example=None)
    wrong = entry(
        found, mention, scenario=scenario, fence=fence, unexpected=(reason,), why_inconclusive=reason
    )
    clean = entry(scenario=scenario, fence=fence + "2", policy=reason)
    return run(wrong, clean, outcome="not as expected", name=path, command=command, fault=reason)


@functools.cache
def plain() -> Read:
    """Return the same page with plain letters as its texts."""
    return Read(page(full(("x",) * 10)))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.tuples(*[hostile] * 10))
def test_no_text_breaks_out_of_the_page(texts: tuple[str, ...]) -> None:
    # An empty text would not show, so every text has at least a letter.
    texts = tuple(f"x{text}" for text in texts)
    text = page(full(texts))
    read = Read(text)
    # One by one: a difference of two long lists takes minutes to print.
    for at, (mine, theirs) in enumerate(itertools.zip_longest(read.elements, plain().elements)):
        assert mine == theirs, at
    values = " ".join(read.values)
    missing = [one for one in texts if visible(one) not in read.text and visible(one) not in values]
    assert not missing
    assert text.replace("\n", "").isprintable()


def test_a_page_is_self_contained_and_runs_no_script() -> None:
    text = page(full(("x",) * 10))
    assert "<script" not in text
    assert not re.search(r"(?:src=|@import|url\(|https?:)", text)
    assert not [value for _, names, _ in Read(text).elements for value in names if value.startswith("on")]
    assert "default-src &#x27;none&#x27;" in text


def titles(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_the_result_is_first_and_the_sections_follow_in_order() -> None:
    one = finding(example(missed()))
    mention = finding(example(missed()), example=None)
    text = page(run(entry(one), entry(mention, scenario="t"), entry(fence="g")))
    assert text.index("<h1>Missed takeover, as expected</h1>") < text.index("<h2>")
    assert titles(text) == [
        "Violations",
        "More violations",
        "Fences and scenarios",
        "Found over schedules",
        "New classes over schedules",
        "How long a decision takes",
        "Coverage of passes",
        "Run it again",
    ]
    assert "Replay one with `called replay` and the file" in text


def test_a_pass_has_no_sections_on_violations() -> None:
    text = page(run(entry()))
    assert "<h1>Pass</h1>" in text
    assert not {"Violations", "More violations", "Found over schedules"}.intersection(titles(text))
    assert "1 in 33" in text


def test_a_page_of_several_machines_names_the_schedules_of_each() -> None:
    assert "Shards and workers" not in page(run(entry()))
    ran = {"shard 1/2 on north": "0 to 9", "shard 2/2 on <south>": "10 to 19"}
    text = page(run(entry(ran=ran)))
    assert (
        text.index("Shards and workers")
        < text.index("shard 1/2 on north")
        < text.index("shard 2/2 on &lt;south&gt;")
    )


def test_peak_memory_is_shown_if_it_is_known() -> None:
    mib = 1 << 20
    one = entry(peak_bytes={"harness": 40 * mib, "explorer": 31 * mib - 1, "workers": 50 * mib})
    other = entry(fence="g", peak_bytes={"harness": 41 * mib, "explorer": 9 * mib, "workers": 49 * mib})
    text = page(run(one, other))
    told = "Peak memory in MiB: harness 41, explorer 31, workers 50."
    assert text.index("<h2>Run it again</h2>") < text.index(told)
    assert "Peak memory" not in page(run(entry()))


def test_a_run_without_results_still_has_a_page() -> None:
    text = page(run(outcome="interrupted", planned=3))
    assert "<h1>Interrupted</h1>" in text
    assert "Nothing was completed; planned: 3 pairs of scenario and fence." in text
    assert titles(text) == ["Run it again"]


def test_a_violation_without_a_witness_shows_its_seed() -> None:
    text = page(run(entry(finding(example(missed()), replay="", witness=""), seed=5)))
    assert "No witness is stored; seed 5 shows it again in schedule 3." in text


def _box(text: str) -> str:
    """Return the box at the head of the page."""
    return text[text.index('<div class="answer') : text.index("</div>", text.index('<div class="answer'))]


def test_each_of_many_failures_is_named_in_the_head() -> None:
    bad = [entry(finding(example(missed()), expected=False), scenario=f"s{number}") for number in range(60)]
    text = page(run(*bad, entry(scenario="good"), outcome="not as expected"))
    assert "<h1>60 of 61 not as expected</h1>" in text
    assert re.findall(r"<b>(s\d+) / f</b>", _box(text)) == [f"s{number}" for number in range(60)]
    assert "missed takeover in 7 of 100" in _box(text)
    # None of them is folded, wherever it is.
    folded = "".join(re.findall(r"<details>.*?</details>", text, re.DOTALL))
    assert "not expected" not in folded


def test_a_search_cut_short_that_passed_is_a_note_and_no_failure() -> None:
    bad = entry(finding(example(missed()), expected=False), scenario="bad")
    short = entry(scenario="short", stopped="time limit", schedules=60)
    unknown = entry(scenario="odd", why_inconclusive="a lane moved")
    text = page(run(bad, short, unknown, outcome="not as expected"))
    assert "short / f: stopped (time limit) after 60 of 100 schedules" in text
    assert "bad / f" in _box(text)
    assert not [word for word in ("stopped", "short", "odd") if word in _box(text)]
    assert "1 result is not known" in text and "a lane moved" in text


def test_a_violation_under_a_policy_that_is_not_claimed_is_information() -> None:
    one = entry(finding(example(missed()), information=True), information=("missed_takeover",))
    text = page(run(one))
    assert "<h1>Missed takeover, for information</h1>" in text
    assert "because the fence does not claim this policy" in text


def test_unexpected_violations_come_first() -> None:
    expected, not_expected = finding(example(missed())), finding(example(false_positive()), expected=False)
    text = page(run(entry(expected), entry(not_expected, fence="g"), outcome="not as expected"))
    assert text.index('id="v1-false_positive"') < text.index('id="v0-missed_takeover"')


def test_pages_of_many_scenarios_stay_small_and_mention_the_rest() -> None:
    entries = [
        entry(finding(example(missed())), scenario=f"scenario-{number}", fence=f"fence-{number % 7}")
        for number in range(350)
    ]
    text = page(run(*entries))
    assert len(text.encode()) < 300_000
    drawn = text.count("<article")
    assert 5 < drawn < 350
    assert f"<summary>{350 - drawn} more, each with its witness</summary>" in text


@pytest.mark.parametrize("kind", ["lost_entry", "double_hold", "dead_end", "crash"])
def test_every_kind_of_violation_can_be_shown(kind: str) -> None:
    shown = example(missed())
    other = msgspec.structs.replace(
        shown.violation, kind=kind, window_from=-1, lane=-1, at=len(shown.history.events) - 1
    )
    text = page(run(entry(finding(msgspec.structs.replace(shown, violation=other)))))
    words = kind.replace("_", " ")
    assert f"<h1>{words.capitalize()}, as expected</h1>" in text
    assert '<text y="' in text
    assert f">{words}</text>" in text
