"""Write GitHub annotations: one workflow command for each scenario and fence that is not as expected.

See "Workflow commands for GitHub Actions" in GitHub's documentation; its runner decodes the escapes. A
command is one line, so no message can start another command.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from harness.report.result_case import Case

__all__ = ["workflow_commands"]

#: GitHub cuts longer messages.
_LETTERS_MAX = 4000


def workflow_commands(cases: Sequence[Case], workspace: str | None = None) -> list[str]:
    """Return the lines for the log.

    Args:
        cases: all cases of the run.
        workspace: top of the repository; paths are relative to it. None for the current folder.
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
    clean = "".join(sign if sign.isprintable() or sign in "\r\n" else " " for sign in text)
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
