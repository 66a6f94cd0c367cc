"""The summary of a result: one JSON object a line for scripts, one row of a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from harness.results.coverage import Coverage
from harness.results.paired import Comparison
from harness.results.stats import Part, Stats

__all__ = [
    "IN_WORDS",
    "NOT_EXPECTED",
    "Summary",
    "Word",
    "as_data",
    "encode",
    "found_by",
    "information_lines",
    "rows",
    "unmet",
    "voided_line",
]


#: After a kind of violation, in `Summary.unexpected`.
NOT_EXPECTED: Final = " was not expected"
#: A result in one word, as in ``--json``.
Word = Literal["pass", "expected", "information", "unexpected", "inconclusive", "unexercised", "interrupted"]
#: The same, as in tables.
IN_WORDS: Final[Mapping[Word, str]] = {
    "pass": "pass",
    "expected": "violation, as expected",
    "information": "information",
    "unexpected": "UNEXPECTED",
    "inconclusive": "inconclusive",
    "unexercised": "not exercised",
    "interrupted": "interrupted",
}


class Summary(msgspec.Struct, frozen=True):
    """One scenario under one fence; the fields are part of the command line's contract.

    `harness.results.summary_schema` makes the description of each field out of the list below.

    Args:
        scenario: name of the scenario.
        fence: reference of the fence.
        policy: name of the policy by which it is judged.
        gate: name of the gate, ``kernel`` or ``free``.
        strategy: name of the strategy.
        seed: seed of the run.
        schedules: how many were run.
        steps: file calls in all of them.
        verdicts: decisions by verdict.
        violations: schedules by kind of violation that they show; none that shows in no schedule.
        first_violation: ``{kind, schedule, witness}`` of the lowest schedule that shows any, or null.
        expected: whether nothing is unexpected and all that must show did.
        exhausted: whether all possible schedules were run.
        inconclusive: how many schedules ended without the truth being known.
        wall_s: duration in seconds.
        steps_per_s: file calls a second.
        stuck: refusals that followed a false positive in its turn.
        absorbed: missed takeovers whose effect fell into an earlier decision.
        late: true positives that came decisions later.
        inode_reused: schedules in which a lane saw an inode number that was used before.
        started_anew: schedules for which the fence's adapters were started anew, because they keep state.
        repeated: schedules that were run twice to be compared.
        histories: digest of all histories, the same for the same seed and schedules.
        explorers: processes that ran the schedules.
        stopped: reason why not all schedules were run: ``time limit`` or ``interrupted``; else empty.
        unexpected: differences from what the scenario expects, in words.
        information: kinds of violation that the scenario does not expect, under a policy that the fence does
            not claim (`sound_under`).
        why_inconclusive: reason why the truth is not known; empty where it is.
        not_exercised: parts of the scenario that never happened, where nothing was found; then it is no pass.
        parts: figures by strategy; a portfolio has several strategies.
        worth: coverage of the search; null where the search covers everything.
        workers: resources that each worker uses, by name of its process.
        shrunk: path of the shrunk witness and its sizes before and after, by kind of violation.
        known: the scenario's kept witnesses, with the violations that they show now.
        programs: exhaustive search: programs of which nothing is left.
        redundant: exhaustive search: schedules of a class that had been seen; not in any other count.
        violating: exhaustive search: number of classes that violate, by rogue program and kind.
        paired: comparison with the first fence of a matrix; null for that fence, absent in other runs.
        found_curve: ``[schedules, those of them that violate]`` at 1, 2, 4 ... schedules.
        decision_steps: decisions by the steps of all lanes from their begin to their end.
        decision_steps_own: decisions by the steps of the deciding lane alone.
        peak_bytes: the most memory that the ``harness``, any one ``explorer`` and its ``workers``
            had; a worker counts what it shares with the others.
        voided: runs of schedules that another program disturbed (it stopped or killed a process), and that
            were repeated; they count nowhere else.
        firsts: lowest schedule that shows a violation, from 0, by kind.
        ran: by shard, or worker of a cluster, the numbers of the schedules that it ran; else empty.
    """

    scenario: str
    fence: str
    policy: str
    gate: str
    strategy: str
    seed: int
    schedules: int
    steps: int
    verdicts: dict[str, int]
    violations: dict[str, int]
    first_violation: dict[str, Any] | None
    expected: bool
    exhausted: bool
    inconclusive: int
    wall_s: float
    steps_per_s: float
    stuck: int
    absorbed: int
    late: int
    inode_reused: int
    started_anew: int
    repeated: int
    histories: str
    explorers: int
    stopped: str = ""
    unexpected: tuple[str, ...] = ()
    information: tuple[str, ...] = ()
    why_inconclusive: str = ""
    not_exercised: tuple[str, ...] = ()
    parts: dict[str, Part] = {}
    worth: Coverage | None = None
    workers: dict[str, dict[str, int]] = {}
    shrunk: dict[str, dict[str, Any]] = {}
    known: tuple[dict[str, Any], ...] = ()
    programs: int = 0
    redundant: int = 0
    violating: dict[str, dict[str, int]] = {}
    paired: Comparison | msgspec.UnsetType | None = msgspec.UNSET
    found_curve: tuple[tuple[int, int], ...] = ()
    decision_steps: dict[int, int] = {}
    decision_steps_own: dict[int, int] = {}
    peak_bytes: dict[str, int] = {}
    voided: int = 0
    firsts: dict[str, int] = {}
    ran: dict[str, str] = {}

    @property
    def result(self) -> Word:
        """The result in one word: ``unexpected`` comes before what is not known, a pass comes last."""
        if self.unexpected:
            return "unexpected"
        if self.why_inconclusive:
            return "inconclusive"
        if self.stopped == "interrupted":
            return "interrupted"
        if self.not_exercised:
            return "unexercised"
        if self.information:
            return "information"
        return "expected" if self.violations else "pass"

    @property
    def unsettled(self) -> str:
        """The reason why this is neither a pass nor a violation; empty if it is one."""
        if self.why_inconclusive or not self.not_exercised:
            return self.why_inconclusive
        return f"not exercised: {'; '.join(self.not_exercised)}"


def as_data(summary: Summary) -> dict[str, Any]:
    """Return the object that ``--json`` prints: the fields, and the result in one word."""
    data: dict[str, Any] = msgspec.to_builtins(summary)
    names = ("scenario", "fence")
    return {name: data.pop(name) for name in names} | {"result": summary.result} | data


def encode(summary: Summary) -> str:
    """Return one line of JSON."""
    return msgspec.json.encode(as_data(summary)).decode()


def unmet(stats: Stats, must: Sequence[str], may: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return where statistics differ from the expectation.

    Args:
        stats: of the search.
        must: kinds that have to show.
        may: kinds that are allowed besides.

    Returns:
        Kinds that showed and should not, and kinds that should and did not.
    """
    found = {kind for kind, count in stats.violations.items() if count}
    return sorted(found - set(must) - set(may)), [kind for kind in must if kind not in found]


def found_by(parts: Mapping[str, Part]) -> str:
    """Return how many violations each strategy found, best first; empty for one strategy or no violation."""
    finders = sorted((part for part in parts.items() if part[1].found), key=lambda part: -part[1].found)
    if len(parts) <= 1 or not finders:
        return ""
    return "found by: " + ", ".join(f"{name} {part.found} of {part.schedules}" for name, part in finders)


def information_lines(summary: Summary) -> list[str]:
    """Return a sentence for each kind of violation that is information."""
    return [
        f"{kind} under {summary.policy}, a policy that the fence does not claim"
        for kind in summary.information
    ]


def voided_line(count: int) -> str:
    """Return the line about runs of schedules that another program disturbed."""
    runs = "1 run of a schedule was" if count == 1 else f"{count} runs of schedules were"
    return f"{runs} disturbed from outside and repeated"


def rows(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """Return the table at the end of a run, its head first."""
    head = (
        "scenario", "fence", "decisions", "false pos.", "missed", "stuck", "other violations",
        "schedules", "schedules/s", "steps/s", "result",
    )  # fmt: skip
    return [head, *(_row(summary) for summary in summaries)]


def _row(summary: Summary) -> tuple[str, ...]:
    other = {
        kind: count
        for kind, count in summary.violations.items()
        if kind not in ("false_positive", "missed_takeover") and count
    }
    return (
        summary.scenario,
        summary.fence,
        str(sum(summary.verdicts.values())),
        str(summary.verdicts["false_positive"]),
        str(summary.verdicts["missed_takeover"]),
        str(summary.stuck),
        ", ".join(f"{kind} {count}" for kind, count in sorted(other.items())) or "-",
        str(summary.schedules),
        f"{summary.schedules / summary.wall_s:.0f}" if summary.wall_s else "-",
        f"{summary.steps_per_s:.0f}",
        IN_WORDS[summary.result],
    )
