"""Annotations of GitHub: one workflow command for each scenario and fence that is not as expected.

See "Workflow commands for GitHub Actions" in GitHub's documentation; the escapes are those
that its runner undoes. A command is one line, so that nothing in a message can start another.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from harness.report.result_case import Case

__all__ = ["workflow_commands"]

#: GitHub cuts longer messages.
_LETTERS_MAX = 4000


def workflow_commands(cases: Sequence[Case], workspace: str | None = None) -> list[str]:
    """Lines for the log.

    Args:
        cases: all of the run.
        workspace: top of the repository, which paths are named from; None for the current folder.
    """
    return [_annotation(case, workspace) for case in cases if case.failure or case.error]


def _annotation(case: Case, workspace: str | None) -> str:
    path = os.path.relpath(case.file, workspace) if workspace else case.file
    message = case.failure or case.error
    if case.text:
        message += f"\n{case.text}"
    title = f"{os.path.basename(case.file)} / {case.fence}"
    place = f"file={_property(path)},line={case.line},title={_property(title)}"
    return f"::error {place}::{_data(message[:_LETTERS_MAX])}"


def _data(text: str) -> str:
    told = "".join(sign if sign.isprintable() or sign in "\r\n" else " " for sign in text)
    return told.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
