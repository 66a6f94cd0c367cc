"""The stories of an answer, with the commands that replay them: for the terminal and for reports."""

from __future__ import annotations

from harness.cli.known_witnesses import KnownWitness
from harness.cli.output import replay_command
from harness.cli.sink import Answer

__all__ = ["known_lines", "story_lines", "unexpected_stories"]


def story_lines(answer: Answer, kind: str) -> list[str]:
    """Return the story of the first violation of a kind, and the command that replays it."""
    # Imported here because most answers have none.
    from harness.report.story import headline, story

    finding = answer.result.stats.first[kind]
    small = answer.shrunk.get(kind)
    if small is not None and small.shrunk.best is not None:
        best = small.shrunk.best
        schedule = ", ".join(filter(None, (f"schedule {finding.schedule_index}", small.shrunk.label)))
        lines = [f"{headline(best.history, best.violation)} ({schedule})"]
        lines += story(
            best.history, best.judgement, best.violation, small.witness.critical, small.shrunk.code
        )
        lines.append(small.shrunk.summary_line())
        if small.kept:
            lines.append(f"kept: {small.kept}")
        return [*lines, replay_command(small.path)]
    history, violation = finding.history, finding.violation
    lines = [f"{headline(history, violation)} (schedule {finding.schedule_index})"]
    lines += story(history, finding.judgement, violation)
    if kind in answer.witnesses:
        lines.append(replay_command(answer.witnesses[kind].path))
    else:
        seed = answer.task.search.seed
        lines.append(f"no witness is stored; seed {seed} shows it again in this schedule")
    return lines


def known_lines(known: KnownWitness, fence: str) -> list[str]:
    """Return what a kept witness shows now; nothing where it shows no violation or was not run to its end."""
    if not known.violations:
        return []
    if not known.unexpected:
        return [f"known witness shows again, as expected: {', '.join(known.violations)} ({known.witness})"]
    return [replay_command(known.witness, fence)]


def unexpected_stories(answer: Answer) -> str:
    """Return the story of each violation that was not expected, each with the command that replays it."""
    lines: list[str] = []
    for kind in sorted(answer.result.stats.first):
        if answer.result.accuses(kind):
            lines += [*story_lines(answer, kind), ""]
    for one in answer.known:
        if one.unexpected:
            lines += [*one.reasons(), *known_lines(one, answer.summary.fence), ""]
    return "\n".join(lines).rstrip("\n")
