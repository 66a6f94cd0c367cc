"""Lines that a run of many questions prints: one for each, two for a failure, and the counts at the end."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from harness.cli.called_as import command
from harness.cli.checkpoint import Finished
from harness.cli.output import replay_command
from harness.cli.sink import Answer
from harness.results.summary import NOT_EXPECTED, Summary, Word, information_lines

__all__ = ["FAILURES", "brief_lines", "count_line", "restored_lines"]

#: Results that the user has to look at.
FAILURES: Final[frozenset[Word]] = frozenset({"unexpected", "inconclusive", "unexercised", "interrupted"})
#: In the order in which the counts are given.
_ORDER: Final[tuple[Word, ...]] = (
    "unexpected", "inconclusive", "interrupted", "unexercised", "information", "expected", "pass",
)  # fmt: skip
_WIDTH = 1 + max(map(len, _ORDER))


def brief_lines(answer: Answer, options: Sequence[str] = ()) -> list[str]:
    """Return the line of an answer, and for a failure a second one: the command to go on with.

    Args:
        answer: of one question.
        options: of the search, as `search_options` returns them.
    """
    lines = [_line(answer.summary, _sentence(answer))]
    if answer.summary.result in FAILURES:
        lines.append(f"{'':<{_WIDTH}}{_command(answer, options)}")
    return lines


def restored_lines(finished: Finished) -> list[str]:
    """Return the same for a question that was answered before the run was resumed."""
    summary = finished.summary
    lines = [_line(summary, "finished before")]
    first = summary.first_violation
    if summary.result in FAILURES and first is not None and first["witness"]:
        witness = summary.shrunk.get(first["kind"], first)["witness"]
        lines.append(f"{'':<{_WIDTH}}{replay_command(witness)}")
    return lines


def count_line(summaries: Sequence[Summary]) -> str:
    """Return how many questions have which result, failures first."""
    counts = Counter(summary.result for summary in summaries)
    parts = ", ".join(f"{counts[word]} {word}" for word in _ORDER if counts[word])
    return f"{len(summaries)} {'question' if len(summaries) == 1 else 'questions'}: {parts}"


def _line(summary: Summary, more: str) -> str:
    word = summary.result.upper() if summary.unexpected else summary.result
    found = ", ".join(f"{kind} in {count}" for kind, count in _shown(summary).items())
    ran = f"{found} of {summary.schedules}" if found else str(summary.schedules)
    stopped = f", {summary.stopped}" if summary.stopped else ""
    reasons = "; ".join(filter(None, (*_reasons(summary), more)))
    what = f"{ran} schedules, {summary.wall_s:.1f} s{stopped}{': ' if reasons else ''}{reasons}"
    return f"{word:<{_WIDTH}}{summary.scenario} / {summary.fence}: {what}"


def _shown(summary: Summary) -> Mapping[str, int]:
    """Return the violations that are not expected with their schedules, or all where none is of that kind."""
    surplus = {reason.removesuffix(NOT_EXPECTED) for reason in summary.unexpected}
    found = {kind: count for kind, count in summary.violations.items() if kind in surplus}
    return found or summary.violations


def _reasons(summary: Summary) -> Iterable[str]:
    """Yield what the word and the counts do not say."""
    yield from (reason for reason in summary.unexpected if not reason.endswith(NOT_EXPECTED))
    if summary.why_inconclusive:
        yield summary.why_inconclusive
    yield from summary.not_exercised
    yield from information_lines(summary)


def _sentence(answer: Answer) -> str:
    """Return what the oracle says of the first violation that is not expected; empty for none."""
    kind = _accused(answer)
    if not kind:
        return ""
    small = answer.shrunk.get(kind)
    found = answer.result.stats.first[kind]
    best = None if small is None else small.shrunk.best
    from harness.report.story import brief

    return " ".join(brief((found if best is None else best).violation.detail).split())


def _accused(answer: Answer) -> str:
    first = answer.result.stats.first
    return min(filter(answer.result.accuses, first), key=lambda kind: first[kind].schedule_index, default="")


def _command(answer: Answer, options: Sequence[str]) -> str:
    """Return the command that replays the first unexpected violation, or else asks the question again."""
    kind = _accused(answer)
    if kind in answer.shrunk:
        return replay_command(answer.shrunk[kind].path)
    if kind in answer.witnesses:
        return replay_command(answer.witnesses[kind].path)
    again = next((one for one in answer.known if one.unexpected), None)
    if again is not None:
        return replay_command(again.witness, answer.summary.fence)
    words = [answer.task.file, "--fence", answer.summary.fence, "--seed", str(answer.summary.seed), *options]
    return f"again: {command()} run {shlex.join(words)} -v"
