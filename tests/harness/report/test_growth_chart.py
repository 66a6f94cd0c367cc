"""Curves of cost over size, as text and as SVG."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest

from harness.report.growth_chart import growth_svg, growth_text

_SVG = "{http://www.w3.org/2000/svg}"
_SIZES = tuple(1 << bits for bits in range(10, 27, 2))
_FLAT = [(size, 30.0) for size in _SIZES]
_STEEP = [(size, size / 1000) for size in _SIZES]


def _rows(lines: list[str]) -> list[str]:
    return [line.partition("|")[2] for line in lines if "|" in line]


def test_constant_costs_are_flat_and_growing_costs_climb() -> None:
    rows = _rows(growth_text({"flat": _FLAT, "steep": _STEEP}, "cost"))
    assert sum("a" in row for row in rows) == 1
    steep = [row.index("b") for row in rows if "b" in row]
    assert len(steep) > 5
    assert steep == sorted(steep, reverse=True)


def test_a_star_marks_crossing_lines_and_a_legend_names_them() -> None:
    lines = growth_text({"one": _FLAT, "other": _FLAT}, "cost over size")
    assert lines[0] == "cost over size"
    assert max(row.count("*") for row in _rows(lines)) == len(_SIZES)
    assert "1 KiB" in lines[-2]
    assert lines[-2].endswith("64 MiB")
    assert lines[-1].strip() == "a one, b other; * several"


def test_powers_of_ten_label_their_rows() -> None:
    lines = growth_text({"steep": _STEEP}, "cost")
    assert [line.partition("|")[0].strip() for line in lines if "|" in line and line[:8].strip()] == [
        *("100 ms", "10 ms", "1 ms", "100 us", "10 us", "1 us"),
    ]


def test_a_single_size_and_a_zero_cost_can_be_drawn() -> None:
    assert growth_text({"one": [(1024, 0.0)]}, "cost")
    assert growth_svg({"cost": {"one": [(1024, 0.0)]}})


def test_without_points_the_text_is_empty() -> None:
    assert growth_text({}, "cost") == []
    assert growth_text({"none": []}, "cost") == []


def _texts(root: ElementTree.Element) -> list[ElementTree.Element]:
    return list(root.iter(f"{_SVG}text"))


def test_the_picture_is_complete_and_self_contained() -> None:
    text = growth_svg({"release": {"flat": _FLAT}, "decision": {"flat": _FLAT, "steep": _STEEP}})
    root = ElementTree.fromstring(text)
    assert {element.text for element in _texts(root)} >= {
        *("release", "decision", "flat", "steep", "1 KiB", "256 KiB", "64 MiB", "100 us"),
    }
    assert len(list(root.iter(f"{_SVG}circle"))) == 3 * len(_SIZES)
    assert re.findall(rb"(?:href|src|url\(|@import)", text) == []


@pytest.mark.parametrize(("first", "last"), [(30.0, 30.0), (10.0, 100.0), (100.0, 10.0)])
def test_labels_of_lines_with_one_end_do_not_overlap(first: float, last: float) -> None:
    """In the middle, at the top and at the bottom."""
    names = [f"fence {number}" for number in range(12)]
    root = ElementTree.fromstring(growth_svg({"cost": {key: [(1024, first), (4096, last)] for key in names}}))
    places = sorted(float(element.get("y", "")) for element in _texts(root) if element.text in names)
    assert len(places) == 12
    assert all(after - before >= 14.9 for before, after in itertools.pairwise(places))
    height = float(root.get("height", ""))
    assert places[0] > 0 and places[-1] < height


def test_names_of_fences_are_escaped_and_cut() -> None:
    name = "<script>alert(1)</script>" + "x" * 40
    root = ElementTree.fromstring(growth_svg({"cost": {name: _FLAT}}))
    assert list(root.iter("{http://www.w3.org/2000/svg}script")) == []
    shown = [element.text for element in _texts(root) if (element.text or "").startswith("<script>")]
    assert [len(text or "") for text in shown] == [22]
