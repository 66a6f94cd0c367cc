"""Cases to render, friendly and hostile."""

from __future__ import annotations

from harness.report.result_case import Case
from tests.harness.results.test_summary import summary

__all__ = ["HOSTILE", "case"]

#: Whatever means something in XML, Markdown, HTML or a workflow command, or that they cannot hold.
HOSTILE = (
    "<script>alert(1)</script> & ]]> \" ' | ``` ````` \n```\n`````\n::error ::%0A\r\n| --- |"
    "\x00\x1b[31m\ud800\ufffe @all #1"
)


def case(text: str = "", file: str = "scenarios/s.yaml", line: int = 3, **fields: object) -> Case:
    """What came of fence ``f``, or ``fence=...``; fields of its summary."""
    found = summary(**fields)
    return Case(file, line, found.fence, found, text)
