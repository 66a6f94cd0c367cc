"""Markdown shows the same results as JUnit, and no text of a fence becomes markup."""

from __future__ import annotations

import html

from markdown_it import MarkdownIt

from harness.report.markdown import BYTES_MAX, markdown
from harness.results.paired import compare
from tests.harness.report.cases import HOSTILE, case

STORY = "crash: it broke\n    1  runner  load\nreplay: python -m harness replay w.json"


def _tables(text: str) -> list[list[list[str]]]:
    """Return every table as rows of cells, read by a parser of GitHub's tables."""
    tables: list[list[list[str]]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.level == 4:
            words = [child.content for child in token.children or () if child.type != "html_inline"]
            tables[-1][-1].append("".join(words))
    return tables


def test_the_result_comes_first() -> None:
    bad = case(unexpected=("x",))
    unknown = case(why_inconclusive="y")
    for cases, result in (
        ([case(), case()], "**As expected:** all 2"),
        ([case(), bad, unknown], "**Not as expected:** 1 of 3"),
        ([case(), unknown], "**Inconclusive:** 1 of 2"),
    ):
        assert markdown(cases, "Title").startswith(f"### Title\n\n{result}")


def test_many_failures_are_named_before_the_table_and_the_stories() -> None:
    bad = [case(STORY * 300, scenario=f"s{number}", unexpected=("x",)) for number in range(30)]
    text = markdown([*bad, case(scenario="good")], "Title")
    head = text.partition("| ---")[0]
    assert [f"<li><code>s{number}</code>" in MarkdownIt().render(head) for number in range(30)] == [True] * 30
    assert "good" not in head.partition("| <code>scenario")[0]


def test_the_number_of_stopped_searches_is_stated() -> None:
    text = markdown([case(), case(stopped="time limit")], "Title")
    assert "; 200 schedules, the time limit cut 1 short." in text


def test_the_grid_is_a_table() -> None:
    text = markdown([case(fence="one"), case(fence="two", violations={"crash": 4})], "Title")
    assert _tables(text) == [[["scenario", "one", "two"], ["s", "pass", "crash 4"]]]


def test_differences_between_fences_are_a_table() -> None:
    pair = compare({0: ("crash",), 1: ()}, {0: (), 1: ()}, "old")
    _, found = _tables(markdown([case()], "Title", [("s", "new", pair)]))
    assert found[1] == ["s", "new", "old", "crash", "1", "0", "0", "2", "1"]
    same = compare({0: ()}, {0: ()}, "old")
    assert "No schedule tells the fences apart." in markdown([case()], "Title", [("s", "new", same)])


def test_a_story_is_a_code_block_with_the_replay_command() -> None:
    text = markdown([case(STORY, unexpected=("crash was not expected",))], "Title")
    blocks = [token.content for token in MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    assert blocks == [f"{STORY}\n"]


def test_no_message_of_a_fence_becomes_markup() -> None:
    text = markdown([case(HOSTILE, scenario=HOSTILE, fence=HOSTILE, unexpected=(HOSTILE,))], "Title")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert [token.content for token in tokens if token.type == "fence"] == [
        HOSTILE.replace("\r\n", "\n").replace("\x00", "\ufffd").encode(errors="backslashreplace").decode()
        + "\n"
    ]
    raw = [child.content for token in tokens for child in token.children or () if child.type == "html_inline"]
    assert set(raw) == {"<code>", "</code>"}
    blocks = "".join(token.content for token in tokens if token.type == "html_block")
    assert "<script" not in blocks
    (table,) = _tables(text)
    assert len(table) == 2
    assert {len(row) for row in table} == {2}
    assert "<script>alert(1)</script>" in html.unescape(table[1][0])
    # GitHub looks for mentions everywhere except in code.
    assert "@all" not in text.partition("\n\n```")[0]


def test_long_documents_are_cut_to_the_size_of_a_comment() -> None:
    text = markdown([case("ü" * 50_000, unexpected=("x",)) for _ in range(3)], "Title")
    assert len(text.encode()) <= BYTES_MAX
    assert text.endswith("the rest is in the run's folder)\n")
