"""Text stays text, and invisible characters become escapes."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.html.markup import Markup, cells, join, shown, tag, visible

#: Any letters, and the letters of markup.
anything = st.text() | st.text("<>/&;#\"'=!-[]? abpx1\n\u202e")


class Read(HTMLParser):
    """The tags and the text that a browser would find."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((name, dict(attributes)))

    def handle_data(self, text: str) -> None:
        self.text += text


@given(anything)
def test_any_text_stays_text_and_makes_no_element(text: str) -> None:
    read = Read(tag("p", text, title=text))
    assert read.tags == [("p", {"title": visible(text)})]
    assert read.text == visible(text)


@given(anything)
def test_shown_text_marks_its_escapes(text: str) -> None:
    read = Read(shown(text))
    assert read.text == visible(text)
    assert {(name, kept.get("class")) for name, kept in read.tags} <= {("span", "u")}


@given(anything)
def test_visible_text_can_be_printed_and_encoded(text: str) -> None:
    assert visible(text).isprintable()
    visible(text).encode()


@pytest.mark.parametrize(
    ("hidden", "escape"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb", "a\\nb"),
        ("\x00", "\\x00"),
        ("ok\u202egpj.exe", "ok\\u202egpj.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u3164"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\\u0301\\u0301"),
    ],
)
def test_invisible_characters_are_written_as_escapes(hidden: str, escape: str) -> None:
    assert visible(hidden) == escape


def test_an_escape_differs_from_text_that_resembles_one() -> None:
    assert shown("\\x1b") == "\\x1b"
    assert shown("\x1b") == '<span class="u">\\x1b</span>'


def test_letters_of_any_script_stay_as_they_are() -> None:
    for text in ("naïve", "Привет", "日本語", "שלום", "🙂", "a b"):
        assert visible(text) == text


def test_only_markup_objects_are_markup() -> None:
    assert tag("p", "<b>") == "<p>&lt;b&gt;</p>"
    assert tag("p", tag("b", "x"), Markup("<i>"), None) == "<p><b>x</b><i></p>"
    assert join("<", tag("br")) == "&lt;<br/>"


def test_python_names_become_attribute_names() -> None:
    assert tag("p", class_="a", aria_label='"', title=None) == '<p class="a" aria-label="&quot;"></p>'


def test_wide_letters_take_two_columns() -> None:
    assert [cells(text) for text in ("abc", "日本", "→ é", "🙂")] == [3, 4, 3, 2]
