"""Write JUnit XML: one testcase for each scenario and fence, as Jenkins, GitLab and others read it.

JUnit XML has no standard; this uses the common part: suites, cases, ``failure`` for unexpected results,
and ``error`` for inconclusive ones.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from harness.report.result_case import Case, cell

__all__ = ["junit"]

#: Characters that XML 1.0 cannot hold, not even as references (https://www.w3.org/TR/xml/#charsets).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(cases: Sequence[Case]) -> bytes:
    """Return the document.

    Args:
        cases: the cases, those of one scenario next to each other.
    """
    root = ElementTree.Element("testsuites", {"name": "harness", **_counts(cases)})
    for file, group in itertools.groupby(cases, key=lambda case: case.file):
        inside = list(group)
        name = _xml(os.path.splitext(file)[0])
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counts(inside)})
        for case in inside:
            _add(suite, name, case)
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(cases: Iterable[Case]) -> dict[str, str]:
    cases = list(cases)
    return {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "errors": str(sum(bool(case.error) for case in cases)),
        "skipped": "0",
        "time": f"{sum(case.summary.wall_s for case in cases if case.summary):.3f}",
    }


def _add(suite: ElementTree.Element, name: str, case: Case) -> None:
    attributes = {
        "classname": name,
        "name": _xml(case.fence),
        "file": _xml(case.file),
        "line": str(case.line),
        "time": f"{case.summary.wall_s if case.summary else 0:.3f}",
    }
    element = ElementTree.SubElement(suite, "testcase", attributes)
    for tag, message in (("failure", case.failure), ("error", case.error)):
        if message:
            word = "unexpected" if tag == "failure" else message.partition(":")[0]
            child = ElementTree.SubElement(element, tag, {"message": _xml(message), "type": word})
            child.text = _xml(case.text or message)
    if case.summary is not None:
        ElementTree.SubElement(element, "system-out").text = _xml(_figures(case))


def _figures(case: Case) -> str:
    found = case.summary
    assert found is not None
    stopped = f"stopped: {found.stopped}; " if found.stopped else ""
    return (
        f"{cell(found)}; {stopped}{found.schedules} schedules, {found.steps} steps, seed {found.seed}, "
        f"strategy {found.strategy}, gate {found.gate}, policy {found.policy}"
    )


def _xml(text: str) -> str:
    """Return the text with escapes for characters that XML cannot hold."""
    return _NO_XML.sub(lambda found: ascii(found[0])[1:-1], text)
