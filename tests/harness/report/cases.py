"""Cases to render, friendly and hostile."""

from __future__ import annotations

from harness.report.result_case import Case
from tests.harness.results.test_summary import summary

__all__ = ["HOSTILE", "case"]

#: Text with a meaning in XML, Markdown, HTML or a workflow command, or that these cannot hold.
HOSTILE = (
    "<script>alert(1)</script> & ]]> \" ' | ``` ````` \n```\n`````\n::error ::%0A\r\n| --- |"
    "\x00\x1b[31m\ud800\ufffe @all #1"
)


def case(text: str = "", file: str = "scenarios/s.yaml", line: int = 3, **fields: object) -> Case:
    """Return the case of fence ``f``, or ``fence=...``, with these fields of its summary."""
    found = summary(**fields)
    return Case(file, line, found.fence, found, text)
