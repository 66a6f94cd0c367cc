"""Write Markdown for pull requests and GitHub's step summary: the grid, differences, and the stories.

Names and messages of fences may contain anything. A name is written as code in which each character
that may have a meaning is a character reference, so it cannot be markup, a link or a mention. A story is
in a code block that nothing in it can close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.report.result_case import Case, grid
from harness.results import paired

__all__ = ["BYTES_MAX", "markdown"]

#: GitHub accepts step summaries up to 1 MiB, and comments up to 65,536 characters.
BYTES_MAX = 60_000
_RUNS = re.compile("`+")
_CUT = "\n\n(cut here: too long; the rest is in the run's folder)\n"


def markdown(
    cases: Sequence[Case], title: str, compared: Sequence[tuple[str, str, paired.Comparison]] = ()
) -> str:
    """Return the document.

    Args:
        cases: the cases in the order of the run.
        title: text of the heading, without markup.
        compared: scenario, fence, and its comparison with another fence.

    Returns:
        At most `BYTES_MAX` bytes in UTF-8.
    """
    done = [case.summary for case in cases if case.summary is not None]
    parts = [f"### {title}\n", f"{_outcome(cases)}\n"]
    failures = [case for case in cases if case.failure or case.error]
    if len(failures) > 1:
        # By name before anything that is long: what comes last may be cut off.
        parts.append("\n".join(f"- {_head(case)}" for case in failures) + "\n")
    if done:
        parts.append(_table(grid(done)))
    differing = paired.rows(compared)
    if len(differing) > 1:
        parts.append("Schedules that tell two fences apart (same programs, same draws of the strategy):\n")
        parts.append(_table(differing))
    elif compared:
        parts.append("No schedule tells the fences apart.\n")
    parts += [_story(case) for case in failures if case.text or len(failures) == 1]
    return _cut("\n".join(parts))


def _outcome(cases: Sequence[Case]) -> str:
    failed = sum(bool(case.failure) for case in cases)
    unknown = sum(bool(case.error) for case in cases)
    schedules = sum(case.summary.schedules for case in cases if case.summary)
    if failed:
        outcome = f"**Not as expected:** {failed} of {len(cases)}"
    elif unknown:
        outcome = f"**Inconclusive:** {unknown} of {len(cases)}"
    else:
        outcome = f"**As expected:** all {len(cases)}"
    more = f", inconclusive: {unknown}" if failed and unknown else ""
    stopped = sum(bool(case.summary.stopped) for case in cases if case.summary)
    cut = f", the time limit cut {stopped} short" if stopped else ""
    return f"{outcome} (scenario x fence){more}; {schedules} schedules{cut}."


def _table(table: Sequence[Sequence[str]]) -> str:
    head, *body = table
    lines = [_line(map(_code, head)), _line("---" for _ in head), *(_line(map(_code, row)) for row in body)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    safe = "".join(
        sign if sign.isalnum() or sign in " .,-" else f"&#{ord(sign)};" for sign in _one_line(text)
    )
    return f"<code>{safe}</code>" if safe else ""


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _head(case: Case) -> str:
    name = case.summary.scenario if case.summary else case.file
    return f"{_code(name)} / {_code(case.fence)}: {_code(case.failure or case.error)}"


def _story(case: Case) -> str:
    head = _head(case)
    text = case.text
    if not text:
        return f"- {head}\n"
    fence = "`" * max([3, *(len(run) + 1 for run in _RUNS.findall(text))])
    return f"<details><summary>{head}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n"


def _cut(text: str) -> str:
    data = text.encode(errors="backslashreplace")
    if len(data) <= BYTES_MAX:
        return data.decode()
    return data[: BYTES_MAX - len(_CUT)].decode(errors="ignore") + _CUT
