"""The layout of pages in a real browser: at any width nothing collides or is cut off."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import msgspec
import pytest

from harness.model.history import LaneInfo
from harness.report.html.page import page
from harness.report.html.page_data import Run
from harness.report.html.style import STYLE
from tests import browser
from tests.harness.report.html.runs import eighty, entry, example, false_positive, finding, long, missed, run

pytestmark = [pytest.mark.requires("chromium"), pytest.mark.xdist_group("chromium")]

WIDTHS = (360, 1600)

NASTY = "/very/long/" + "a-name-without-any-space" * 6 + "\u202e\x1b[31m" + "日本語の名前" * 8 + "<b>&amp;"


def many() -> Run:
    """Return a run with many scenarios, fences and kinds of violation."""
    kinds = [missed(), false_positive(), long()]
    entries = [
        entry(
            finding(example(kinds[(number + other) % 3], critical=number % 2 == 0), expected=number > 2),
            scenario=f"scenario-of-some-length-{number}",
            fence=f"fence-{other}",
        )
        for number in range(12)
        for other in range(7)
    ]
    rare = entry(scenario="scenario-of-some-length-11", fence="asked-only-once", why_inconclusive="why")
    return run(*entries, rare, outcome="not as expected")


def nasty() -> Run:
    """Return a run with hostile names and messages."""
    lanes = tuple(LaneInfo(NASTY, "runner", f"{NASTY}{number}", number < 3) for number in range(5))
    shown = example(false_positive(lanes, NASTY))
    events = tuple(
        msgspec.structs.replace(event, path=NASTY) if getattr(event, "path", "") == "T" else event
        for event in shown.history.events
    )
    shown = msgspec.structs.replace(shown, history=msgspec.structs.replace(shown.history, events=events))
    one = entry(finding(shown, detail=NASTY * 9, replay=NASTY), scenario=NASTY, fence=NASTY, policy=NASTY)
    return run(one, entry(scenario=NASTY, fence="f"), name=NASTY, command=NASTY * 3, fault=NASTY)


RUNS = {
    "a pass": run(entry(), entry(fence="g")),
    "a false positive": run(entry(finding(example(false_positive()))), entry(fence="g")),
    "a missed takeover": run(entry(finding(example(missed()), expected=False)), outcome="not as expected"),
    "an empty run": run(outcome="interrupted", planned=2),
    "many of them": many(),
    "nasty names": nasty(),
    "eighty": eighty(),
}


def test_nothing_collides_or_is_cut_off_at_any_width() -> None:
    cases = list(itertools.product(RUNS, WIDTHS))
    layouts = browser.layout([(page(RUNS[name]), width) for name, width in cases])
    assert {case: found["wrong"] for case, found in zip(cases, layouts, strict=True) if found["wrong"]} == {}
    texts = {name: found["texts"] for (name, _), found in zip(cases, layouts, strict=True)}
    assert texts["a missed takeover"] > 20
    assert texts["many of them"] > texts["nasty names"] > texts["a pass"]


def test_a_telephone_shows_a_source_line_with_its_file_and_line() -> None:
    line = "<div><b>status = os.stat(self.path, follow_symlinks=False)</b>  my_runtime/fence.py:37 look</div>"
    text = f"<!doctype html><style>{STYLE}</style><main><div class=code>{line}</div></main>"
    assert [found["wrong"] for found in browser.layout([(text, width) for width in WIDTHS])] == [[], []]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 664)])
def test_the_first_screen_names_every_failure(width: int, height: int) -> None:
    """A small laptop, and a telephone with the bars of its browser."""
    (found,) = browser.layout([(page(RUNS["eighty"]), width)])
    failures = [one.summary for one in eighty().entries if one.summary.unexpected]
    wrong = [f"{one.scenario} / {one.fence}" for one in failures]
    assert [name for name, _ in found["bottoms"]] == wrong
    assert len(wrong) == 12
    assert max(bottom for _, bottom in found["bottoms"]) <= height


def test_the_filter_leaves_the_failures_alone() -> None:
    text = page(RUNS["eighty"])
    ticked = text.replace('type="checkbox"', 'type="checkbox" checked')
    before, after = (one["seen"] for one in browser.layout([(text, 1280), (ticked, 1280)]))
    assert len([one for one in before if one.startswith("TR ")]) == 80
    assert [one for one in before if one.startswith("SECTION ")]
    assert {one.split()[0] for one in after} == {"ARTICLE", "TR"}
    assert len([one for one in after if one.startswith("TR ")]) == 12
    assert all("queued-user-turn-as-a-takeover" in one for one in after)


def test_a_narrow_page_names_each_fence_in_full() -> None:
    narrow, wide = (one["seen"] for one in browser.layout([(page(RUNS["eighty"]), w) for w in (390, 1280)]))
    fences = [one.removeprefix("TD ") for one in narrow if one.startswith("TD ")]
    assert len(fences) == 80
    assert set(fences) == {f"openclaw@2026.5.16-beta.{number}" for number in range(3)}
    assert not [one for one in wide if one.startswith("TD ")]


def test_the_layout_check_finds_defects() -> None:
    text = page(RUNS["a missed takeover"])
    wide = text.replace("</h1>", '</h1><div style="width:500px">x</div>')
    meeting = text.replace(">openat T<", ">openat T and more than there is room for in any column<")
    above = text.replace('<text y="', '<text y="7')
    for broken, words in (
        (wide, "sideways"),
        (meeting, "runs out of its column"),
        (above, "runs out of its picture"),
    ):
        (found,) = browser.layout([(broken, 360)])
        assert any(words in line for line in found["wrong"]), words


@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_can_be_taken_in_light_and_dark(tmp_path: Path, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(RUNS["a false positive"]))
    taken = []
    for dark in (False, True):
        picture = tmp_path / f"{dark}.png"
        browser.picture(file, picture, width, 1200, dark)
        taken.append(picture.read_bytes())
        assert struct.unpack(">II", taken[-1][16:24]) == (width, 1200)
    assert taken[0] != taken[1]
