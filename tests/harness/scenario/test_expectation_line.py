"""Test the line of a scenario file that reports point to."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.scenario.expectation_line import expectation_line

TEXT = "about: x\nexpect:\n  one: []\n  'a/b.py:C': {must: [crash]}\n"


@pytest.mark.parametrize(("fence", "line"), [("one", 3), ("a/b.py:C", 4), ("other", 2)])
def test_the_line_is_the_fences_or_that_of_expect(fence: str, line: int, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(TEXT)
    assert expectation_line(str(file), fence) == line


@pytest.mark.parametrize("data", [b"about: x\n", b"\xff", b"", b"a: [", b"- 1"])
def test_a_changed_file_gives_its_first_line(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(data)
    assert expectation_line(str(file), "one") == 1


def test_a_missing_file_gives_its_first_line(tmp_path: Path) -> None:
    assert expectation_line(str(tmp_path / "none.yaml"), "one") == 1
